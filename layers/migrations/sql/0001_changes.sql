-- After a commit every listener hears which layer changed; browsers redraw it.
CREATE FUNCTION announce_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('wangge_changes', TG_TABLE_NAME);
    RETURN NULL;
END $$;
DO $$
DECLARE
    layer text;
BEGIN
    FOREACH layer IN ARRAY ARRAY['areas', 'sites', 'alerts', 'cases', 'stays', 'visits', 'hot_spots'] LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT OR UPDATE OR DELETE ON %I'
                       ' FOR EACH STATEMENT EXECUTE FUNCTION announce_change()', layer || '_changes', layer);
    END LOOP;
END $$;
