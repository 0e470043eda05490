-- Enterprises and their sites: sites show name, hazard and status of their enterprise, a copy that the
-- database keeps right.
-- Called by: triggers of the tables sites and enterprises. Read by the tiles of sites.

CREATE OR REPLACE FUNCTION copy_enterprise() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    -- FOR SHARE: a change of the enterprise either is seen here, or waits and then finds this site.
    SELECT name, e.hazard, e.status INTO NEW.enterprise_name, NEW.hazard, NEW.status
    FROM enterprises e WHERE e.id = NEW.enterprise_id FOR SHARE;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER sites_enterprise
    BEFORE INSERT OR UPDATE OF enterprise_id, enterprise_name, hazard, status ON sites
    FOR EACH ROW EXECUTE FUNCTION copy_enterprise();

CREATE OR REPLACE FUNCTION copy_to_sites() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE sites s SET enterprise_name = n.name, hazard = n.hazard, status = n.status
    FROM new_rows n WHERE n.id = s.enterprise_id
        AND (s.enterprise_name, s.hazard, s.status) IS DISTINCT FROM (n.name, n.hazard, n.status);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER enterprises_copied AFTER UPDATE ON enterprises REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION copy_to_sites();
