-- Batches: which batch a transaction writes for, the rows that it replaces, and the batch of one edit.
-- Called by: triggers of the tables that have a history (layers/tables/batches.py); defaults of batch_id read
-- the same setting; layers/postgres/copying.py (current_batch) and layers/collections/editing.py (begin_edit).
-- The setting wangge.batch holds for a transaction: layers.batches sets it for imports and posts, begin_edit
-- for edits. Without it (models, edits of the partition, an undo) nothing is kept.

CREATE OR REPLACE FUNCTION current_batch() RETURNS integer LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT NULLIF(current_setting('wangge.batch', true), '')::integer
$$;

-- A row goes to the history when its batch becomes another one, or when a batch removes it. What the same batch
-- wrote before is not kept. The argument names the columns of the key.
CREATE OR REPLACE FUNCTION keep_replaced() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    batch constant integer := current_batch();
    history constant text := TG_TABLE_NAME || '_history';
    columns text;
    replaced text := 'old_rows o';
    condition text := 'true';
BEGIN
    IF batch IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT string_agg(format('%I', attname), ', ' ORDER BY attnum) INTO columns FROM pg_attribute
    WHERE attrelid = history::regclass AND attnum > 0 AND NOT attisdropped
        AND attname NOT IN ('replaced_by', 'replaced_at');
    IF TG_OP = 'UPDATE' THEN
        replaced := format('(SELECT %s FROM new_rows WHERE batch_id = %s) n JOIN old_rows o USING (%1$s)',
                           TG_ARGV[0], batch);
    END IF;
    EXECUTE format('INSERT INTO %I (%s, replaced_by) SELECT %s, %s FROM %s WHERE o.batch_id IS DISTINCT FROM %4$s',
                   history, columns, columns, batch, replaced);
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION keep_replaced() FROM PUBLIC;

DO $do$
DECLARE
    kept record;
BEGIN
    FOR kept IN SELECT * FROM (VALUES
        ('bodies', 'id'), ('buildings', 'id'), ('calendar_days', 'day'), ('duty_items', 'id'), ('enterprises', 'id'), ('fences', 'id'),
        ('grid_households', 'id'), ('grid_workers', 'id'),
        ('licences', 'id'), ('matters', 'id'),
        ('meter_readings', 'site_id, kind, meter_id, began_at, ended_at'), ('notices', 'id'), ('officers', 'id'), ('places', 'id'), ('roads', 'id'), ('sites', 'id'),
        ('vehicles', 'id'), ('waterways', 'id')
    ) AS tables (name, key) LOOP
        EXECUTE format($make$
            CREATE OR REPLACE TRIGGER replaced_kept AFTER UPDATE ON %1$I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION keep_replaced(%2$L);
            CREATE OR REPLACE TRIGGER removed_kept AFTER DELETE ON %1$I REFERENCING OLD TABLE AS old_rows
                FOR EACH STATEMENT EXECUTE FUNCTION keep_replaced(%2$L)$make$, kept.name, kept.key);
    END LOOP;
END $do$;

-- The batch of one edit of a feature by the caller of this transaction. Runs as the owner, since callers do not
-- write batches.
CREATE OR REPLACE FUNCTION begin_edit(layer text, counted text) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    made integer;
BEGIN
    INSERT INTO batches (kind, source, actor, options, received_at, counts, state)
    VALUES (layer, 'edit', COALESCE(NULLIF(current_setting('wangge.username', true), ''), 'unknown'), '{}',
            clock_timestamp(), jsonb_build_object(counted, 1), 'done')
    RETURNING id INTO made;
    PERFORM set_config('wangge.batch', made::text, true);
    RETURN made;
END $$;
REVOKE EXECUTE ON FUNCTION begin_edit(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION begin_edit(text, text) TO wangge_reader;
