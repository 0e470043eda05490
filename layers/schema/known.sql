-- Rows as they were known at a moment: what had arrived by then, before later imports replaced it. A look back over a
-- connection whose search_path is known, public reads these views in place of the tables.
-- Called by: connections of layers.postgres.url_as_known, which set wangge.known_at. Nobody else has the right to use them.

DROP SCHEMA IF EXISTS known CASCADE;
CREATE SCHEMA known;
REVOKE ALL ON SCHEMA known FROM PUBLIC;

-- Batches that had arrived. The fixes of a device are one batch a day, which arrives with its first fix.
CREATE VIEW known.arrived AS
    SELECT id FROM public.batches WHERE received_at <= current_setting('wangge.known_at')::timestamptz;

-- A row is known when its batch had arrived (a row without batch is older than batches: always), and until a batch that had
-- arrived replaced it. What an undone import said is nowhere any more, and so not here.
DO $do$
DECLARE
    kept record;
BEGIN
    FOR kept IN
        SELECT t.relname AS name, string_agg(format('%I', a.attname), ', ' ORDER BY a.attnum) AS columns
        FROM pg_class h JOIN pg_class t ON h.relname = t.relname || '_history' AND t.relnamespace = h.relnamespace
        JOIN pg_attribute a ON a.attrelid = h.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attname NOT IN ('replaced_by', 'replaced_at')
        WHERE h.relnamespace = 'public'::regnamespace AND h.relkind = 'r' GROUP BY t.relname
    LOOP
        EXECUTE format($make$
            CREATE VIEW known.%1$I AS
                SELECT %2$s FROM public.%1$I
                WHERE batch_id IS NULL OR batch_id IN (SELECT id FROM known.arrived)
                UNION ALL
                SELECT %2$s FROM public.%3$I
                WHERE (batch_id IS NULL OR batch_id IN (SELECT id FROM known.arrived))
                    AND replaced_by NOT IN (SELECT id FROM known.arrived)$make$,
            kept.name, kept.columns, kept.name || '_history');
    END LOOP;
END $do$;

CREATE VIEW known.fixes AS
    SELECT * FROM public.fixes WHERE batch_id IS NULL OR batch_id IN (SELECT id FROM known.arrived);

-- What models and people made of the rows later is not known: a look back finds it anew and remembers nothing.
CREATE VIEW known.stays AS SELECT * FROM public.stays WHERE false;
CREATE VIEW known.visits AS SELECT * FROM public.visits WHERE false;
CREATE VIEW known.fence_events AS SELECT * FROM public.fence_events WHERE false;
CREATE VIEW known.alerts AS SELECT * FROM public.alerts WHERE false;
CREATE VIEW known.alert_scores AS SELECT * FROM public.alert_scores WHERE false;
CREATE VIEW known.alert_outcomes AS SELECT * FROM public.alert_outcomes WHERE false;
