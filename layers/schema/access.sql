-- Who reads and writes which rows: grants and policies of every table that wangge_reader sees.
-- Called by: every query of a caller. The transaction takes the role wangge_reader and sets wangge.role,
-- wangge.username, wangge.areas (ids, with commas between; the scope of the account), wangge.city_wide (on | off) and
-- wangge.domains (empty: every domain) and wangge.body_id (of the body that the caller acts for; a case is also
-- seen by its parties, whatever their area and domain): apply_scope in layers/postgres/sessions.py. Jobs and imports keep the
-- role of the login, which owns the tables. A table without a policy here is open to all readers, or closed
-- to them: layers/tables/readers.py lists both, with reasons.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wangge_reader') THEN
        CREATE ROLE wangge_reader NOLOGIN NOSUPERUSER NOBYPASSRLS;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'wangge_reader', 'MEMBER') THEN
        EXECUTE format('GRANT wangge_reader TO %I', current_user);
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO wangge_reader;

-- && compares boxes only; without this the planner may not use a spatial index under a policy.
DO $$
BEGIN
    ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'geometry_overlaps stays as it is: narrow scopes use the index on area_id';
END $$;
-- && and @> of arrays compare elements only; without this the planner may not use the indexes of parties, plates and numbers
-- under a policy.
DO $$
BEGIN
    ALTER FUNCTION arrayoverlap(anyarray, anyarray) LEAKPROOF;
    ALTER FUNCTION arraycontains(anyarray, anyarray) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'arrayoverlap stays as it is: lists of a body and plates are read row by row';
END $$;

-- The role is this service's own: what is not granted below, it has not.
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM wangge_reader;

-- Rows that everybody may read.
GRANT SELECT ON alert_kinds, areas, area_successions, bodies, buildings, calendar_days, duty_items, enterprises, fences, grid_households, matters, model_runs,
    pinyin_readings, place_grams, place_names, place_sources, roads, waterways TO wangge_reader;

-- Rows under a policy.
GRANT SELECT ON access_log, alert_budgets, alert_outcomes, alert_ranks, alert_scores, alerts, alerts_cells, attachments, batches, case_events, case_facts, case_parties, cases, cases_cells, change_sets, clue_reporters, clues, deliveries, dispatches, duty_proposal_steps, duty_proposals, edit_drafts, emerging_hot_spots, encounters, fence_events, fixes, grid_workers, hot_spots,
    licences, meter_readings, model_version_steps, model_versions, notices, officers, places, published_cases, silences, sites, sites_cells, source_runs, source_states, stays, stays_cells, tracks, vehicles, visits, visits_cells
    TO wangge_reader;
GRANT INSERT, UPDATE, DELETE ON edit_drafts, places, sites TO wangge_reader;
GRANT UPDATE (status, outcome) ON alerts TO wangge_reader;
GRANT INSERT ON alert_outcomes TO wangge_reader;

-- Whether the caller may create, move or remove something at that place. Called by the policies of sites and
-- places, and by layers/collections/editing.py, which says so beforehand.
CREATE OR REPLACE FUNCTION wangge_may_write(place geometry) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT COALESCE(current_setting('wangge.role', true), 'public')
               IN ('grid_manager', 'officer', 'dispatcher', 'supervisor')
       AND (current_setting('wangge.city_wide', true) = 'on'
            OR owning_area(place)
               = ANY (string_to_array(NULLIF(current_setting('wangge.areas', true), ''), ',')::bigint[]))
$$;

-- The policies: table, name, command, which rows are read, which rows may be written. A scope is written as
-- (SELECT ...), an init plan: evaluated once a query, not once a row. It is text that is put into each
-- policy, not a function: the planner would spend 0.05 ms on each call.
DO $$
DECLARE
    reads constant text := '(SELECT current_setting(''wangge.role'', true) IN'
        ' (''viewer'', ''grid_manager'', ''officer'', ''dispatcher'', ''supervisor'', ''service''))';
    reads_tracks constant text := '(SELECT current_setting(''wangge.role'', true) IN'
        ' (''officer'', ''dispatcher'', ''supervisor'', ''service''))';
    reads_change_sets constant text := '(SELECT current_setting(''wangge.role'', true) IN'
        ' (''grid_manager'', ''officer'', ''dispatcher'', ''supervisor''))';
    reads_access_log constant text := '(SELECT current_setting(''wangge.role'', true) = ''supervisor'')';
    -- Batches name files and people of the whole city; others see what they sent themselves.
    reads_batches constant text := '(SELECT current_setting(''wangge.role'', true) IN'
        ' (''grid_manager'', ''officer'', ''dispatcher'', ''supervisor'', ''service''))';
    reads_every_batch constant text := '(SELECT current_setting(''wangge.role'', true) IN (''dispatcher'', ''supervisor''))';
    own constant text := '(actor = (SELECT NULLIF(current_setting(''wangge.username'', true), '''')))';
    city_wide constant text := '(SELECT current_setting(''wangge.city_wide'', true) = ''on'')';
    areas constant text := '(SELECT string_to_array(NULLIF(current_setting(''wangge.areas'', true), ''''), '','')::bigint[])::bigint[]';
    every_domain constant text := '(SELECT NULLIF(current_setting(''wangge.domains'', true), '''') IS NULL)';
    domains constant text := '(SELECT string_to_array(NULLIF(current_setting(''wangge.domains'', true), ''''), '',''))::text[]';

    in_area constant text := format('(%s OR area_id = ANY (%s))', city_wide, areas);
    in_both_areas constant text := format('(%s OR (area_id = ANY (%s) AND to_area_id = ANY (%s)))', city_wide, areas, areas);
    site_in_area constant text :=
        format('(%s OR site_id IN (SELECT id FROM sites WHERE area_id = ANY (%s)))', city_wide, areas);
    -- of the site, or of an enterprise with a site in the areas
    licence_rows constant text :=
        format('(%s OR site_id IN (SELECT id FROM sites WHERE area_id = ANY (%s)) OR (site_id IS NULL AND enterprise_id IN'
               ' (SELECT enterprise_id FROM sites WHERE area_id = ANY (%2$s))))', city_wide, areas);
    account_in_area constant text :=
        format('(%s OR area_code IN (SELECT code FROM areas WHERE id = ANY (%s)))', city_wide, areas);
    in_domain constant text := format('(%s OR domain = ANY (%s))', every_domain, domains);
    -- The policy of cases is applied inside.
    of_seen_case constant text := 'EXISTS (SELECT FROM cases c WHERE c.id = case_id)';
    by_party constant text := '(party_ids && (SELECT ARRAY[NULLIF(current_setting(''wangge.body_id'', true), '''')::bigint])::bigint[])';
    -- An alert of a kind without a domain is for those who see every domain.
    kind_in_domain constant text :=
        format('(%s OR kind = ANY ((SELECT array_agg(k.kind) FROM alert_kinds k WHERE k.domain = ANY (%s))::text[]))',
               every_domain, domains);

    alert_rows constant text := concat_ws(' AND ', reads, in_area, kind_in_domain);
    -- The policy of alerts is applied inside.
    of_seen_alert constant text := reads || ' AND alert_id IN (SELECT a.id FROM alerts a)';
    -- Outcomes are appended under the own name and role.
    own_outcome constant text := of_seen_alert
        || ' AND actor = (SELECT NULLIF(current_setting(''wangge.username'', true), ''''))'
        || ' AND role = (SELECT current_setting(''wangge.role'', true))';
    case_cells constant text := concat_ws(' AND ', reads, in_area, in_domain);
    case_rows constant text := format('%s AND ((%s AND %s) OR %s)', reads, in_area, in_domain, by_party);
    -- Who sees a case reads its whole history, and nobody else: also after it went to another place.
    event_rows constant text := format('%s AND ((%s AND %s) OR %s)', reads, city_wide, every_domain, of_seen_case);
    area_rows constant text := concat_ws(' AND ', reads, in_area);
    -- Officers are people: who leads and checks reads those of the own areas, everybody the own entry.
    officer_rows constant text := format('(SELECT current_setting(''wangge.role'', true) IN (''dispatcher'', ''supervisor''))'
        ' AND (%s OR area_codes && (SELECT array_agg(a.code) FROM areas a WHERE a.id = ANY (%s))::text[])'
        ' OR username = (SELECT NULLIF(current_setting(''wangge.username'', true), ''''))', city_wide, areas);
    -- Grid workers are people: who looks after an area reads those of its grids.
    worker_rows constant text := format('(SELECT current_setting(''wangge.role'', true) IN'
        ' (''grid_manager'', ''dispatcher'', ''supervisor'')) AND (%s OR area_codes &&'
        ' (SELECT array_agg(a.code) FROM areas a WHERE a.id = ANY (%s) OR a.parent_id = ANY (%2$s))::text[])', city_wide, areas);
    -- Who was sent where: who leads and checks reads it of the cases that it sees, an officer the own calls. The policies of
    -- cases and officers are applied inside.
    dispatch_rows constant text := format('%s AND ((SELECT current_setting(''wangge.role'', true) IN (''dispatcher'', ''supervisor''))'
        ' AND case_id IN (SELECT c.id FROM cases c) OR officer_id IN (SELECT o.officer_id FROM officers o'
        ' WHERE o.username = (SELECT NULLIF(current_setting(''wangge.username'', true), ''''))))', reads);
    fact_rows constant text := concat_ws(' AND ', reads, in_area, in_domain);
    -- Clues are for who takes them in and acts on them, also the bodies of the case that one became; who reported one
    -- reads it wherever it lies.
    clue_rows constant text := format('(SELECT current_setting(''wangge.role'', true) IN'
        ' (''grid_manager'', ''officer'', ''dispatcher'', ''supervisor'', ''service''))'
        ' AND (created_by = (SELECT NULLIF(current_setting(''wangge.username'', true), ''''))'
        ' OR ((SELECT current_setting(''wangge.role'', true) <> ''service'') AND (%s AND %s'
        ' OR case_id IN (SELECT c.id FROM cases c WHERE %s))))', in_area, in_domain, by_party);
    -- Who reported is told to those who lead and check; the policy of clues is applied inside.
    reporter_rows constant text := '(SELECT current_setting(''wangge.role'', true) IN (''dispatcher'', ''supervisor''))'
        ' AND clue_id IN (SELECT c.id FROM clues c)';
    -- Cells that count alerts would tell of checks that are going on: for those who see every alert.
    hot_spot_rows constant text := format('(field <> ''alerts'' OR (%s AND %s AND %s))', reads, city_wide, every_domain);
    -- A draft is its owner's; a shared one is read by who looks after all the areas that it names.
    own_draft constant text := '(SELECT current_setting(''wangge.role'', true) IN (''grid_manager'', ''supervisor''))'
        ' AND owner = (SELECT NULLIF(current_setting(''wangge.username'', true), ''''))';
    draft_rows constant text := format('%s AND (owner = (SELECT NULLIF(current_setting(''wangge.username'', true), ''''))'
        ' OR (shared AND (%s OR (cardinality(area_ids) > 0 AND area_ids <@ %s))))', reads_change_sets, city_wide, areas);
    may_write constant text := 'wangge_may_write(geom)';
    policy record;
BEGIN
    FOR policy IN SELECT tablename, policyname FROM pg_policies
                  WHERE schemaname = 'public' AND 'wangge_reader' = ANY (roles) LOOP
        EXECUTE format('DROP POLICY %I ON %I', policy.policyname, policy.tablename);
    END LOOP;
    FOR policy IN SELECT * FROM (VALUES
        ('access_log', 'of_supervisor', 'SELECT', concat_ws(' AND ', reads_access_log, account_in_area), NULL),
        -- How many checks a county can make is known to those who look after a part of it.
        ('alert_budgets', 'readable', 'SELECT', reads, NULL),
        ('alert_outcomes', 'of_alert', 'SELECT', of_seen_alert, NULL),
        ('alert_outcomes', 'appended', 'INSERT', NULL, own_outcome),
        ('alert_ranks', 'of_alert', 'SELECT', of_seen_alert, NULL),
        ('alert_scores', 'of_alert', 'SELECT', of_seen_alert, NULL),
        ('alerts', 'in_scope', 'ALL', alert_rows, alert_rows),
        ('alerts_cells', 'in_scope', 'SELECT', alert_rows, NULL),
        ('attachments', 'of_case', 'SELECT', concat_ws(' AND ', reads, 'case_id IN (SELECT c.id FROM cases c)'), NULL),
        ('batches', 'own_or_city_wide', 'SELECT', format('%s AND (%s OR (%s AND %s AND %s))', reads_batches, own,
            reads_every_batch, city_wide, every_domain), NULL),
        ('case_events', 'in_scope', 'SELECT', event_rows, NULL),
        ('case_facts', 'in_scope', 'SELECT', fact_rows, NULL),
        ('case_parties', 'of_case', 'SELECT', concat_ws(' AND ', reads, of_seen_case), NULL),
        ('cases', 'in_scope', 'SELECT', case_rows, NULL),
        ('cases_cells', 'in_scope', 'SELECT', case_cells, NULL),
        ('change_sets', 'in_scope', 'SELECT', concat_ws(' AND ', reads_change_sets, in_area), NULL),
        ('clue_reporters', 'of_clue', 'SELECT', reporter_rows, NULL),
        ('clues', 'own_or_in_scope', 'SELECT', clue_rows, NULL),
        ('deliveries', 'of_city', 'SELECT', format('%s AND %s AND %s', reads_every_batch, city_wide, every_domain), NULL),
        ('dispatches', 'of_case_or_own', 'SELECT', dispatch_rows, NULL),
        -- Their previews name cases and officers of the whole city.
        ('duty_proposals', 'of_city', 'SELECT', format('%s AND %s AND %s', reads_every_batch, city_wide, every_domain), NULL),
        ('duty_proposal_steps', 'of_city', 'SELECT', format('%s AND %s AND %s', reads_every_batch, city_wide, every_domain), NULL),
        ('edit_drafts', 'own_or_shared', 'SELECT', draft_rows, NULL),
        ('edit_drafts', 'own_created', 'INSERT', NULL, own_draft),
        ('edit_drafts', 'own_changed', 'UPDATE', own_draft, own_draft),
        ('edit_drafts', 'own_deleted', 'DELETE', own_draft, NULL),
        ('emerging_hot_spots', 'without_alerts', 'SELECT', hot_spot_rows, NULL),
        ('encounters', 'in_scope', 'SELECT', area_rows, NULL),
        ('fence_events', 'in_scope', 'SELECT', area_rows, NULL),
        ('fixes', 'in_scope', 'SELECT', concat_ws(' AND ', reads_tracks, in_area), NULL),
        ('grid_workers', 'of_areas', 'SELECT', worker_rows, NULL),
        ('hot_spots', 'without_alerts', 'SELECT', hot_spot_rows, NULL),
        ('licences', 'of_site', 'SELECT', concat_ws(' AND ', reads, licence_rows), NULL),
        ('meter_readings', 'of_site', 'SELECT', concat_ws(' AND ', reads, site_in_area), NULL),
        ('model_version_steps', 'readable', 'SELECT', reads, NULL),
        ('model_versions', 'readable', 'SELECT', reads, NULL),
        ('notices', 'of_site', 'SELECT', concat_ws(' AND ', reads, site_in_area), NULL),
        ('officers', 'of_areas', 'SELECT', officer_rows, NULL),
        ('places', 'readable', 'SELECT', 'true', NULL),
        ('places', 'created_in_scope', 'INSERT', NULL, may_write),
        ('places', 'changed_in_scope', 'UPDATE', may_write, may_write),
        ('places', 'deleted_in_scope', 'DELETE', may_write, NULL),
        ('published_cases', 'shown', 'SELECT', 'taken_down_at IS NULL', NULL),
        ('silences', 'in_scope', 'SELECT', area_rows, NULL),
        -- A site without place is read by who sees the area that its address names; the others are public.
        ('sites', 'readable', 'SELECT', format('geom IS NOT NULL OR (%s AND %s)', reads, in_area), NULL),
        ('sites', 'created_in_scope', 'INSERT', NULL, may_write),
        ('sites', 'changed_in_scope', 'UPDATE', may_write, may_write),
        ('sites', 'deleted_in_scope', 'DELETE', may_write, NULL),
        ('sites_cells', 'readable', 'SELECT', 'true', NULL),
        ('source_runs', 'of_city', 'SELECT', format('%s AND %s AND %s', reads_every_batch, city_wide, every_domain), NULL),
        ('source_states', 'of_city', 'SELECT', format('%s AND %s AND %s', reads_every_batch, city_wide, every_domain), NULL),
        ('stays', 'in_scope', 'SELECT', area_rows, NULL),
        ('stays_cells', 'in_scope', 'SELECT', area_rows, NULL),
        ('tracks', 'in_scope', 'SELECT', concat_ws(' AND ', reads_tracks, in_both_areas), NULL),
        ('vehicles', 'logged_in', 'SELECT', reads, NULL),
        ('visits', 'in_scope', 'SELECT', area_rows, NULL),
        ('visits_cells', 'in_scope', 'SELECT', area_rows, NULL)
    ) AS policies (of_table, name, command, readable, writable) LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', policy.of_table);
        EXECUTE format('CREATE POLICY %I ON %I FOR %s TO wangge_reader', policy.name, policy.of_table, policy.command)
            || COALESCE(' USING (' || policy.readable || ')', '')
            || COALESCE(' WITH CHECK (' || policy.writable || ')', '');
    END LOOP;
    -- The policy of cases for functions that run as the owner (chain.sql).
    EXECUTE format($make$
CREATE OR REPLACE FUNCTION wangge_sees_case(area_id bigint, domain text, party_ids bigint[]) RETURNS boolean LANGUAGE sql STABLE AS $sees$
    SELECT COALESCE(%s, false)
$sees$ $make$, case_rows);
END $$;
