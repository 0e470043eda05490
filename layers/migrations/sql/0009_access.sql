-- Scope by area and by domain, in every policy; who is nobody, or only sends, sees no row of an area.
DO $$
DECLARE
    layer text;
    areas constant text := '(SELECT string_to_array(NULLIF(current_setting(''wangge.areas'', true), ''''), '','')::bigint[])::bigint[]';
    domains constant text := '(SELECT string_to_array(NULLIF(current_setting(''wangge.domains'', true), ''''), '',''))::text[]';
    every_domain constant text := '(SELECT NULLIF(current_setting(''wangge.domains'', true), '''') IS NULL)';
    city_wide constant text := '(SELECT current_setting(''wangge.city_wide'', true) = ''on'')';
    reads constant text := '(SELECT current_setting(''wangge.role'', true) IN'
        ' (''viewer'', ''grid_manager'', ''officer'', ''dispatcher'', ''supervisor'', ''service''))';
    reads_tracks constant text := '(SELECT current_setting(''wangge.role'', true) IN'
        ' (''officer'', ''dispatcher'', ''supervisor'', ''service''))';
    reads_changes constant text := '(SELECT current_setting(''wangge.role'', true) IN'
        ' (''grid_manager'', ''officer'', ''dispatcher'', ''supervisor''))';
    in_area constant text := format('(%s OR area_id = ANY (%s))', city_wide, areas);
    of_site constant text := format('(%s OR site_id IN (SELECT id FROM sites WHERE area_id = ANY (%s)))', city_wide, areas);
    condition text;
BEGIN
    FOREACH layer IN ARRAY ARRAY['alerts', 'cases', 'case_events', 'stays', 'visits', 'fixes', 'fence_events'] LOOP
        condition := CASE layer WHEN 'fixes' THEN reads_tracks ELSE reads END || ' AND ' || in_area || CASE layer
            WHEN 'cases' THEN format(' AND (%s OR domain = ANY (%s))', every_domain, domains)
            WHEN 'case_events' THEN format(' AND (%s OR case_id IN (SELECT c.id FROM cases c))', every_domain)
            -- What an alert of a kind is about; a kind without a domain is for those who see every domain.
            WHEN 'alerts' THEN format(' AND (%s OR CASE kind WHEN ''illegal_resumption'' THEN ''ecology'' END = ANY (%s))',
                                      every_domain, domains)
            ELSE '' END;
        EXECUTE format('DROP POLICY in_scope ON %I', layer);
        IF layer IN ('alerts', 'cases', 'case_events') THEN
            EXECUTE format('CREATE POLICY in_scope ON %I FOR ALL TO wangge_reader USING (%s) WITH CHECK (%s)',
                           layer, condition, condition);
        ELSE
            EXECUTE format('CREATE POLICY in_scope ON %I FOR SELECT TO wangge_reader USING (%s)', layer, condition);
        END IF;
    END LOOP;
    FOREACH layer IN ARRAY ARRAY['meter_readings', 'notices'] LOOP
        EXECUTE format('DROP POLICY of_site ON %I', layer);
        EXECUTE format('CREATE POLICY of_site ON %I FOR SELECT TO wangge_reader USING (%s AND %s)', layer, reads, of_site);
    END LOOP;
    DROP POLICY logged_in ON vehicles;
    EXECUTE format('CREATE POLICY logged_in ON vehicles FOR SELECT TO wangge_reader USING (%s)', reads);
    DROP POLICY logged_in ON change_sets;
    EXECUTE format('CREATE POLICY in_scope ON change_sets FOR SELECT TO wangge_reader USING (%s AND %s)',
                   reads_changes, in_area);
END $$;

-- A key may end, and may do less than its account.
ALTER TABLE api_keys
    ADD COLUMN name TEXT NOT NULL DEFAULT '',
    ADD COLUMN expires_at TIMESTAMP WITH TIME ZONE,
    ADD COLUMN role TEXT,
    ADD COLUMN area_code TEXT;

-- The log of access: whose area, from where; a supervisor reads what accounts of the own area did.
ALTER TABLE access_log ADD COLUMN area_code TEXT, ADD COLUMN address TEXT;
CREATE INDEX ix_access_log_at ON access_log (at);
CREATE INDEX ix_access_log_username ON access_log (username, id);
CREATE INDEX ix_access_log_request_id ON access_log (request_id);
GRANT SELECT ON access_log TO wangge_reader;
ALTER TABLE access_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_supervisor ON access_log FOR SELECT TO wangge_reader USING (
    (SELECT current_setting('wangge.role', true) = 'supervisor')
    AND ((SELECT current_setting('wangge.city_wide', true) = 'on')
         OR area_code IN (SELECT code FROM areas WHERE id = ANY (
             (SELECT string_to_array(NULLIF(current_setting('wangge.areas', true), ''), ',')::bigint[])::bigint[]))));
-- Half a year is kept whatever is set (网络安全法 art. 21 asks for six months); older rows may be removed.
CREATE FUNCTION keep_access_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' THEN
        IF OLD.at < now() - interval '183 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    RAISE EXCEPTION 'access_log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
DROP TRIGGER access_log_append_only ON access_log;
CREATE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE ON access_log
    FOR EACH ROW EXECUTE FUNCTION keep_access_log();
CREATE TRIGGER access_log_no_truncate BEFORE TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION keep_access_log();

-- What a process remembers of callers is dropped when accounts, logins, keys or areas change.
CREATE FUNCTION announce_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('wangge_accounts', TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE TRIGGER users_accounts AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();
CREATE TRIGGER login_sessions_accounts AFTER UPDATE OR DELETE ON login_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();
CREATE TRIGGER api_keys_accounts AFTER UPDATE OF revoked_at, expires_at, role, area_code, user_id OR DELETE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();
CREATE TRIGGER areas_accounts AFTER INSERT OR UPDATE OR DELETE ON areas
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();
