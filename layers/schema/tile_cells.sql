-- Counts of points in the cells of tiles, written by the transaction that writes the points. A statement
-- appends what it changed in each cell of the finest zoom (`settled` is false); nobody waits for anybody.
-- `settle_cells` adds these rows to the settled ones, of which there is one a cell and zoom (0 to 10, 128
-- cells a side of a tile). Both kinds together are what the transactions that a reader sees have written, at
-- every moment.
-- Called by: triggers of the counted tables; layers/collections/tile_aggregates.py (settles, and reads the
-- tables); by hand (recount_cells, docs/operations.md). Cells are numbered from the north-west of the world,
-- as in layers/collections/tiles.py: dividing by a width that is a power of two times another is exact, hence
-- cells of all zooms nest. The tile is a column, since under a policy an index is used for bare columns only
-- (>> is not leakproof).

-- Columns of a table of cells that the policy of the points names, each with a comma after it: ends 'area_id,
-- '.
CREATE OR REPLACE FUNCTION scope_columns(cells text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT COALESCE(string_agg(format('%I, ', attname), '' ORDER BY attnum), '')
    FROM pg_attribute
    WHERE attrelid = cells::regclass AND attnum > 0 AND NOT attisdropped
        AND attname <> ALL ('{settled,zoom,x,y,tile_x,tile_y,points,x_mm,y_mm}')
$$;

-- Rows that were settled; null: somebody else is at it. A transaction that sees one moment for all of its
-- statements would be refused what others have settled meanwhile: it leaves this to them.
CREATE OR REPLACE FUNCTION settle_cells(source text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    cells constant text := source || '_cells';
    columns constant text := scope_columns(cells);
    taken bigint;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed'
       OR NOT pg_try_advisory_xact_lock(hashtextextended('settle ' || cells, 0)) THEN
        RETURN NULL;
    END IF;
    EXECUTE format($sql$
        WITH taken AS (DELETE FROM %1$I WHERE NOT settled RETURNING *), settling AS (
            INSERT INTO %1$I AS c (settled, zoom, x, y, %2$s points, x_mm, y_mm)
            SELECT true, 10 - step, x >> step, y >> step, %2$s sum(points), sum(x_mm), sum(y_mm)
            FROM (SELECT x, y, %2$s sum(points) AS points, sum(x_mm) AS x_mm, sum(y_mm) AS y_mm
                  FROM taken GROUP BY %2$s x, y) t, generate_series(0, 10) step
            GROUP BY %2$s 2, 3, 4
            HAVING sum(points) <> 0 OR sum(x_mm) <> 0 OR sum(y_mm) <> 0
            ORDER BY 2, (x >> step) >> 7, (y >> step) >> 7
            ON CONFLICT (zoom, tile_x, tile_y, %2$s x, y) WHERE settled
            DO UPDATE SET points = c.points + EXCLUDED.points, x_mm = c.x_mm + EXCLUDED.x_mm, y_mm = c.y_mm + EXCLUDED.y_mm)
        SELECT count(*) FROM taken$sql$, cells, columns) INTO taken;
    IF taken > 0 THEN
        EXECUTE format('DELETE FROM %I WHERE settled AND points = 0', cells);
    END IF;
    RETURN taken;
END $body$;
REVOKE EXECUTE ON FUNCTION settle_cells FROM PUBLIC;

-- The statement that appends what came in the rows of one table and went with the rows of another; null: none
-- came, none went.
CREATE OR REPLACE FUNCTION counting_statement(source text, came text, went text) RETURNS text LANGUAGE plpgsql STABLE AS $body$
DECLARE
    cells constant text := source || '_cells';
    columns constant text := scope_columns(cells);
    points constant text := $sql$
        SELECT floor((ST_X(geom_3857) + 20037508.342789244) / 305.748113140705)::integer AS x,
               floor((20037508.342789244 - ST_Y(geom_3857)) / 305.748113140705)::integer AS y, %s
               (ST_X(geom_3857) * 1000)::bigint AS x_mm, (ST_Y(geom_3857) * 1000)::bigint AS y_mm, %s AS sign
        FROM %I WHERE abs(ST_X(geom_3857)) <= 20037508.342789244 AND abs(ST_Y(geom_3857)) <= 20037508.342789244$sql$;
BEGIN
    RETURN format($sql$
        INSERT INTO %1$I (x, y, %2$s points, x_mm, y_mm)
        SELECT x, y, %2$s sum(sign), sum(sign * x_mm), sum(sign * y_mm) FROM (%3$s) p GROUP BY %2$s x, y
        HAVING sum(sign) <> 0 OR sum(sign * x_mm) <> 0 OR sum(sign * y_mm) <> 0$sql$, cells, columns,
        concat_ws(' UNION ALL ', CASE WHEN came IS NOT NULL THEN format(points, columns, '1', came) END,
                  CASE WHEN went IS NOT NULL THEN format(points, columns, '-1', went) END));
END $body$;

-- For points that were written without the triggers: a restore of the data alone, a replica of rows.
CREATE OR REPLACE FUNCTION recount_cells(source text) RETURNS bigint
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    EXECUTE format('LOCK TABLE %I IN SHARE ROW EXCLUSIVE MODE', source);
    PERFORM pg_advisory_xact_lock(hashtextextended('settle ' || source || '_cells', 0));
    EXECUTE format('DELETE FROM %I', source || '_cells');
    EXECUTE counting_statement(source, source, NULL);
    RETURN settle_cells(source);
END $$;
REVOKE EXECUTE ON FUNCTION recount_cells FROM PUBLIC;

-- The tables that are counted: a function count_<table> and its triggers for each. It runs as the owner,
-- since callers write the points and not the cells.
DO $do$
DECLARE
    source text;
BEGIN
    FOREACH source IN ARRAY ARRAY['sites', 'stays', 'visits', 'alerts', 'cases'] LOOP
        EXECUTE format($make$
            CREATE OR REPLACE FUNCTION %1$I() RETURNS trigger
                LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $trigger$
            BEGIN
                IF TG_OP = 'INSERT' THEN
                    %2$s;
                ELSIF TG_OP = 'DELETE' THEN
                    %3$s;
                ELSIF TG_OP = 'UPDATE' THEN
                    %4$s;
                ELSE
                    TRUNCATE %5$I;
                END IF;
                IF random() < 0.002 THEN
                    PERFORM settle_cells(%6$L);
                END IF;
                RETURN NULL;
            END $trigger$;
            REVOKE EXECUTE ON FUNCTION %1$I() FROM PUBLIC;
            CREATE OR REPLACE TRIGGER cells_inserted AFTER INSERT ON %6$I REFERENCING NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
            CREATE OR REPLACE TRIGGER cells_updated AFTER UPDATE ON %6$I
                REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
            CREATE OR REPLACE TRIGGER cells_deleted AFTER DELETE ON %6$I REFERENCING OLD TABLE AS old_rows
                FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
            CREATE OR REPLACE TRIGGER cells_emptied AFTER TRUNCATE ON %6$I
                FOR EACH STATEMENT EXECUTE FUNCTION %1$I()$make$,
            'count_' || source,
            counting_statement(source, 'new_rows', NULL),
            counting_statement(source, NULL, 'old_rows'),
            counting_statement(source, 'new_rows', 'old_rows'),
            source || '_cells', source);
    END LOOP;
END $do$;
