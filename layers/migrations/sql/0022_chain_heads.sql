-- Every event of before waits for the first head. Rows of the access log of before stay out of every head (0).
CREATE TABLE chain_heads (
    sequence BIGINT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE NOT NULL,
    n_cases BIGINT NOT NULL,
    n_events BIGINT NOT NULL,
    n_entries BIGINT NOT NULL,
    entries_digest TEXT NOT NULL,
    n_calls BIGINT NOT NULL,
    calls_digest TEXT NOT NULL,
    prev_hash TEXT NOT NULL,
    hash TEXT NOT NULL,
    key_id TEXT NOT NULL,
    signature TEXT NOT NULL,
    CONSTRAINT pk_chain_heads PRIMARY KEY (sequence)
);
CREATE TABLE chain_entries (
    event_id BIGINT NOT NULL,
    number TEXT NOT NULL,
    seq BIGINT NOT NULL,
    hash TEXT NOT NULL,
    head BIGINT,
    CONSTRAINT pk_chain_entries PRIMARY KEY (event_id)
);
INSERT INTO chain_entries (event_id, number, seq, hash)
SELECT e.id, c.number, e.seq, e.hash FROM case_events e JOIN cases c ON c.id = e.case_id;
CREATE INDEX ix_chain_entries_number ON chain_entries (number);
CREATE INDEX ix_chain_entries_head ON chain_entries (head);

ALTER TABLE access_log ADD COLUMN head BIGINT DEFAULT 0, ADD COLUMN detail JSONB;
ALTER TABLE access_log ALTER COLUMN head DROP DEFAULT;
CREATE INDEX ix_access_log_waiting ON access_log (id) WHERE head IS NULL;
