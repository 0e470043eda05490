-- Makes the names of places anew from the tables that have them. Called by: grid/gazetteer/refreshing.py
WITH RECURSIVE paths AS (
    SELECT id, ARRAY[code] AS codes FROM areas WHERE parent_id IS NULL
    UNION ALL
    SELECT a.id, p.codes || a.code FROM areas a JOIN paths p ON a.parent_id = p.id
), current_areas AS MATERIALIZED (
    SELECT a.id, a.code, a.kind, a.name, a.label_point, p.codes FROM areas a JOIN paths p USING (id)
    WHERE holds_at(a.valid_from, a.valid_to)
), towns AS MATERIALIZED (
    SELECT a.id, c.codes, a.geom FROM areas a JOIN current_areas c USING (id) WHERE a.kind = 'town'
), names AS (
    SELECT name, kind, false AS former, code AS area_code, codes AS within, id AS source_id, label_point AS place
    FROM current_areas
    UNION ALL
    SELECT DISTINCT ON (f.code, f.kind, f.name) f.name, f.kind, true, f.code, p.codes, f.id, f.label_point
    FROM areas f JOIN paths p USING (id)
    WHERE f.valid_to IS NOT NULL AND f.kind IN ('city', 'county', 'town', 'community')
      AND NOT EXISTS (SELECT FROM current_areas c WHERE c.code = f.code AND c.kind = f.kind AND c.name = f.name)
    UNION ALL
    SELECT e.name, 'site', false, NULL, COALESCE(c.codes, '{}'), s.id, s.geom
    FROM sites s JOIN enterprises e ON e.id = s.enterprise_id LEFT JOIN paths c ON c.id = s.area_id
    UNION ALL
    SELECT g.name, g.kind, false, NULL, COALESCE(g.codes, '{}'), min(g.id),
           (array_agg(g.middle ORDER BY g.id))[(count(*) + 1) / 2]
    FROM (SELECT r.id, n.name, r.kind, r.middle, t.codes, t.id AS town
          FROM (SELECT id, name, name_en, 'road' AS kind, ST_LineInterpolatePoint(ST_GeometryN(geom, 1), 0.5) AS middle
                FROM roads WHERE name IS NOT NULL OR name_en IS NOT NULL
                UNION ALL
                SELECT id, name, name_en, 'waterway', ST_LineInterpolatePoint(ST_GeometryN(geom, 1), 0.5)
                FROM waterways WHERE name IS NOT NULL OR name_en IS NOT NULL) r
          CROSS JOIN LATERAL (VALUES (r.name), (r.name_en)) AS n (name)
          LEFT JOIN towns t ON t.geom && r.middle AND ST_Intersects(t.geom, r.middle)
          WHERE n.name IS NOT NULL) g
    GROUP BY g.name, g.kind, g.town, g.codes
)
INSERT INTO place_names (name, normal, kind, former, area_code, within, source_id, geom, grams, weights)
SELECT n.name, t.normal, n.kind, n.former, n.area_code, n.within, n.source_id, n.place, place_grams(t.normal), '{}'
FROM names n CROSS JOIN LATERAL (SELECT place_text(n.name) AS normal) t
WHERE t.normal <> '' AND n.place IS NOT NULL
