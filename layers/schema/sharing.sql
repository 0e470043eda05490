-- What happened goes into the outbox in its own transaction; geo_api/sharing/deliveries.py sends it to webhooks.
-- Called by: triggers of case_events and alerts. The data name no person: who may see more asks for the case.

CREATE OR REPLACE FUNCTION put_case_events_out() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO outbox (type, at, case_id, data)
    SELECT 'case.' || n.action, n.at, c.id, jsonb_build_object(
        'number', c.number, 'seq', n.seq, 'action', n.action, 'from_state', n.from_state, 'to_state', n.to_state,
        'at', n.at, 'item_code', c.item_code, 'domain', c.domain, 'lead_body', c.lead_body, 'hash', n.hash)
    FROM new_rows n JOIN cases c ON c.id = n.case_id ORDER BY n.id;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION put_case_events_out() FROM PUBLIC;
CREATE OR REPLACE TRIGGER case_events_put_out AFTER INSERT ON case_events REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION put_case_events_out();

CREATE OR REPLACE FUNCTION alert_facts(n alerts) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_build_object('alert_id', n.id, 'kind', n.kind, 'level', n.level, 'score', n.score, 'status', n.status,
                              'outcome', n.outcome, 'raised_at', n.raised_at)
$$;
CREATE OR REPLACE FUNCTION put_alerts_out() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO outbox (type, at, alert_id, data)
    SELECT 'alert.raised', clock_timestamp(), n.id, alert_facts(n) FROM new_rows n ORDER BY n.id;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION put_alerts_out() FROM PUBLIC;
CREATE OR REPLACE TRIGGER alerts_put_out AFTER INSERT ON alerts REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION put_alerts_out();

-- A change that a person sees: another level, status, outcome or score of two digits. Evidence that is merely refreshed
-- is not sent.
CREATE OR REPLACE FUNCTION put_changed_alerts_out() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO outbox (type, at, alert_id, data)
    SELECT 'alert.changed', clock_timestamp(), n.id, alert_facts(n)
    FROM new_rows n JOIN old_rows o ON o.id = n.id
    WHERE (n.level, n.status, n.outcome, n.raised_at, round(n.score::numeric, 2))
        IS DISTINCT FROM (o.level, o.status, o.outcome, o.raised_at, round(o.score::numeric, 2))
    ORDER BY n.id;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION put_changed_alerts_out() FROM PUBLIC;
CREATE OR REPLACE TRIGGER alerts_change_put_out AFTER UPDATE ON alerts
    REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION put_changed_alerts_out();

-- What was taken down is hidden in the transaction that notes it in the chain; its row stays, so that it is not published
-- again.
CREATE OR REPLACE FUNCTION hide_taken_down() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE published_cases SET taken_down_at = NEW.at, taken_down_reason = NEW.payload ->> 'note'
    WHERE case_id = NEW.case_id;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION hide_taken_down() FROM PUBLIC;
CREATE OR REPLACE TRIGGER case_events_hide AFTER INSERT ON case_events
    FOR EACH ROW WHEN (NEW.action = 'take_down') EXECUTE FUNCTION hide_taken_down();
