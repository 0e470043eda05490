ALTER TABLE cases
    ADD COLUMN urgency text NOT NULL DEFAULT 'normal',
    ADD COLUMN stage_due_at timestamptz,
    ADD COLUMN late_since timestamptz,
    ADD COLUMN paused_since timestamptz;

CREATE TABLE calendar_days (
    day date NOT NULL,
    working boolean NOT NULL,
    name text,
    batch_id integer DEFAULT NULLIF(current_setting('wangge.batch', true), '')::integer,
    CONSTRAINT pk_calendar_days PRIMARY KEY (day)
);
CREATE TABLE calendar_days_history (LIKE calendar_days);
ALTER TABLE calendar_days_history
    ADD COLUMN replaced_by integer NOT NULL, ADD COLUMN replaced_at timestamptz NOT NULL DEFAULT now();
CREATE UNIQUE INDEX uq_calendar_days_history ON calendar_days_history (replaced_by, day);
