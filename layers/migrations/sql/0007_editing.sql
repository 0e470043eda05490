-- Sites and places are edited one by one over the API: readable by all, written inside the caller's areas only.
CREATE FUNCTION wangge_may_write(place geometry) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT COALESCE(current_setting('wangge.role', true), 'public')
               IN ('grid_manager', 'officer', 'dispatcher', 'supervisor')
       AND (current_setting('wangge.city_wide', true) = 'on'
            OR EXISTS (SELECT FROM areas a
                       WHERE a.id = ANY (string_to_array(NULLIF(current_setting('wangge.areas', true), ''), ',')::bigint[])
                         AND a.valid_to IS NULL AND a.geom && place AND ST_Covers(a.geom, place)))
$$;
GRANT INSERT, UPDATE, DELETE ON sites, places TO wangge_reader;
DO $$
DECLARE
    layer text;
BEGIN
    FOREACH layer IN ARRAY ARRAY['sites', 'places'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', layer);
        EXECUTE format('CREATE POLICY readable ON %I FOR SELECT TO wangge_reader USING (true)', layer);
        EXECUTE format('CREATE POLICY created_in_scope ON %I FOR INSERT TO wangge_reader'
                       ' WITH CHECK (wangge_may_write(geom))', layer);
        EXECUTE format('CREATE POLICY changed_in_scope ON %I FOR UPDATE TO wangge_reader'
                       ' USING (wangge_may_write(geom)) WITH CHECK (wangge_may_write(geom))', layer);
        EXECUTE format('CREATE POLICY deleted_in_scope ON %I FOR DELETE TO wangge_reader'
                       ' USING (wangge_may_write(geom))', layer);
    END LOOP;
END $$;
CREATE TRIGGER places_changes AFTER INSERT OR UPDATE OR DELETE ON places
    FOR EACH STATEMENT EXECUTE FUNCTION announce_change();
