-- Counts of points in the cells of tiles, written by the transaction that writes the points. A statement appends what it
-- changed in each cell of the finest zoom (`settled` is false); nobody waits for anybody. `settle_cells` adds these rows to
-- the settled ones, of which there is one a cell and zoom (0 to 10, 128 cells a side of a tile).
-- Both kinds together are what the transactions that a reader sees have written, at every moment.

-- Cells are numbered from the north-west of the world, as in layers.tiles: dividing by a width that is a power of two
-- times another is exact, hence cells of all zooms nest. The tile is a column, since under a policy an index is used for
-- bare columns only (>> is not leakproof). `scope`: columns that the policy of the points names.
CREATE FUNCTION count_cells(source text, scope text[]) RETURNS void LANGUAGE plpgsql AS $body$
DECLARE
    cells constant text := source || '_cells';
    columns constant text := (SELECT COALESCE(string_agg(format('%I, ', name), '' ORDER BY place), '')
                              FROM unnest(scope) WITH ORDINALITY s (name, place));
    typed constant text := (SELECT COALESCE(string_agg(format('%I %s, ', a.attname, format_type(a.atttypid, a.atttypmod)), ''), '')
                            FROM pg_attribute a WHERE a.attrelid = source::regclass AND a.attname = ANY (scope));
    key constant text := format('(zoom, tile_x, tile_y, %sx, y)', columns);
    points text;
    changes text;
    policy record;
BEGIN
    EXECUTE format($make$
        CREATE TABLE %1$I (
            settled BOOLEAN NOT NULL DEFAULT false,
            zoom SMALLINT NOT NULL DEFAULT 10,
            x INTEGER NOT NULL,
            y INTEGER NOT NULL,
            tile_x INTEGER NOT NULL GENERATED ALWAYS AS (x >> 7) STORED,
            tile_y INTEGER NOT NULL GENERATED ALWAYS AS (y >> 7) STORED,
            %2$s
            points BIGINT NOT NULL,
            x_mm BIGINT NOT NULL,
            y_mm BIGINT NOT NULL
        );
        CREATE UNIQUE INDEX %3$I ON %1$I %4$s NULLS NOT DISTINCT WHERE settled;
        CREATE INDEX %5$I ON %1$I (x, y) WHERE NOT settled;
        GRANT SELECT ON %1$I TO wangge_reader$make$,
        cells, typed, 'uq_' || cells, key, 'ix_' || cells || '_fresh');

    -- The same access as to the points: columns that a policy names are columns of the cells.
    IF (SELECT relrowsecurity FROM pg_class WHERE oid = source::regclass) THEN
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', cells);
        FOR policy IN SELECT * FROM pg_policies WHERE schemaname = 'public' AND tablename = source AND cmd IN ('ALL', 'SELECT') LOOP
            EXECUTE format('CREATE POLICY %I ON %I AS %s FOR SELECT TO wangge_reader USING (%s)',
                           policy.policyname, cells, policy.permissive, policy.qual);
        END LOOP;
    END IF;

    points := format($sql$
        SELECT floor((ST_X(geom_3857) + 20037508.342789244) / 305.748113140705)::integer AS x,
               floor((20037508.342789244 - ST_Y(geom_3857)) / 305.748113140705)::integer AS y, %s
               (ST_X(geom_3857) * 1000)::bigint AS x_mm, (ST_Y(geom_3857) * 1000)::bigint AS y_mm, %%s AS sign
        FROM %%s WHERE abs(ST_X(geom_3857)) <= 20037508.342789244 AND abs(ST_Y(geom_3857)) <= 20037508.342789244$sql$, columns);
    changes := format($sql$
        INSERT INTO %1$I (x, y, %2$s points, x_mm, y_mm)
        SELECT x, y, %2$s sum(sign), sum(sign * x_mm), sum(sign * y_mm) FROM (%%s) p GROUP BY %2$s x, y
        HAVING sum(sign) <> 0 OR sum(sign * x_mm) <> 0 OR sum(sign * y_mm) <> 0$sql$, cells, columns);

    -- Runs as the owner, since callers write the points and not the cells.
    EXECUTE format($make$
        CREATE FUNCTION %1$I() RETURNS trigger
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
        CREATE TRIGGER cells_inserted AFTER INSERT ON %6$I REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
        CREATE TRIGGER cells_updated AFTER UPDATE ON %6$I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
        CREATE TRIGGER cells_deleted AFTER DELETE ON %6$I REFERENCING OLD TABLE AS old_rows
            FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
        CREATE TRIGGER cells_emptied AFTER TRUNCATE ON %6$I
            FOR EACH STATEMENT EXECUTE FUNCTION %1$I()$make$,
        'count_' || source,
        format(changes, format(points, '1', 'new_rows')),
        format(changes, format(points, '-1', 'old_rows')),
        format(changes, format(points, '1', 'new_rows') || ' UNION ALL ' || format(points, '-1', 'old_rows')),
        cells, source);

    -- For points that were written without the triggers: a restore of the data alone, a replica of rows.
    EXECUTE format($make$
        CREATE FUNCTION %1$I() RETURNS bigint LANGUAGE plpgsql SET search_path = public, pg_temp AS $function$
        BEGIN
            LOCK TABLE %2$I IN SHARE ROW EXCLUSIVE MODE;
            PERFORM pg_advisory_xact_lock(hashtextextended(%3$L, 0));
            DELETE FROM %4$I;
            %5$s;
            RETURN settle_cells(%2$L);
        END $function$;
        REVOKE EXECUTE ON FUNCTION %1$I() FROM PUBLIC;
        SELECT %1$I()$make$,
        'recount_' || source, source, 'settle ' || cells, cells, format(changes, format(points, '1', quote_ident(source))));
END $body$;
REVOKE EXECUTE ON FUNCTION count_cells FROM PUBLIC;

-- Rows that were settled; null: somebody else is at it. A transaction that sees one moment for all of its statements would be
-- refused what others have settled meanwhile: it leaves this to them.
CREATE FUNCTION settle_cells(source text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $body$
DECLARE
    cells constant text := source || '_cells';
    columns constant text := (SELECT COALESCE(string_agg(format('%I, ', attname), '' ORDER BY attnum), '')
                              FROM pg_attribute WHERE attrelid = cells::regclass AND attnum > 0 AND NOT attisdropped
                              AND attname <> ALL ('{settled,zoom,x,y,tile_x,tile_y,points,x_mm,y_mm}'));
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

SELECT count_cells('sites', '{}'),
       count_cells('stays', '{area_id}'),
       count_cells('visits', '{area_id}'),
       count_cells('alerts', '{area_id,kind}'),
       count_cells('cases', '{area_id,domain}');
