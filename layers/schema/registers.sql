-- Registers: one key for all versions, and the body of a name.
-- Called by: triggers of bodies and officers; grid/registers and grid/cases (body_named, version_batches).

-- The sequences go with their tables.
ALTER SEQUENCE body_ids OWNED BY bodies.body_id;
ALTER SEQUENCE officer_ids OWNED BY officers.officer_id;

-- Versions of one code (of a certificate) are one body (one officer).
CREATE OR REPLACE FUNCTION number_body() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.body_id := COALESCE((SELECT b.body_id FROM bodies b WHERE b.code = NEW.code LIMIT 1), nextval('body_ids'));
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER bodies_numbered BEFORE INSERT ON bodies FOR EACH ROW EXECUTE FUNCTION number_body();

CREATE OR REPLACE FUNCTION number_officer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.officer_id := COALESCE((SELECT o.officer_id FROM officers o WHERE o.certificate_no = NEW.certificate_no LIMIT 1),
                               nextval('officer_ids'));
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER officers_numbered BEFORE INSERT ON officers FOR EACH ROW EXECUTE FUNCTION number_officer();

-- The body_id of a name, a short name or a former name on a day: a version in force goes before others, a full
-- name before a short one, a short one before a former one. NULL: not in the register.
CREATE OR REPLACE FUNCTION body_named(wanted text, day date DEFAULT CURRENT_DATE) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT b.body_id FROM bodies b
    WHERE wanted IN (b.name, b.short_name, b.code) OR wanted = ANY (b.former_names)
    ORDER BY (b.valid_from <= day AND (b.valid_to IS NULL OR b.valid_to > day)) DESC,
             (b.name = wanted) DESC, (b.short_name IS NOT DISTINCT FROM wanted) DESC, b.valid_from DESC, b.body_id
    LIMIT 1
$$;
GRANT EXECUTE ON FUNCTION body_named(text, date) TO wangge_reader;

-- The households of a version of a unit grid: the register's count in force on a day, when it begins on or after the day on
-- which this version began; else what the version was given (by a file of areas, or by land in a change set). Called by:
-- grid/change_sets (writing, balance), which write in the city's zone.
CREATE OR REPLACE FUNCTION households_of(grid areas, day date DEFAULT CURRENT_DATE) RETURNS float8 LANGUAGE sql STABLE AS $$
    SELECT COALESCE((
        SELECT h.households::float8 FROM grid_households h
        WHERE grid.kind = 'unit_grid' AND h.grid_code = grid.code AND h.valid_from <= day
            AND (h.valid_to IS NULL OR h.valid_to > day)
            AND (h.valid_from >= grid.valid_from::date OR grid.households IS NULL)), grid.households)
$$;
GRANT EXECUTE ON FUNCTION households_of(areas, date) TO wangge_reader;

-- The batches that wrote a version, in order, and the last day that each gave it: numbers and days, no value of the entry.
-- Who may read what of a batch, its policy says. Runs as the owner: callers read no history.
CREATE OR REPLACE FUNCTION version_batches(register text, wanted bigint[])
    RETURNS TABLE (id bigint, batch_id bigint, valid_to date)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF register NOT IN ('bodies', 'officers', 'matters', 'grid_workers', 'grid_households') THEN
        RAISE EXCEPTION 'no register %', register USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT w.id::bigint, w.batch_id::bigint, w.valid_to FROM (
             SELECT h.id, h.batch_id, h.valid_to, h.replaced_by FROM %I h WHERE h.id = ANY ($1)
             UNION ALL SELECT v.id, v.batch_id, v.valid_to, NULL FROM %I v WHERE v.id = ANY ($1)) w
         ORDER BY w.id, w.replaced_by NULLS LAST', register || '_history', register) USING wanted;
END $$;
REVOKE EXECUTE ON FUNCTION version_batches(text, bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION version_batches(text, bigint[]) TO wangge_reader;
