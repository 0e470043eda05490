-- Vehicles that broke the rule of a fence from one moment to another: those that count first, with the most days.
SELECT v.vehicle_id, v.plate, v.kind, v.vehicle_id = ANY (COALESCE(f.exempt_vehicle_ids, '{}')) AS exempt,
       count(*) AS breaches, count(DISTINCT (e.started_at AT TIME ZONE :zone)::date) AS days,
       (sum(e.duration_s) / 3600)::float8 AS hours, min((e.started_at AT TIME ZONE :zone)::date)::text AS first_day,
       max((e.started_at AT TIME ZONE :zone)::date)::text AS last_day, count(*) OVER () AS of_all
FROM fence_events e
JOIN fences f ON f.id = e.fence_id
JOIN vehicles v ON v.id = e.vehicle_id
WHERE e.fence_id = :fence_key AND e.started_at >= :since AND e.started_at <= :until
GROUP BY v.vehicle_id, v.plate, v.kind, f.exempt_vehicle_ids
ORDER BY exempt, days DESC, hours DESC, v.vehicle_id
LIMIT :limit
