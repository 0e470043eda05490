-- Lines of the vehicles in changed_vehicles on one day: cut at gaps, at the borders of communities and at midnight (UTC).
-- The way from the last fix in one community to the first in the next is a line of its own, with both areas.
INSERT INTO tracks (day, vehicle_id, started_at, ended_at, n_fixes, length_m, area_id, to_area_id, geom)
WITH ordered AS (
    SELECT f.vehicle_id, f.t, f.lon, f.lat, f.area_id,
           lag(f.t) OVER before AS t_before, lag(f.lon) OVER before AS lon_before, lag(f.lat) OVER before AS lat_before,
           lag(f.area_id) OVER before AS area_before
    FROM fixes f
    WHERE f.t >= :start AND f.t < :until AND f.vehicle_id IN (SELECT vehicle_id FROM changed_vehicles)
    WINDOW before AS (PARTITION BY f.vehicle_id ORDER BY f.t)
), cut AS (
    SELECT *, t_before IS NULL OR t - t_before > make_interval(secs => :gap_s) AS after_gap,
           area_id IS DISTINCT FROM area_before AS elsewhere
    FROM ordered
), numbered AS (
    SELECT *, count(*) FILTER (WHERE after_gap OR elsewhere) OVER (PARTITION BY vehicle_id ORDER BY t) AS part FROM cut
), lines AS (
    SELECT vehicle_id, min(t) AS started_at, max(t) AS ended_at, count(*) AS n_fixes, area_id, area_id AS to_area_id,
           ST_MakeLine(ST_MakePoint(lon, lat) ORDER BY t) AS line
    FROM numbered GROUP BY vehicle_id, part, area_id HAVING count(*) > 1
    UNION ALL
    SELECT vehicle_id, t_before, t, 2, area_before, area_id,
           ST_MakeLine(ST_MakePoint(lon_before, lat_before), ST_MakePoint(lon, lat))
    FROM cut WHERE elsewhere AND NOT after_gap
), shapes AS (
    SELECT *, ST_RemoveRepeatedPoints(ST_SetSRID(line, 4326), :same_deg) AS geom FROM lines
), measured AS (
    SELECT *, ST_Length(geom::geography) AS length_m FROM shapes
)
SELECT :day, vehicle_id, started_at, ended_at, n_fixes, length_m, area_id, to_area_id, geom
FROM measured WHERE length_m > 0
ORDER BY vehicle_id, started_at
