-- Dispatches (指挥调度): officers sent to cases. Rows follow from the steps of the chain; nobody else writes them.
-- Called by: the trigger of case_events; grid/dispatch (open_calls). grid/dispatch/steps.py takes the steps.

-- How many calls an officer has open in all cases, also in those that the caller does not see: a number, no case.
CREATE OR REPLACE FUNCTION open_calls(officer bigint) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT count(*) FROM dispatches d WHERE d.officer_id = officer AND d.state IN ('sent', 'accepted', 'arrived')
$$;
REVOKE EXECUTE ON FUNCTION open_calls(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_calls(bigint) TO wangge_reader;

CREATE OR REPLACE FUNCTION keep_dispatches() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    told constant jsonb := NEW.payload -> 'dispatch';
    sent_by_step constant bigint := (told ->> 'of')::bigint;
BEGIN
    IF NEW.action = 'send_officer' THEN
        INSERT INTO dispatches (case_id, event_seq, officer_id, body_id, body, proposed_officer_id, unfit, state, sent_at,
                                sent_by, reason)
        VALUES (NEW.case_id, NEW.seq, (told ->> 'officer_id')::bigint, (told ->> 'body_id')::bigint, told ->> 'body',
                (told ->> 'proposed_officer_id')::bigint,
                ARRAY(SELECT jsonb_array_elements_text(COALESCE(told -> 'unfit', '[]'))), 'sent', NEW.at, NEW.actor,
                NEW.payload ->> 'note');
    ELSIF NEW.action IN ('accept_call', 'decline_call') THEN
        UPDATE dispatches SET state = CASE NEW.action WHEN 'accept_call' THEN 'accepted' ELSE 'declined' END,
            answered_at = NEW.at, answered_by = NEW.actor,
            decline_reason = CASE NEW.action WHEN 'decline_call' THEN NEW.payload ->> 'note' END
        WHERE case_id = NEW.case_id AND event_seq = sent_by_step;
    ELSIF NEW.action = 'recall' THEN
        UPDATE dispatches SET state = 'recalled', ended_at = NEW.at, ended_by = NEW.actor, ended_step = 'recall',
            end_reason = NEW.payload ->> 'note'
        WHERE case_id = NEW.case_id AND event_seq = sent_by_step;
    ELSIF NEW.action IN ('arrive', 'report_in') AND told IS NOT NULL THEN
        UPDATE dispatches SET state = 'arrived', arrived_at = NEW.at, answered_at = COALESCE(answered_at, NEW.at),
            answered_by = COALESCE(answered_by, NEW.actor), distance_m = (told ->> 'distance_m')::bigint,
            geom = ST_SetSRID(ST_MakePoint((told ->> 'lon')::float8, (told ->> 'lat')::float8), 4326)
        WHERE case_id = NEW.case_id AND event_seq = sent_by_step;
    END IF;
    -- The work of an officer ends with that of the body, and with the case.
    IF NEW.to_state IN ('returned', 'fed_back', 'closed', 'merged') OR NEW.payload ? 'parties' THEN
        UPDATE dispatches d SET state = 'ended', ended_at = NEW.at, ended_by = NEW.actor, ended_step = NEW.action
        WHERE d.case_id = NEW.case_id AND d.state IN ('sent', 'accepted', 'arrived')
          AND (NEW.to_state IN ('returned', 'fed_back', 'closed', 'merged') OR NOT EXISTS (
              SELECT FROM jsonb_to_recordset(NEW.payload -> 'parties') AS p (body_id bigint, part text, state text)
              WHERE p.body_id = d.body_id AND p.part IN ('lead', 'co_handler') AND p.state NOT IN ('refused', 'fed_back')));
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION keep_dispatches() FROM PUBLIC;
CREATE OR REPLACE TRIGGER case_events_dispatch AFTER INSERT ON case_events
    FOR EACH ROW WHEN (NEW.payload ? 'dispatch' OR NEW.payload ? 'parties' AND NEW.seq > 1
                       OR NEW.to_state IN ('returned', 'fed_back', 'closed', 'merged'))
    EXECUTE FUNCTION keep_dispatches();
CREATE OR REPLACE TRIGGER dispatches_one_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON dispatches
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_other_writers();

-- Who shows the case, and the officer who was sent, read it again.
CREATE OR REPLACE FUNCTION note_dispatches() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM note_change('cases', ARRAY(
        SELECT DISTINCT keys_of(s.scope, c.geom_3857) FROM cases c,
            unnest(ARRAY[COALESCE(c.area_id, 0) || ';' || c.domain] || ARRAY(SELECT '@' || p FROM unnest(c.party_ids) p)) AS s (scope)
        WHERE c.id = NEW.case_id));
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION note_dispatches() FROM PUBLIC;
CREATE OR REPLACE TRIGGER dispatches_noted AFTER INSERT OR UPDATE ON dispatches
    FOR EACH ROW EXECUTE FUNCTION note_dispatches();
