-- The queue of checks: the place of each open alert in its county, and which are to be checked this week.
-- Called by: layers/alerts/budgets.py, after a run, an outcome and a change of a budget. Read by: the collection of alerts.

-- Places go by level, then score, within the county of an alert, for kinds and counties with a budget on that day. Of
-- those that stand open the first are due: as many as the week has checks left. An alert with several outcomes this
-- week was checked once. Runs as the owner: an officer's outcome moves the places of a whole county.
CREATE OR REPLACE FUNCTION rank_alerts(today date, week_from timestamptz) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('rank_alerts', 0));
    WITH RECURSIVE budgets AS (
        SELECT b.area_code, b.kind, b.checks_per_week FROM alert_budgets b
        WHERE b.valid_from <= today AND (b.valid_to IS NULL OR b.valid_to > today)
    ), live AS (
        SELECT a.id, a.area_id, a.kind, a.level, a.score, a.status FROM alerts a
        WHERE a.joined_to IS NULL AND a.status IN ('open', 'checked') AND a.kind IN (SELECT kind FROM budgets)
    ), above AS (
        SELECT r.id AS area_id, r.kind, r.code, r.parent_id FROM areas r WHERE r.id IN (SELECT area_id FROM live)
        UNION ALL
        SELECT d.area_id, r.kind, r.code, r.parent_id FROM above d JOIN areas r ON r.id = d.parent_id
        WHERE d.kind <> 'county'
    ), counted AS (
        SELECT l.*, b.area_code, b.checks_per_week,
               EXISTS (SELECT FROM alert_outcomes o WHERE o.alert_id = l.id AND o.at >= week_from) AS was_checked
        FROM live l JOIN above u ON u.area_id = l.area_id AND u.kind = 'county'
        JOIN budgets b ON b.area_code = u.code AND b.kind = l.kind
    ), placed AS (
        SELECT c.*, row_number() OVER (PARTITION BY c.area_code, c.kind, c.status ORDER BY
                   array_position(ARRAY['high', 'warning', 'attention', 'none'], c.level), c.score DESC, c.id) AS place,
               count(*) FILTER (WHERE c.was_checked) OVER (PARTITION BY c.area_code, c.kind) AS checked
        FROM counted c
    ), ranks AS (
        SELECT p.id AS alert_id, p.area_code, p.place, p.checks_per_week, p.checked,
               p.place <= p.checks_per_week - p.checked AS is_due
        FROM placed p WHERE p.status = 'open'
    ), gone AS (
        DELETE FROM alert_ranks r WHERE NOT EXISTS (SELECT FROM ranks g WHERE g.alert_id = r.alert_id)
    )
    INSERT INTO alert_ranks AS r (alert_id, area_code, place, checks_per_week, checked, is_due) SELECT * FROM ranks
    ON CONFLICT (alert_id) DO UPDATE SET area_code = EXCLUDED.area_code, place = EXCLUDED.place,
        checks_per_week = EXCLUDED.checks_per_week, checked = EXCLUDED.checked, is_due = EXCLUDED.is_due
    WHERE (r.area_code, r.place, r.checks_per_week, r.checked, r.is_due)
        IS DISTINCT FROM (EXCLUDED.area_code, EXCLUDED.place, EXCLUDED.checks_per_week, EXCLUDED.checked, EXCLUDED.is_due);
END $$;
REVOKE EXECUTE ON FUNCTION rank_alerts(date, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION rank_alerts(date, timestamptz) TO wangge_reader;

-- Alerts show their place: rows whose place changed are told as changed alerts.
CREATE OR REPLACE FUNCTION note_alert_ranks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ids bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        ids := ARRAY(SELECT alert_id FROM new_rows);
    ELSIF TG_OP = 'UPDATE' THEN
        ids := ARRAY(SELECT alert_id FROM new_rows);
    ELSE
        ids := ARRAY(SELECT alert_id FROM old_rows);
    END IF;
    IF ids <> '{}' THEN
        PERFORM note_rows('alerts', alert_scope(a.area_id, a.kind), array_agg(a.id))
            FROM alerts a WHERE a.id = ANY (ids) GROUP BY a.area_id, a.kind;
        PERFORM note_change('alerts', ARRAY(
            SELECT DISTINCT keys_of(alert_scope(a.area_id, a.kind), a.geom_3857) FROM alerts a WHERE a.id = ANY (ids)));
    END IF;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION note_alert_ranks() FROM PUBLIC;
CREATE OR REPLACE TRIGGER alert_ranks_inserted AFTER INSERT ON alert_ranks REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_alert_ranks();
CREATE OR REPLACE TRIGGER alert_ranks_updated AFTER UPDATE ON alert_ranks REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_alert_ranks();
CREATE OR REPLACE TRIGGER alert_ranks_deleted AFTER DELETE ON alert_ranks REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_alert_ranks();
