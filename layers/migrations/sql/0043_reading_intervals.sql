-- Readings become intervals: a daily reading is the interval from its local midnight to the next one.
-- {zone} is the time zone of the city, as a quoted literal.
DROP TRIGGER IF EXISTS replaced_kept ON meter_readings;
DROP TRIGGER IF EXISTS removed_kept ON meter_readings;

CREATE TABLE reading_intervals (
    site_id bigint NOT NULL,
    kind text NOT NULL,
    meter_id text NOT NULL DEFAULT '',
    began_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    value double precision,
    unit text NOT NULL,
    register double precision,
    quality text NOT NULL,
    flags text[] NOT NULL DEFAULT '{{}}',
    batch_id integer
);
CREATE TABLE reading_intervals_history (LIKE reading_intervals);
ALTER TABLE reading_intervals_history ALTER COLUMN meter_id DROP DEFAULT, ALTER COLUMN flags DROP DEFAULT,
    ADD COLUMN replaced_by integer NOT NULL, ADD COLUMN replaced_at timestamptz NOT NULL DEFAULT now();

INSERT INTO reading_intervals
SELECT site_id, kind, '', day::timestamp AT TIME ZONE {zone}, (day + 1)::timestamp AT TIME ZONE {zone}, value,
       CASE kind WHEN 'power' THEN 'kWh' ELSE 'm³' END, NULL, quality, '{{}}', batch_id
FROM meter_readings;
INSERT INTO reading_intervals_history
SELECT site_id, kind, '', day::timestamp AT TIME ZONE {zone}, (day + 1)::timestamp AT TIME ZONE {zone}, value,
       CASE kind WHEN 'power' THEN 'kWh' ELSE 'm³' END, NULL, quality, '{{}}', batch_id, replaced_by, replaced_at
FROM meter_readings_history;

DROP TABLE meter_readings;
DROP TABLE meter_readings_history;
ALTER TABLE reading_intervals RENAME TO meter_readings;
ALTER TABLE reading_intervals_history RENAME TO meter_readings_history;
ALTER TABLE meter_readings
    ALTER COLUMN batch_id SET DEFAULT NULLIF(current_setting('wangge.batch', true), '')::integer,
    ADD CONSTRAINT pk_meter_readings PRIMARY KEY (site_id, kind, meter_id, began_at, ended_at),
    ADD CONSTRAINT fk_meter_readings_site_id FOREIGN KEY (site_id) REFERENCES sites (id),
    ADD CONSTRAINT ck_meter_readings_interval CHECK (ended_at >= began_at);
CREATE INDEX ix_meter_readings_batch_id ON meter_readings USING brin (batch_id);
CREATE UNIQUE INDEX uq_meter_readings_history ON meter_readings_history (replaced_by, site_id, kind, meter_id, began_at, ended_at);
