-- A city of the same data twice: as plain tables for a peer (schema peer) and as tables of this service.
-- 200,000 enterprises (70 % in 40 clusters), 10,000 zones of 101 points, 2,000,000 places of vehicles,
-- 1,000,000 roads of a province (5 by 4 degrees) with 8 points each; repeatable.
CREATE SCHEMA peer;
SELECT setseed(0.42);

CREATE TABLE peer.enterprise AS
WITH clusters AS MATERIALIZED (
    SELECT i, 120.3 + random() * 1.6 AS x, 31.7 + random() * 0.9 AS y, 0.01 + random() * 0.06 AS spread
    FROM generate_series(0, 39) AS i
), drawn AS MATERIALIZED (
    SELECT g AS id, random() AS choice, sqrt(-2 * ln(1 - random() * 0.999999)) AS rho, 2 * pi() * random() AS turn,
           random() AS ux, random() AS uy
    FROM generate_series(1, 200000) AS g
)
SELECT d.id, 'Enterprise ' || d.id AS name,
       (ARRAY['chemical', 'metal', 'textile', 'logistics', 'food', 'construction', 'recycling', 'other'])[1 + (d.id * 7919) % 8]
           AS category,
       (d.id * 31) % 101 AS risk_score, (d.id % 10000) + 1 AS zone_id,
       timestamptz '2024-01-01 00:00+08' + ((d.id * 977) % 525600) * interval '1 minute' AS last_seen,
       ST_SetSRID(ST_MakePoint(
           CASE WHEN choice < 0.7 THEN least(greatest(c.x + c.spread * rho * cos(turn), 120.2), 122.0) ELSE 120.2 + ux * 1.8 END,
           CASE WHEN choice < 0.7 THEN least(greatest(c.y + c.spread * rho * sin(turn), 31.6), 32.7) ELSE 31.6 + uy * 1.1 END
       ), 4326)::geometry(Point, 4326) AS geom
FROM drawn AS d JOIN clusters AS c ON c.i = d.id % 40;
ALTER TABLE peer.enterprise ADD PRIMARY KEY (id);
CREATE INDEX ON peer.enterprise USING gist (geom);

CREATE TABLE peer.grid_zone AS
WITH cells AS (
    SELECT x, y FROM generate_series(0, 124) AS x, generate_series(0, 79) AS y
), edges AS (
    SELECT x, y, e * 25 + k AS n,
           CASE e WHEN 0 THEN x + k / 25.0 WHEN 1 THEN x + 1 WHEN 2 THEN x + 1 - k / 25.0 ELSE x END AS gx,
           CASE e WHEN 0 THEN y WHEN 1 THEN y + k / 25.0 WHEN 2 THEN y + 1 ELSE y + 1 - k / 25.0 END AS gy
    FROM cells, generate_series(0, 3) AS e, generate_series(0, 24) AS k
), corners AS (
    SELECT x, y, n, ST_MakePoint(120.2 + 1.8 / 125 * (gx + 0.015 * sin(gy * 37.0 + gx * 11)),
                                 31.6 + 1.1 / 80 * (gy + 0.015 * sin(gx * 41.0 + gy * 13))) AS p
    FROM edges
)
SELECT x * 80 + y + 1 AS id, 'Zone ' || x || '-' || y AS name, 'D' || (x / 16) || '-' || (y / 16) AS jurisdiction,
       1 + (x * 80 + y) % 500 AS manager_id,
       ST_SetSRID(ST_MakePolygon(ST_AddPoint(ST_MakeLine(p ORDER BY n), (array_agg(p ORDER BY n))[1])), 4326)
           ::geometry(Polygon, 4326) AS geom
FROM corners GROUP BY x, y;
ALTER TABLE peer.grid_zone ADD PRIMARY KEY (id);
CREATE INDEX ON peer.grid_zone USING gist (geom);

CREATE TABLE peer.vehicle_ping AS
SELECT g::bigint AS id, 1 + g % 3000 AS vehicle_id,
       timestamptz '2024-06-01 00:00+08' + (g / 3000) * interval '30 seconds' AS ts, (random() * 90)::real AS speed,
       ST_SetSRID(ST_MakePoint(120.2 + random() * 1.8, 31.6 + random() * 1.1), 4326)::geometry(Point, 4326) AS geom
FROM generate_series(1, 2000000) AS g;
ALTER TABLE peer.vehicle_ping ADD PRIMARY KEY (id);
CREATE INDEX ON peer.vehicle_ping USING gist (geom);
CREATE INDEX ON peer.vehicle_ping (ts);

CREATE TABLE peer.road AS
WITH drawn AS MATERIALIZED (
    SELECT g AS id, random() AS choice, 117 + random() * 5 AS x, 30.7 + random() * 4 AS y, 2 * pi() * random() AS turn
    FROM generate_series(1, 1000000) AS g
), kinds AS (
    SELECT *, CASE WHEN choice < 0.005 THEN 'motorway' WHEN choice < 0.02 THEN 'trunk' WHEN choice < 0.05 THEN 'primary'
                   WHEN choice < 0.12 THEN 'secondary' WHEN choice < 0.25 THEN 'tertiary' WHEN choice < 0.75 THEN 'local'
                   ELSE 'service' END AS kind
    FROM drawn
)
SELECT id, 'Road ' || id % 50000 AS name, kind, ST_SetSRID(ST_MakeLine(ARRAY(
    SELECT ST_MakePoint(x + k * 0.0011 * cos(turn + 0.3 * sin(k)), y + k * 0.0009 * sin(turn + 0.3 * sin(k)))
    FROM generate_series(0, 7) AS k)), 4326)::geometry(LineString, 4326) AS geom
FROM kinds;
ALTER TABLE peer.road ADD PRIMARY KEY (id);
CREATE INDEX ON peer.road USING gist (geom);

INSERT INTO enterprises (uscc, name, industry, hazard, status, status_since)
SELECT 'U' || id, name, category, 'none', 'operating', date '2020-01-01' FROM peer.enterprise ORDER BY id;
INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10)
SELECT 'S-' || p.id, e.id, 'registered', p.geom, p.id, p.id FROM peer.enterprise AS p JOIN enterprises AS e ON e.uscc = 'U' || p.id
ORDER BY p.id;
INSERT INTO areas (code, name, kind, valid_from, geom, label_point, area_m2)
SELECT jurisdiction || '-' || id, name, 'unit_grid', '2020-01-01 00:00+08', ST_Multi(geom), ST_PointOnSurface(geom),
       ST_Area(geom::geography)
FROM peer.grid_zone ORDER BY id;

INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at)
VALUES ('stays', '1', 'benchmark', '2024-07-01 00:00+08', '{}', '{}', '2024-07-01 00:00+08');
INSERT INTO vehicles (vehicle_id, kind) SELECT 'V-' || i, 'other' FROM generate_series(1, 3000) AS i;
INSERT INTO stays (run_id, vehicle_id, started_at, ended_at, ended_by, open, radius_m, n_fixes, geom, h3_9)
SELECT (SELECT max(id) FROM model_runs), vehicle_id, ts, ts + interval '25 seconds', 'left', false, 20, 10, geom, id
FROM peer.vehicle_ping ORDER BY id;
INSERT INTO roads (source_id, name, kind, indicative, min_zoom, oneway, geom)
SELECT 'R-' || id, name, kind, true,
       CASE kind WHEN 'motorway' THEN 5 WHEN 'trunk' THEN 6 WHEN 'primary' THEN 7 WHEN 'secondary' THEN 9
                 WHEN 'tertiary' THEN 11 WHEN 'local' THEN 12 ELSE 13 END, false, ST_Multi(geom)
FROM peer.road ORDER BY id;
