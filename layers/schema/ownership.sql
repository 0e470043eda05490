-- Which area owns a point: one rule for sites, stays, fence events, cases, assignment, edits and row-level
-- security. An area owns its western and southern edges and not its eastern and northern ones, so that
-- exactly one of two neighbours owns a point on their common edge. A point that nobody owns so, on the
-- outline of the whole, belongs to the first area (by code) on whose edge it lies. grid.areas.AreaCover
-- answers the same for arrays of points; a test proves the two equal.
-- Called by: layers.records (sites, findings, fences), layers.collections.editing, grid.areas.history,
-- grid.responsibility, grid.change_sets, and the policies of sites and places (wangge_may_write).

-- The value of a double precision number without rounding (a cast would keep 15 digits).
CREATE OR REPLACE FUNCTION exact_numeric(value double precision) RETURNS numeric
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    total numeric := 0;
    unit numeric := 1;
    whole double precision;
BEGIN
    LOOP
        whole := trunc(value);
        total := total + whole::bigint * unit;
        value := value - whole;
        EXIT WHEN value = 0;
        value := value * 1073741824;                       -- 2^30: exact
        unit := unit * 0.000000000931322574615478515625;   -- 2^-30: exact
    END LOOP;
    RETURN total;
END $$;

-- 1 for a point west of an upward edge (y1 <= y2) whose y range holds it, 0 for one on it, -1 for one east of
-- it.
CREATE OR REPLACE FUNCTION side_of_edge(
    x double precision, y double precision,
    x1 double precision, y1 double precision, x2 double precision, y2 double precision
) RETURNS integer LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    far double precision := 0;
    near double precision := 0;
BEGIN
    IF x < x1 AND x < x2 THEN RETURN 1; END IF;
    IF x > x1 AND x > x2 THEN RETURN -1; END IF;
    IF least(abs(x1 - x), abs(y2 - y), abs(x2 - x), abs(y1 - y)) > 1e-100 THEN  -- smaller ones could underflow
        far := (x1 - x) * (y2 - y);
        near := (x2 - x) * (y1 - y);
    END IF;
    IF abs(far - near) > 1e-15 * (abs(far) + abs(near)) THEN RETURN sign(far - near)::integer; END IF;
    RETURN sign((exact_numeric(x1) - exact_numeric(x)) * (exact_numeric(y2) - exact_numeric(y))
              - (exact_numeric(x2) - exact_numeric(x)) * (exact_numeric(y1) - exact_numeric(y)))::integer;
END $$;

-- 2 when an area owns a point by its half-open edges, 1 when the point only lies on an edge of it, else 0;
-- exact.
CREATE OR REPLACE FUNCTION exact_ownership(shape geometry, place geometry) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    WITH edges AS MATERIALIZED (
        SELECT side_of_edge(ST_X(place), ST_Y(place), x1, y1, x2, y2) AS side,
               y1 <= ST_Y(place) AND ST_Y(place) < y2 AS crosses
        FROM ST_DumpSegments(shape) AS part,
             LATERAL (SELECT ST_X(a) AS ax, ST_Y(a) AS ay, ST_X(b) AS bx, ST_Y(b) AS by
                      FROM (SELECT ST_StartPoint(part.geom) AS a, ST_EndPoint(part.geom) AS b) ends) edge,
             LATERAL (SELECT CASE WHEN ay <= by THEN ax ELSE bx END AS x1, least(ay, by) AS y1,
                             CASE WHEN ay <= by THEN bx ELSE ax END AS x2, greatest(ay, by) AS y2) upward
        WHERE ST_Y(place) BETWEEN y1 AND y2
    )
    SELECT CASE WHEN count(*) FILTER (WHERE crosses AND side > 0) % 2 = 1 THEN 2
                WHEN bool_or(side = 0) THEN 1
                ELSE 0 END
    FROM edges
$$;

-- The same, by the polygon predicates of PostGIS where the edge is so far that their rounding cannot matter.
CREATE OR REPLACE FUNCTION ownership(shape geometry, place geometry) RETURNS integer
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE WHEN ST_DWithin(ST_Boundary(shape), place, 1e-9) THEN exact_ownership(shape, place)
                WHEN ST_Intersects(shape, place) THEN 2
                ELSE 0 END
$$;

-- Id of the area that owns a point at a moment: of the first of these kinds (the smallest first) that has
-- one.
CREATE OR REPLACE FUNCTION owning_area(
    place geometry,
    kinds text[] DEFAULT '{community,town,county,city}',
    at timestamptz DEFAULT now()
) RETURNS bigint LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
    wanted text;
    found bigint;
BEGIN
    FOREACH wanted IN ARRAY kinds LOOP
        SELECT o.id INTO found
        FROM (SELECT a.id, a.code, ownership(a.geom, place) AS rule
              FROM areas a
              WHERE a.geom && ST_Expand(place, 1e-9) AND a.kind = wanted
                AND a.valid_from <= at AND (a.valid_to IS NULL OR a.valid_to > at)) o
        WHERE o.rule > 0 ORDER BY o.rule DESC, o.code, o.id LIMIT 1;
        IF found IS NOT NULL THEN RETURN found; END IF;
    END LOOP;
    RETURN NULL;
END $$;
