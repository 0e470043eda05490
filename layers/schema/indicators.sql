-- Facts of cases for the indicators (行政问效), kept in step by the events.
-- Called by: the trigger of case_events. grid/cases/indicators.py reads the table.

CREATE OR REPLACE FUNCTION keep_case_facts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ended constant jsonb := NEW.payload #> '{clock,left}';
BEGIN
    IF NEW.seq = 1 THEN
        INSERT INTO case_facts (case_id, number, area_id, domain, item_code, source, lead_body, city_area_id, county_area_id,
                                town_area_id, community_area_id, grid_area_id, opened_at, due_at)
        SELECT c.id, c.number, c.area_id, c.domain, c.item_code,
               COALESCE(NEW.payload ->> 'source', CASE WHEN c.alert_id IS NULL THEN 'other' ELSE 'model' END), c.lead_body,
               c.city_area_id, c.county_area_id, c.town_area_id, c.community_area_id, c.grid_area_id, c.opened_at, c.due_at
        FROM cases c WHERE c.id = NEW.case_id;
        RETURN NULL;
    END IF;
    IF NEW.action = 'relocate' THEN
        UPDATE case_facts f SET area_id = m.area_id, city_area_id = m.city_area_id, county_area_id = m.county_area_id,
            town_area_id = m.town_area_id, community_area_id = m.community_area_id, grid_area_id = m.grid_area_id,
            lead_body = COALESCE(NEW.payload ->> 'lead_body', f.lead_body)
        FROM jsonb_to_record(NEW.payload -> 'moved') AS m (grid_area_id bigint, community_area_id bigint,
            town_area_id bigint, county_area_id bigint, city_area_id bigint, area_id bigint)
        WHERE f.case_id = NEW.case_id;
    END IF;
    IF NEW.from_state = NEW.to_state AND NEW.action <> 'reassign' AND NOT NEW.payload ? 'clock' THEN
        RETURN NULL;
    END IF;
    -- The first verification, filing and dispatch, the last disposal and closing: a case that was sent back is disposed again.
    UPDATE case_facts f SET
        accepted_at = CASE WHEN NEW.action = 'verify' THEN COALESCE(accepted_at, NEW.at) ELSE accepted_at END,
        filed_at = CASE WHEN NEW.action = 'file' THEN COALESCE(filed_at, NEW.at) ELSE filed_at END,
        dispatched_at = CASE WHEN NEW.action = 'dispatch' THEN COALESCE(dispatched_at, NEW.at) ELSE dispatched_at END,
        disposed_at = CASE NEW.action WHEN 'dispose' THEN NEW.at WHEN 'rework' THEN NULL ELSE disposed_at END,
        closed_at = CASE WHEN NEW.from_state = NEW.to_state THEN closed_at WHEN NEW.to_state = 'closed' THEN NEW.at
            WHEN NEW.from_state = 'closed' THEN NULL ELSE closed_at END,
        -- A merged case is not due any more: the one that it was merged into is.
        due_at = CASE WHEN NEW.to_state = 'merged' THEN NULL
            WHEN NEW.payload -> 'clock' ? 'due_at' THEN (NEW.payload #>> '{clock,due_at}')::timestamptz
            WHEN NEW.from_state = 'merged' THEN (SELECT c.due_at FROM cases c WHERE c.id = NEW.case_id) ELSE due_at END,
        lead_body = CASE WHEN NEW.action = 'reassign' THEN NEW.payload ->> 'lead_body' ELSE lead_body END,
        n_rework = n_rework + (NEW.action = 'rework')::int,
        n_suspended = n_suspended + (NEW.action = 'suspend')::int,
        n_misdirected = n_misdirected + (NEW.action IN ('return', 'refuse', 'reassign'))::int,
        limited_stages = CASE WHEN ended ->> 'late' IS NULL OR ended ->> 'stage' = ANY (limited_stages) THEN limited_stages
            ELSE limited_stages || (ended ->> 'stage') END,
        late_stages = CASE WHEN (ended ->> 'late')::boolean IS NOT TRUE OR ended ->> 'stage' = ANY (late_stages) THEN late_stages
            ELSE late_stages || (ended ->> 'stage') END
    WHERE f.case_id = NEW.case_id;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION keep_case_facts() FROM PUBLIC;
CREATE OR REPLACE TRIGGER case_facts_kept AFTER INSERT ON case_events
    FOR EACH ROW EXECUTE FUNCTION keep_case_facts();
