-- Daily readings of a site in the months before a moment, oldest first.
SELECT m.kind,
       json_agg(json_build_object('day', m.day, 'value', m.value, 'quality', m.quality) ORDER BY m.day) AS readings
FROM meter_readings m
WHERE m.site_id = :site_key AND m.day > :since AND m.day <= :until
GROUP BY m.kind
