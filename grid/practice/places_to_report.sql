-- Smallest areas of today with their town, in an order that the seed decides; the name is of a site that lies there.
-- Called by: grid/practice/city_facts.py
WITH RECURSIVE smallest AS MATERIALIZED (
    SELECT a.id, a.code, a.name, a.kind, a.parent_id, a.label_point FROM areas a
    WHERE holds_at(a.valid_from, a.valid_to) AND a.kind IN ('town', 'community', 'unit_grid')
      AND NOT EXISTS (SELECT FROM areas c WHERE c.parent_id = a.id AND holds_at(c.valid_from, c.valid_to)
                      AND c.kind IN ('community', 'unit_grid'))
    ORDER BY hashtextextended(a.code, :seed), a.code LIMIT :most
), paths AS (
    SELECT s.id AS of, s.id, s.kind, s.code, s.name, s.parent_id FROM smallest s
    UNION ALL
    SELECT p.of, a.id, a.kind, a.code, a.name, a.parent_id FROM paths p JOIN areas a ON a.id = p.parent_id
)
SELECT ST_X(s.label_point) AS lon, ST_Y(s.label_point) AS lat,
       max(p.code) FILTER (WHERE p.kind = 'town') AS town_code, max(p.name) FILTER (WHERE p.kind = 'town') AS town,
       max(p.name) FILTER (WHERE p.kind = 'community') AS community,
       (SELECT e.name FROM sites t JOIN enterprises e ON e.id = t.enterprise_id
        WHERE ST_Expand(s.label_point, 0.01) && t.geom AND e.status = 'operating'
        ORDER BY t.geom <-> s.label_point LIMIT 1) AS enterprise
FROM smallest s JOIN paths p ON p.of = s.id
GROUP BY s.id, s.code, s.label_point HAVING bool_or(p.kind = 'town') ORDER BY hashtextextended(s.code, :seed), s.code
