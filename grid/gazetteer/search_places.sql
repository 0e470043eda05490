-- Names that share grams with addresses, with their share of the weight: every area that is named whole, and of the names
-- with the rarest grams those that can be candidates (least_share), and cities and counties.
-- Called by: grid/gazetteer/searching.py
SELECT a.number, a.normal, p.id, p.name, p.normal AS name_normal, p.kind, p.former, p.area_code, p.within,
       ST_X(p.geom) AS lon, ST_Y(p.geom) AS lat, p.share
FROM (SELECT u.number, t.normal, place_grams(t.normal) AS grams, ARRAY(
          SELECT DISTINCT substr(t.normal, first, size)
          FROM generate_series(1, least(length(t.normal), 40)) AS first, generate_series(2, 9) AS size
          WHERE first + size <= length(t.normal) + 1) AS parts
      FROM unnest(CAST(:addresses AS text[])) WITH ORDINALITY AS u (written, number)
      CROSS JOIN LATERAL (SELECT place_text(u.written) AS normal OFFSET 0) t OFFSET 0) a
LEFT JOIN LATERAL (
    SELECT n.*, COALESCE(w.there / NULLIF(w.total, 0), CASE WHEN strpos(a.normal, n.normal) > 0 THEN 1.0 ELSE 0.0 END) AS share
    FROM (
        SELECT * FROM place_names WHERE area_code IS NOT NULL AND normal = ANY (a.parts)
        UNION ALL
        SELECT * FROM place_names WHERE (area_code IS NULL OR normal <> ALL (a.parts)) AND grams && (
            SELECT array_agg(r.gram) FROM (
                SELECT g.gram, sum(g.n_names) OVER (ORDER BY g.n_names, g.gram) AS so_far,
                       row_number() OVER (ORDER BY g.n_names, g.gram) AS place
                FROM place_grams g WHERE g.gram = ANY (a.grams)) r
            WHERE r.so_far <= :most_names OR r.place = 1 AND r.so_far <= 20 * :most_names)
    ) n
    CROSS JOIN LATERAL (
        SELECT sum(u.weight::float8) AS total, COALESCE(sum(u.weight::float8) FILTER (WHERE u.gram = ANY (a.grams)), 0) AS there
        FROM unnest(n.grams, n.weights) AS u (gram, weight)) w
) p ON p.share >= :least_share OR p.kind IN ('city', 'county') OR p.area_code IS NOT NULL AND strpos(a.normal, p.normal) > 0
