-- Names that share grams with addresses: every area that is named whole, and the names with the rarest grams.
-- Called by: grid/gazetteer/searching.py
SELECT a.number, a.normal, a.grams AS address_grams, p.id, p.name, p.normal AS name_normal, p.kind, p.former,
       p.area_code, p.within, ST_X(p.geom) AS lon, ST_Y(p.geom) AS lat, p.grams, p.weights
FROM (SELECT u.number, t.normal, place_grams(t.normal) AS grams
      FROM unnest(CAST(:addresses AS text[])) WITH ORDINALITY AS u (written, number)
      CROSS JOIN LATERAL (SELECT place_text(u.written) AS normal OFFSET 0) t OFFSET 0) a
LEFT JOIN LATERAL (
    SELECT n.* FROM place_names n
    WHERE n.area_code IS NOT NULL AND n.normal = ANY (ARRAY(
        SELECT DISTINCT substr(a.normal, first, size)
        FROM generate_series(1, least(length(a.normal), 40)) AS first, generate_series(2, 9) AS size
        WHERE first + size <= length(a.normal) + 1))
    UNION
    SELECT n.* FROM place_names n WHERE n.grams && (
        SELECT array_agg(r.gram) FROM (
            SELECT g.gram, sum(g.n_names) OVER (ORDER BY g.n_names, g.gram) AS so_far,
                   row_number() OVER (ORDER BY g.n_names, g.gram) AS place
            FROM place_grams g WHERE g.gram = ANY (a.grams)) r
        WHERE r.so_far <= :most_names OR r.place = 1 AND r.so_far <= 20 * :most_names)
) p ON true
