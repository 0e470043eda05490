-- Areas: the versions that hold at a moment, and what tiles need of their outlines.
-- Called by: the generated column areas.tile_zooms (tile_zooms); statements of layers and grid that read the
-- areas of today (holds_at).

-- Whether a version holds at a moment. An end in the future does not end it today.
CREATE OR REPLACE FUNCTION holds_at(
    valid_from timestamptz, valid_to timestamptz, at timestamptz DEFAULT statement_timestamp()
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT valid_from <= at AND (valid_to IS NULL OR valid_to > at)
$$;

-- Zooms (bits 0 to 14) at which the simplified area, on the grid of the tiles, is a valid polygon of some
-- size: it needs no repair where it is not cut. The same numbers as in layers/collections/tiles.py; the grid
-- of a zoom is the same in all its tiles. A change of this function does not change the stored values: a
-- migration has to compute them anew.
CREATE OR REPLACE FUNCTION tile_zooms(shape geometry) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = public, pg_temp AS $$
    SELECT COALESCE(sum(1 << zoom) FILTER (
        WHERE ST_IsValid(drawn) AND ST_Area(drawn) >= 4), 0)::integer
    FROM (
        SELECT zoom, ST_SnapToGrid(ST_Affine(
            ST_Simplify(shape, 40075016.685578488::float8 / (1 << zoom) / 4096 * 4, true),
            4096 * (1 << zoom) / 40075016.685578488::float8, 0, 0, -4096 * (1 << zoom) / 40075016.685578488::float8,
            2048.0::float8 * (1 << zoom), 2048.0::float8 * (1 << zoom)), 1) AS drawn
        FROM generate_series(0, 14) AS zoom
    ) AS zooms
$$;
