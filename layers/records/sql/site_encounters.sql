-- Encounters of vehicles within a distance of a site from one moment to another, newest first.
SELECT e.id, a.vehicle_id AS vehicle_a, a.plate AS plate_a, b.vehicle_id AS vehicle_b, b.plate AS plate_b, e.kind,
       to_char(timezone('UTC', e.started_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS started_at,
       to_char(timezone('UTC', e.ended_at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS ended_at,
       e.duration_s, e.nearest_m, ST_Distance(e.geom::geography, s.place::geography) AS distance_m,
       ST_AsGeoJSON(e.geom, 7)::json AS geometry, count(*) OVER () AS of_all
FROM (SELECT COALESCE(boundary, geom) AS place FROM sites WHERE id = :site_key) s
-- a box that holds the distance lets the index find them
JOIN encounters e ON e.geom && ST_Envelope(ST_Buffer(s.place::geography, :near_m)::geometry)
     AND ST_DWithin(e.geom::geography, s.place::geography, :near_m)
JOIN vehicles a ON a.id = e.vehicle_a
JOIN vehicles b ON b.id = e.vehicle_b
WHERE e.started_at >= :since AND e.started_at <= :until
ORDER BY e.started_at DESC, e.id
LIMIT :limit
