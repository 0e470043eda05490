-- Quality of the stored readings of each meter: of one site, or of all that have readings. A first register is no reading.
WITH read AS (
    SELECT m.site_id, m.kind, m.meter_id, m.began_at, m.ended_at, m.ended_at - m.began_at AS span, m.quality, m.flags,
           m.value IS NOT NULL AND m.quality <> 'missing' AS known
    FROM meter_readings m
    WHERE m.ended_at > m.began_at AND (CAST(:site_key AS bigint) IS NULL OR m.site_id = :site_key)
), flagged AS (
    SELECT site_id, kind, meter_id, json_object_agg(flag, n ORDER BY flag) AS flags FROM (
        SELECT site_id, kind, meter_id, flag, count(*) AS n FROM read CROSS JOIN LATERAL unnest(flags) flag
        GROUP BY site_id, kind, meter_id, flag
    ) each GROUP BY site_id, kind, meter_id
)
SELECT s.site_id, r.kind, r.meter_id, count(*) AS readings,
       to_char(timezone('UTC', min(r.began_at)), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS first_at,
       to_char(timezone('UTC', max(r.ended_at)), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS last_at,
       extract(epoch FROM percentile_disc(0.5) WITHIN GROUP (ORDER BY r.span))::float8 AS usual_length_s,
       COALESCE(extract(epoch FROM sum(r.span) FILTER (WHERE r.known AND r.quality = 'estimated'))
                / extract(epoch FROM sum(r.span) FILTER (WHERE r.known)), 0)::float8 AS estimated_share,
       (1 - COALESCE(extract(epoch FROM sum(r.span) FILTER (WHERE r.known)), 0)
            / extract(epoch FROM max(r.ended_at) - min(r.began_at)))::float8 AS missing_share,
       COALESCE(min(f.flags::text)::json, '{}'::json) AS flags
FROM read r JOIN sites s ON s.id = r.site_id
LEFT JOIN flagged f ON f.site_id = r.site_id AND f.kind = r.kind AND f.meter_id = r.meter_id
GROUP BY s.site_id, r.kind, r.meter_id
ORDER BY s.site_id, r.kind, r.meter_id
