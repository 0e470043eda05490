CREATE TABLE case_facts (
    case_id bigint NOT NULL,
    number text NOT NULL,
    area_id bigint,
    domain text NOT NULL,
    item_code text NOT NULL,
    source text NOT NULL,
    lead_body text,
    city_area_id bigint,
    county_area_id bigint,
    town_area_id bigint,
    community_area_id bigint,
    grid_area_id bigint,
    opened_at timestamptz NOT NULL,
    due_at timestamptz,
    accepted_at timestamptz,
    filed_at timestamptz,
    dispatched_at timestamptz,
    disposed_at timestamptz,
    closed_at timestamptz,
    n_rework bigint NOT NULL DEFAULT 0,
    n_suspended bigint NOT NULL DEFAULT 0,
    n_misdirected bigint NOT NULL DEFAULT 0,
    limited_stages text[] NOT NULL DEFAULT '{}',
    late_stages text[] NOT NULL DEFAULT '{}',
    CONSTRAINT pk_case_facts PRIMARY KEY (case_id)
);
CREATE INDEX ix_case_facts_area_id ON case_facts (area_id);

INSERT INTO case_facts (case_id, number, area_id, domain, item_code, source, lead_body, city_area_id, county_area_id,
                        town_area_id, community_area_id, grid_area_id, opened_at, due_at, accepted_at, filed_at, dispatched_at,
                        disposed_at, closed_at, n_rework, n_suspended, n_misdirected)
SELECT c.id, c.number, c.area_id, c.domain, c.item_code, CASE WHEN c.alert_id IS NULL THEN 'other' ELSE 'model' END,
       c.lead_body, c.city_area_id, c.county_area_id, c.town_area_id, c.community_area_id, c.grid_area_id, c.opened_at, c.due_at,
       min(e.at) FILTER (WHERE e.action = 'verify'), min(e.at) FILTER (WHERE e.action = 'file'),
       min(e.at) FILTER (WHERE e.action = 'dispatch'),
       CASE WHEN max(e.at) FILTER (WHERE e.action = 'dispose')
                 >= COALESCE(max(e.at) FILTER (WHERE e.action = 'rework'), '-infinity')
            THEN max(e.at) FILTER (WHERE e.action = 'dispose') END,
       c.closed_at, count(*) FILTER (WHERE e.action = 'rework'), count(*) FILTER (WHERE e.action = 'suspend'),
       count(*) FILTER (WHERE e.action IN ('return', 'reassign'))
FROM cases c JOIN case_events e ON e.case_id = c.id GROUP BY c.id;
