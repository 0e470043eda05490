-- Visits at a site, newest first.
SELECT v.vehicle_id, v.plate, v.kind,
       to_char(timezone('UTC', w.entered_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS entered_at,
       to_char(timezone('UTC', w.left_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS left_at,
       w.seen_s, w.unseen_s, w.distance_m, w.share, w.night, w.excluded_by
FROM visits w
JOIN vehicles v ON v.id = w.vehicle_id
WHERE w.site_id = :site_key AND w.entered_at <= :until
ORDER BY w.entered_at DESC
LIMIT :limit
