-- One vehicle's fixes as lines, cut where the signal was gone for longer than :gap_s; each gap is its own line.
WITH ordered AS (
    SELECT f.t, f.lon, f.lat,
           lag(f.t) OVER time_order AS t_before, lag(f.lon) OVER time_order AS lon_before,
           lag(f.lat) OVER time_order AS lat_before
    FROM fixes f
    WHERE f.vehicle_id = :vehicle_key AND f.t >= :start AND f.t <= :until
    WINDOW time_order AS (ORDER BY f.t)
), cut AS (
    SELECT *, count(*) FILTER (WHERE extract(epoch FROM t - t_before) > :gap_s) OVER (ORDER BY t) AS part
    FROM ordered
), lines AS (
    SELECT part, count(*) AS n_fixes, min(t) AS started_at, max(t) AS ended_at,
           ST_MakeLine(ST_SetSRID(ST_MakePoint(lon, lat), 4326) ORDER BY t) AS line
    FROM cut GROUP BY part
), gaps AS (
    SELECT t_before, t, extract(epoch FROM t - t_before) AS gap_s,
           ST_SetSRID(ST_MakeLine(ST_MakePoint(lon_before, lat_before), ST_MakePoint(lon, lat)), 4326) AS line
    FROM cut WHERE extract(epoch FROM t - t_before) > :gap_s
)
SELECT (SELECT count(*) FROM ordered) AS n_fixes,
       (SELECT ST_AsGeoJSON(ST_Collect(line ORDER BY part), 6)::json FROM lines WHERE n_fixes > 1) AS track,
       (SELECT json_agg(json_build_object(
                   'from', to_char(timezone('UTC', started_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                   'to', to_char(timezone('UTC', ended_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                   'n_fixes', n_fixes) ORDER BY part) FROM lines WHERE n_fixes > 1) AS parts,
       (SELECT json_agg(json_build_object(
                   'type', 'Feature', 'geometry', ST_AsGeoJSON(line, 6)::json,
                   'properties', json_build_object('kind', 'gap', 'gap_s', gap_s,
                       'from', to_char(timezone('UTC', t_before), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
                       'to', to_char(timezone('UTC', t), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))) ORDER BY t) FROM gaps) AS gaps
