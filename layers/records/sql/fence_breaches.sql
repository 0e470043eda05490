-- Breaches of a fence from one moment to another, newest first.
SELECT e.id, v.vehicle_id, v.plate, v.kind, v.vehicle_id = ANY (COALESCE(f.exempt_vehicle_ids, '{}')) AS exempt,
       to_char(timezone('UTC', e.started_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at,
       to_char(timezone('UTC', e.ended_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS ended_at,
       e.duration_s, e.open, ST_AsGeoJSON(e.geom, 7)::json AS geometry, count(*) OVER () AS of_all
FROM fence_events e
JOIN fences f ON f.id = e.fence_id
JOIN vehicles v ON v.id = e.vehicle_id
WHERE e.fence_id = :fence_key AND e.started_at >= :since AND e.started_at <= :until
ORDER BY e.started_at DESC, e.id
LIMIT :limit
