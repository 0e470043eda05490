-- Versions of models and the steps by which they came into force are added, never changed.
-- Called by: triggers of the tables model_versions and model_version_steps.

DO $do$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['model_versions', 'model_version_steps'] LOOP
        EXECUTE format($make$
            CREATE OR REPLACE TRIGGER %1$s_append_only BEFORE UPDATE OR DELETE ON %1$I
                FOR EACH ROW EXECUTE FUNCTION refuse_change()$make$, kept);
    END LOOP;
END $do$;
