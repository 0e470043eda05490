-- Accounts, logins, second factors, API keys and the access log.
-- Called by: triggers of the tables users, login_sessions, second_factors, api_keys, areas and access_log.

-- What a process remembers of callers (geo_api/auth/known_callers.py) is dropped when accounts, logins, keys
-- or areas change.
CREATE OR REPLACE FUNCTION announce_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('wangge_accounts', TG_TABLE_NAME);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER users_accounts AFTER INSERT OR UPDATE OR DELETE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();
-- Not when a login was used last: that is written every minute.
CREATE OR REPLACE TRIGGER login_sessions_accounts AFTER UPDATE OF expires_at, user_id, csrf_token OR DELETE ON login_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();
CREATE OR REPLACE TRIGGER api_keys_accounts
    AFTER UPDATE OF revoked_at, expires_at, role, area_code, user_id OR DELETE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();
CREATE OR REPLACE TRIGGER second_factors_accounts AFTER UPDATE OF confirmed_at OR DELETE ON second_factors
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();
-- Which body an account acts for.
CREATE OR REPLACE TRIGGER bodies_accounts AFTER INSERT OR UPDATE OR DELETE ON bodies
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();
CREATE OR REPLACE TRIGGER officers_accounts AFTER INSERT OR UPDATE OR DELETE ON officers
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();
CREATE OR REPLACE TRIGGER areas_accounts AFTER INSERT OR UPDATE OR DELETE ON areas
    FOR EACH STATEMENT EXECUTE FUNCTION announce_accounts();

-- Half a year is kept whatever is set (网络安全法 art. 21 asks for six months); older rows may be removed. A row comes
-- under one head of the chain (grid/cases/proof/heads.py), once.
CREATE OR REPLACE FUNCTION keep_access_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND TG_LEVEL = 'ROW' THEN
        IF OLD.at < now() - interval '183 days' THEN
            RETURN OLD;
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        IF OLD.head IS NULL AND to_jsonb(NEW) - 'head' = to_jsonb(OLD) - 'head' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'access_log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE ON access_log
    FOR EACH ROW EXECUTE FUNCTION keep_access_log();
CREATE OR REPLACE TRIGGER access_log_no_truncate BEFORE TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION keep_access_log();
