-- What tiles would else look up or check for every feature of every tile is kept in its row.

-- Sites show name, hazard and status of their enterprise: a copy that the database itself keeps right.
ALTER TABLE sites ADD COLUMN enterprise_name TEXT, ADD COLUMN hazard TEXT, ADD COLUMN status TEXT;

CREATE OR REPLACE FUNCTION copy_enterprise() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- FOR SHARE: a change of the enterprise either is seen here, or waits and then finds this site.
    SELECT name, e.hazard, e.status INTO NEW.enterprise_name, NEW.hazard, NEW.status
    FROM enterprises e WHERE e.id = NEW.enterprise_id FOR SHARE;
    RETURN NEW;
END $$;
CREATE TRIGGER sites_enterprise BEFORE INSERT OR UPDATE OF enterprise_id, enterprise_name, hazard, status ON sites
    FOR EACH ROW EXECUTE FUNCTION copy_enterprise();

CREATE OR REPLACE FUNCTION copy_to_sites() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE sites s SET enterprise_name = n.name, hazard = n.hazard, status = n.status
    FROM new_rows n WHERE n.id = s.enterprise_id
        AND (s.enterprise_name, s.hazard, s.status) IS DISTINCT FROM (n.name, n.hazard, n.status);
    RETURN NULL;
END $$;
CREATE TRIGGER enterprises_copied AFTER UPDATE ON enterprises REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION copy_to_sites();

ALTER TABLE sites DISABLE TRIGGER USER;
UPDATE sites s SET enterprise_name = e.name, hazard = e.hazard, status = e.status FROM enterprises e WHERE e.id = s.enterprise_id;
ALTER TABLE sites ENABLE TRIGGER USER;

-- Zooms (bits 0 to 14) at which the simplified area, on the grid of the tiles, is a valid polygon of some size: it needs no
-- repair where it is not cut. The same numbers as in layers.tiles; the grid of a zoom is the same in all its tiles.
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
ALTER TABLE areas ADD COLUMN tile_zooms INTEGER NOT NULL GENERATED ALWAYS AS (tile_zooms(ST_Transform(geom, 3857))) STORED;
