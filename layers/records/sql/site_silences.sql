-- Silences in reach of a site from one moment to another: those that count first, then the newest.
SELECT d.id, v.vehicle_id, v.plate, v.kind,
       to_char(timezone('UTC', d.began_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS began_at,
       to_char(timezone('UTC', d.ended_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS ended_at,
       d.duration_s, d.distance_m, d.weight, d.left_out, ST_AsGeoJSON(d.geom, 7)::json AS geometry,
       count(*) OVER () AS of_all
FROM silences d
JOIN vehicles v ON v.id = d.vehicle_id
WHERE d.site_id = :site_key AND d.began_at >= :since AND d.began_at <= :until
ORDER BY d.left_out IS NULL DESC, d.began_at DESC, d.id
LIMIT :limit
