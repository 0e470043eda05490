-- Vehicles at a site from one moment to another: by vehicle, and (without vehicle_id) by kind and reason of leaving out.
-- Hours are those that are attributed to the site.
WITH called AS (
    SELECT v.vehicle_id, v.plate, v.kind,
           COALESCE(w.excluded_by, CASE WHEN w.share < :least_share THEN 'neighbour' END) AS left_out,
           (w.entered_at AT TIME ZONE :zone)::date AS day,
           EXTRACT(EPOCH FROM w.left_at - w.entered_at)::float8 / 3600 * w.share AS hours
    FROM visits w
    JOIN vehicles v ON v.id = w.vehicle_id
    WHERE w.site_id = :site_key AND w.entered_at >= :since AND w.entered_at <= :until
)
SELECT vehicle_id, plate, kind, left_out, count(DISTINCT vehicle_id) AS vehicles, count(*) AS visits,
       count(DISTINCT day) AS days, sum(hours) AS hours, min(day)::text AS first_day, max(day)::text AS last_day
FROM called
GROUP BY GROUPING SETS ((kind, left_out), (kind, left_out, vehicle_id, plate))
ORDER BY left_out NULLS FIRST, days DESC, hours DESC, kind, vehicle_id
