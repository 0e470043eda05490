-- Cases and their events have one writer, and every event waits for a head.
-- Called by: grid/cases/recording.py (lock_case, record_case_event); triggers of cases, case_events, chain_heads and
-- chain_entries. grid/cases/proof/heads.py makes the heads.

-- Locks a case that the caller may see and returns its id; NULL when there is none. Runs as the owner: callers hold no
-- right to change a case, and a lock is one.
CREATE OR REPLACE FUNCTION lock_case(wanted text) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT c.id FROM cases c
    WHERE c.number = wanted AND (current_setting('role') = 'none' OR wangge_sees_case(c.area_id, c.domain, c.party_ids))
    FOR UPDATE
$$;
REVOKE EXECUTE ON FUNCTION lock_case(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lock_case(text) TO wangge_reader;

-- The only writer of cases and case_events: adds one event and brings the columns of its case in line with it, or
-- opens a case with its first event. Keys of both arguments are names of columns. A caller writes under the own name
-- and role, into a case that the policies show; cases are opened by the service itself.
CREATE OR REPLACE FUNCTION record_case_event(event jsonb, opening jsonb DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET wangge.records_case = 'on' AS $$
DECLARE
    by_caller constant boolean := current_setting('role') <> 'none';
    facts constant jsonb := event -> 'payload';
    clock constant jsonb := COALESCE(event #> '{payload,clock}', '{}');
    step case_events%ROWTYPE;
    last record;
    of_case record;
BEGIN
    IF by_caller AND (opening IS NOT NULL
                      OR event ->> 'actor' IS DISTINCT FROM NULLIF(current_setting('wangge.username', true), '')
                      OR event ->> 'role' IS DISTINCT FROM current_setting('wangge.role', true)) THEN
        RAISE EXCEPTION 'callers add events of their own to cases that are open'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF opening IS NOT NULL THEN
        INSERT INTO cases (number, alert_id, site_id, title, item_code, domain, grid_area_id, community_area_id,
                           town_area_id, county_area_id, city_area_id, lead_body, co_handlers, assignment, state,
                           opened_at, due_at, stage_due_at, urgency, geom, area_id, party_ids)
        SELECT o.number, o.alert_id, o.site_id, o.title, o.item_code, o.domain, o.grid_area_id, o.community_area_id,
               o.town_area_id, o.county_area_id, o.city_area_id, o.lead_body, o.co_handlers, o.assignment,
               event ->> 'to_state', o.opened_at, o.due_at, o.stage_due_at, COALESCE(o.urgency, 'normal'), o.geom, o.area_id,
               ARRAY(SELECT n.body_id FROM jsonb_to_recordset(facts -> 'parties') AS n (body_id bigint) ORDER BY 1)
        FROM jsonb_to_record(opening) AS o (
            number text, alert_id bigint, site_id bigint, title text, item_code text, domain text, grid_area_id bigint,
            community_area_id bigint, town_area_id bigint, county_area_id bigint, city_area_id bigint, lead_body text,
            co_handlers text[], assignment jsonb, opened_at timestamptz, due_at timestamptz, stage_due_at timestamptz,
            urgency text, geom geometry, area_id bigint)
        RETURNING id, area_id, domain, party_ids INTO of_case;
    ELSE
        SELECT id, area_id, domain, party_ids INTO of_case FROM cases WHERE id = (event ->> 'case_id')::bigint FOR UPDATE;
        IF NOT FOUND OR by_caller AND NOT wangge_sees_case(of_case.area_id, of_case.domain, of_case.party_ids) THEN
            RAISE EXCEPTION 'no case % that the caller may see', event ->> 'case_id'
                USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    step := jsonb_populate_record(NULL::case_events, event);
    SELECT e.seq, e.hash, e.to_state INTO last FROM case_events e WHERE e.case_id = of_case.id ORDER BY e.seq DESC LIMIT 1;
    IF step.seq <> COALESCE(last.seq, 0) + 1 OR step.prev_hash <> COALESCE(last.hash, repeat('0', 64))
       OR step.from_state IS DISTINCT FROM last.to_state THEN
        RAISE EXCEPTION 'event % of case % does not follow the last one', step.seq, of_case.id
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    INSERT INTO case_events (case_id, seq, at, actor, role, action, from_state, to_state, payload, prev_hash, hash, area_id)
    VALUES (of_case.id, step.seq, step.at, step.actor, step.role, step.action, step.from_state, step.to_state,
            step.payload, step.prev_hash, step.hash, of_case.area_id);
    IF facts ? 'parties' THEN
        -- Parties in force are what the newest event with parties says.
        UPDATE case_parties p SET until = step.at
        WHERE p.case_id = of_case.id AND p.until IS NULL AND NOT EXISTS (
            SELECT FROM jsonb_to_recordset(facts -> 'parties') AS n (body_id bigint, part text)
            WHERE n.body_id = p.body_id AND n.part = p.part);
        UPDATE case_parties p SET state = n.state, body = n.body
        FROM jsonb_to_recordset(facts -> 'parties') AS n (body_id bigint, body text, state text)
        WHERE p.case_id = of_case.id AND p.until IS NULL AND n.body_id = p.body_id AND (n.state, n.body) <> (p.state, p.body);
        INSERT INTO case_parties (case_id, body_id, body, part, state, since)
        SELECT of_case.id, n.body_id, n.body, n.part, n.state, step.at
        FROM jsonb_to_recordset(facts -> 'parties') AS n (body_id bigint, body text, part text, state text)
        WHERE NOT EXISTS (SELECT FROM case_parties p
                          WHERE p.case_id = of_case.id AND p.until IS NULL AND p.body_id = n.body_id);
    END IF;
    IF opening IS NULL AND (step.from_state <> step.to_state OR facts ? 'parties' OR facts ? 'moved' OR clock <> '{}') THEN
        UPDATE cases SET state = step.to_state,
            due_at = CASE WHEN clock ? 'due_at' THEN (clock ->> 'due_at')::timestamptz ELSE due_at END,
            stage_due_at = CASE WHEN clock ? 'stage_due_at' THEN (clock ->> 'stage_due_at')::timestamptz ELSE stage_due_at END,
            late_since = CASE WHEN clock ? 'late_since' THEN (clock ->> 'late_since')::timestamptz ELSE late_since END,
            paused_since = CASE WHEN clock ? 'paused_since' THEN (clock ->> 'paused_since')::timestamptz ELSE paused_since END,
            closed_at = CASE WHEN step.to_state = 'closed' AND step.from_state <> 'closed' THEN step.at
                             WHEN step.from_state = 'closed' AND step.to_state <> 'closed' THEN NULL ELSE closed_at END,
            party_ids = CASE WHEN facts ? 'parties' THEN ARRAY(
                SELECT n.body_id FROM jsonb_to_recordset(facts -> 'parties') AS n (body_id bigint) ORDER BY 1)
                ELSE party_ids END,
            lead_body = CASE WHEN step.action IN ('reassign', 'designate', 'relocate') AND facts ? 'lead_body'
                THEN facts ->> 'lead_body' ELSE lead_body END,
            co_handlers = CASE WHEN step.action IN ('reassign', 'designate', 'relocate') AND facts ? 'co_handlers'
                THEN ARRAY(SELECT jsonb_array_elements_text(facts -> 'co_handlers')) ELSE co_handlers END
        WHERE id = of_case.id;
    END IF;
    IF step.action = 'relocate' THEN
        UPDATE cases c SET grid_area_id = m.grid_area_id, community_area_id = m.community_area_id,
            town_area_id = m.town_area_id, county_area_id = m.county_area_id, city_area_id = m.city_area_id,
            area_id = m.area_id, assignment = facts -> 'assignment',
            geom = ST_SetSRID(ST_MakePoint((facts #>> '{moved,place,0}')::float8, (facts #>> '{moved,place,1}')::float8), 4326)
        FROM jsonb_to_record(facts -> 'moved') AS m (grid_area_id bigint, community_area_id bigint, town_area_id bigint,
            county_area_id bigint, city_area_id bigint, area_id bigint)
        WHERE c.id = of_case.id;
    END IF;
    RETURN of_case.id;
END $$;
REVOKE EXECUTE ON FUNCTION record_case_event(jsonb, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record_case_event(jsonb, jsonb) TO wangge_reader;

CREATE OR REPLACE FUNCTION refuse_other_writers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('wangge.records_case', true) IS DISTINCT FROM 'on' THEN
        RAISE EXCEPTION '% is written by record_case_event', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER cases_one_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON cases
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_other_writers();
CREATE OR REPLACE TRIGGER case_parties_one_writer BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON case_parties
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_other_writers();
CREATE OR REPLACE TRIGGER case_events_one_writer BEFORE INSERT ON case_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_other_writers();

-- Every event waits for a head, in the transaction that adds it.
CREATE OR REPLACE FUNCTION enter_case_events() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO chain_entries (event_id, number, seq, hash)
    SELECT n.id, c.number, n.seq, n.hash FROM new_rows n JOIN cases c ON c.id = n.case_id;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION enter_case_events() FROM PUBLIC;
CREATE OR REPLACE TRIGGER case_events_entered AFTER INSERT ON case_events REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION enter_case_events();

-- An entry comes under one head, once, and stays as it is.
CREATE OR REPLACE FUNCTION keep_chain_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.head IS NULL AND (NEW.event_id, NEW.number, NEW.seq, NEW.hash) = (OLD.event_id, OLD.number, OLD.seq, OLD.hash) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'chain_entries is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER chain_entries_kept BEFORE UPDATE ON chain_entries
    FOR EACH ROW EXECUTE FUNCTION keep_chain_entry();
CREATE OR REPLACE TRIGGER chain_entries_append_only BEFORE DELETE OR TRUNCATE ON chain_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER chain_heads_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON chain_heads
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
