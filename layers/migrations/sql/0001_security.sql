-- Access is decided here. Every transaction of a caller takes the role wangge_reader and carries
-- wangge.city_wide (on|off), wangge.areas (comma list of area ids) and wangge.role.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wangge_reader') THEN
        CREATE ROLE wangge_reader NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN EXECUTE format('GRANT wangge_reader TO %I', current_user); END $$;
GRANT USAGE ON SCHEMA public TO wangge_reader;

-- && compares boxes only; without this the planner may not use a spatial index under a policy.
DO $$
BEGIN
    ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'geometry_overlaps stays as it is: narrow scopes use the index on area_id';
END $$;

-- Public layers.
GRANT SELECT ON areas, area_successions, enterprises, sites, places, duty_items, model_runs, hot_spots
    TO wangge_reader;

-- Layers with rows of an area. The scope is an init plan: evaluated once a query, not once a row.
GRANT SELECT ON alerts, cases, case_events, stays, visits, fixes, meter_readings, notices, vehicles, change_sets
    TO wangge_reader;
GRANT INSERT ON case_events TO wangge_reader;
GRANT UPDATE (state, closed_at, due_at, lead_body, co_handlers, assignment) ON cases TO wangge_reader;
GRANT UPDATE (status, outcome) ON alerts TO wangge_reader;

DO $$
DECLARE
    layer text;
    in_scope constant text :=
        '(SELECT current_setting(''wangge.city_wide'', true) = ''on'')'
        ' OR area_id = ANY ((SELECT string_to_array(NULLIF(current_setting(''wangge.areas'', true), ''''), '','')::bigint[])::bigint[])';
    of_site constant text :=
        '(SELECT current_setting(''wangge.city_wide'', true) = ''on'')'
        ' OR site_id IN (SELECT id FROM sites WHERE area_id = ANY ((SELECT string_to_array(NULLIF(current_setting(''wangge.areas'', true), ''''), '','')::bigint[])::bigint[]))';
    logged_in constant text := '(SELECT COALESCE(current_setting(''wangge.role'', true), ''public'') <> ''public'')';
BEGIN
    FOREACH layer IN ARRAY ARRAY['alerts', 'cases', 'case_events', 'stays', 'visits', 'fixes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', layer);
        EXECUTE format('CREATE POLICY in_scope ON %I FOR ALL TO wangge_reader USING (%s) WITH CHECK (%s)',
                       layer, in_scope, in_scope);
    END LOOP;
    FOREACH layer IN ARRAY ARRAY['meter_readings', 'notices'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', layer);
        EXECUTE format('CREATE POLICY of_site ON %I FOR SELECT TO wangge_reader USING (%s)', layer, of_site);
    END LOOP;
    FOREACH layer IN ARRAY ARRAY['vehicles', 'change_sets'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', layer);
        EXECUTE format('CREATE POLICY logged_in ON %I FOR SELECT TO wangge_reader USING (%s)', layer, logged_in);
    END LOOP;
END $$;
