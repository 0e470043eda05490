-- One tile of the base map in the schema of Protomaps (version 4): earth, water, roads, places, boundaries.
-- Called by layers/ground/base_map.py with the zoom, column and row of the tile and the width of a pixel in metres.
WITH tile AS (
    SELECT ST_TileEnvelope(:zoom, :column, :row) AS env,
           ST_TileEnvelope(:zoom, :column, :row, margin => 64 / 4096.0) AS wide
), here AS (
    SELECT a.kind, a.name, a.geom_3857, a.label_point
    FROM areas a, tile
    WHERE holds_at(a.valid_from, a.valid_to) AND a.geom_3857 && wide AND a.kind IN ('city', 'county', 'town', 'water')
)
SELECT
    (SELECT ST_AsMVT(layer, 'earth', 4096, 'geom') FROM (
        SELECT 'earth' AS kind, ST_AsMVTGeom(ST_Simplify(h.geom_3857, :pixel_m / 2, true), env, 4096, 64, true) AS geom
        FROM here h, tile WHERE h.kind = 'city') layer)
    ||
    (SELECT ST_AsMVT(layer, 'water', 4096, 'geom') FROM (
        SELECT 'water' AS kind, 'water' AS kind_detail, h.name, NULL AS "name:en",
               ST_AsMVTGeom(ST_Simplify(h.geom_3857, :pixel_m / 2, true), env, 4096, 64, true) AS geom
        FROM here h, tile WHERE h.kind = 'water'
        UNION ALL
        SELECT 'river', w.kind, w.name, w.name_en,
               ST_AsMVTGeom(
                   -- A metre of the ground is longer in EPSG:3857; a river that is thinner than a pixel is a line.
                   CASE WHEN w.width_m > :pixel_m
                        THEN ST_Buffer(ST_Simplify(ST_ClipByBox2D(w.geom_3857, ST_Expand(wide, 200)), :pixel_m / 2),
                                       w.width_m / 2 / cos(radians(ST_Y(ST_StartPoint(ST_GeometryN(w.geom, 1))))),
                                       'quad_segs=2')
                        ELSE ST_Simplify(w.geom_3857, :pixel_m / 2) END,
                   env, 4096, 64, true)
        FROM waterways w, tile WHERE w.geom_3857 && wide AND w.min_zoom <= :zoom) layer WHERE geom IS NOT NULL)
    ||
    (SELECT ST_AsMVT(layer, 'roads', 4096, 'geom') FROM (
        SELECT CASE WHEN r.kind = 'motorway' THEN 'highway'
                    WHEN r.kind IN ('trunk', 'primary', 'secondary', 'tertiary') THEN 'major_road'
                    WHEN r.kind IN ('local', 'service') THEN 'minor_road' ELSE 'path' END AS kind,
               CASE r.kind WHEN 'local' THEN 'residential' ELSE r.kind END AS kind_detail,
               r.name, r.name_en AS "name:en", r.ref, r.min_zoom::integer AS min_zoom,
               ST_AsMVTGeom(ST_Simplify(r.geom_3857, :pixel_m / 2), env, 4096, 64, true) AS geom
        FROM roads r, tile WHERE r.geom_3857 && wide AND r.min_zoom <= :zoom ORDER BY r.min_zoom DESC) layer
     WHERE geom IS NOT NULL)
    ||
    (SELECT ST_AsMVT(layer, 'places', 4096, 'geom') FROM (
        SELECT 'locality' AS kind, CASE h.kind WHEN 'county' THEN 'city' ELSE 'town' END AS kind_detail, h.name,
               ST_AsMVTGeom(ST_Transform(h.label_point, 3857), env, 4096, 0, true) AS geom
        FROM here h, tile WHERE h.kind = 'county' OR (h.kind = 'town' AND :zoom >= 9)) layer WHERE geom IS NOT NULL)
    ||
    (SELECT ST_AsMVT(layer, 'boundaries', 4096, 'geom') FROM (
        SELECT 'county' AS kind, ST_AsMVTGeom(ST_Boundary(ST_Simplify(h.geom_3857, :pixel_m / 2, true)), env, 4096, 64, true) AS geom
        FROM here h, tile WHERE h.kind = 'county') layer WHERE geom IS NOT NULL)
