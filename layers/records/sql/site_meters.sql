-- Readings of a site in the months before a moment, oldest first; a first register holds no use and is left out.
SELECT m.kind,
       json_agg(json_build_object(
           'day', (m.began_at AT TIME ZONE :zone)::date,
           'from_at', to_char(timezone('UTC', m.began_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'to_at', to_char(timezone('UTC', m.ended_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
           'meter_id', m.meter_id, 'value', m.value, 'quality', m.quality, 'flags', m.flags
       ) ORDER BY m.meter_id, m.began_at) AS readings
FROM meter_readings m
WHERE m.site_id = :site_key AND m.ended_at > :since AND m.ended_at <= :until AND m.ended_at > m.began_at
GROUP BY m.kind
