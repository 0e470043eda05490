-- Registers of bodies, officers and matters: one key for all versions, and the body of a name.
-- Called by: triggers of bodies and officers; grid/registers and grid/cases (body_named).

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
