CREATE TABLE published_cases (
    case_id bigint NOT NULL,
    number text NOT NULL,
    item_code text NOT NULL,
    matter text NOT NULL,
    matter_en text,
    domain text NOT NULL,
    town_code text NOT NULL,
    town text NOT NULL,
    body text,
    enterprise text,
    decision text NOT NULL,
    decided_on date NOT NULL,
    published_at timestamptz NOT NULL,
    taken_down_at timestamptz,
    taken_down_reason text,
    geom geometry(POINT, 4326) NOT NULL,
    CONSTRAINT pk_published_cases PRIMARY KEY (case_id),
    CONSTRAINT fk_published_cases_case_id FOREIGN KEY (case_id) REFERENCES cases (id)
);
CREATE INDEX ix_published_cases_decided_on ON published_cases (decided_on, case_id);
CREATE INDEX idx_published_cases_geom ON published_cases USING gist (geom);
