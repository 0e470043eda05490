-- Names of places: how names and addresses are written for comparison, their grams, and keys of the search.
-- Called by: grid/gazetteer (refresh, search); grid/search and the indexes that it uses; layers/records/enterprises.py (the area of a site without place).

-- Lower case, compatible forms made one, no punctuation; no blank beside a Chinese character.
CREATE OR REPLACE FUNCTION place_text(written text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT btrim(regexp_replace(regexp_replace(lower(normalize(written, NFKC)),
        '[^0-9a-z\u00df-\u024f\u3400-\u9fff]+', ' ', 'g'),
        '(?<=[\u3400-\u9fff]) | (?=[\u3400-\u9fff])', '', 'g'))
$$;

-- Grams of a text of place_text: of a word with Chinese characters every two characters that follow each other, of
-- another word every three, with two blanks before it and one behind (as pg_trgm does).
CREATE OR REPLACE FUNCTION place_grams(normal text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT COALESCE(array_agg(DISTINCT g.gram), '{}') FROM (
        SELECT CASE WHEN word ~ '[\u3400-\u9fff]' THEN word ELSE '  ' || word || ' ' END AS padded,
               CASE WHEN word ~ '[\u3400-\u9fff]' THEN 2 ELSE 3 END AS size
        FROM regexp_split_to_table(normal, ' ') AS word WHERE word <> '') w,
        LATERAL (SELECT substr(w.padded, i, w.size) AS gram
                 FROM generate_series(1, greatest(length(w.padded) - w.size + 1, 1)) AS i) g
$$;
GRANT EXECUTE ON FUNCTION place_text(text), place_grams(text) TO wangge_reader;

-- Reading of a text in pinyin without tones, one word a syllable: by phrases of up to four characters, then by
-- characters; what is not Chinese stays. Changing its results needs REINDEX of the indexes on name_keys.
CREATE OR REPLACE FUNCTION pinyin_of(written text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 10000
SET search_path = public, pg_temp AS $$
DECLARE
    normal text := place_text(written);
    n int := length(normal);
    known jsonb;
    part text;
    read_as text;
    said text := '';
    i int := 1;
BEGIN
    IF normal !~ '[\u3400-\u9fff]' THEN
        RETURN normal;
    END IF;
    SELECT jsonb_object_agg(r.written, r.reading) INTO known FROM pinyin_readings r
    WHERE r.written = ANY (ARRAY(SELECT substr(normal, first, size) FROM generate_series(1, n) AS first,
                                        generate_series(1, 4) AS size));
    WHILE i <= n LOOP
        FOR size IN REVERSE 4..1 LOOP
            part := substr(normal, i, size);
            read_as := CASE WHEN length(part) = size THEN known ->> part END;
            EXIT WHEN read_as IS NOT NULL;
        END LOOP;
        IF read_as IS NULL THEN
            said := said || part;
            i := i + 1;
        ELSE
            said := said || ' ' || read_as || ' ';
            i := i + length(part);
        END IF;
    END LOOP;
    RETURN btrim(regexp_replace(said, ' +', ' ', 'g'));
END $$;

-- Keys by which a name is searched: its grams; its first one and two characters after ^; every four letters of its
-- pinyin after p, and every three of its initials after i (both with ^ for the beginning).
CREATE OR REPLACE FUNCTION name_keys(written text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 20000
SET search_path = public, pg_temp AS $$
DECLARE
    normal text := place_text(written);
    syllables text;
    pinyin text;
    initials text;
    keys text[] := place_grams(normal) || ('^' || left(normal, 1)) || ('^' || left(normal, 2));
BEGIN
    IF normal !~ '[\u3400-\u9fff]' THEN
        RETURN keys;
    END IF;
    syllables := pinyin_of(written);
    pinyin := '^' || replace(syllables, ' ', '');
    initials := '^' || regexp_replace(syllables, '(\S)\S* ?', '\1', 'g');
    RETURN keys || ARRAY(SELECT DISTINCT 'p' || substr(pinyin, i, 4) FROM generate_series(1, length(pinyin) - 3) AS i)
        || ARRAY(SELECT DISTINCT 'i' || substr(initials, i, 3) FROM generate_series(1, length(initials) - 2) AS i);
END $$;

-- Letters, digits and Chinese characters of a number or plate, in capitals.
CREATE OR REPLACE FUNCTION plain_code(written text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT regexp_replace(upper(written), '[^0-9A-Z\u3400-\u9fff]', '', 'g')
$$;
-- Every three characters of a plate that follow each other.
CREATE OR REPLACE FUNCTION plate_keys(plate text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = public, pg_temp AS $$
DECLARE plain text := plain_code(plate);
BEGIN
    RETURN ARRAY(SELECT DISTINCT substr(plain, i, 3) FROM generate_series(1, length(plain) - 2) AS i);
END $$;
-- The last three to eight characters of a number.
CREATE OR REPLACE FUNCTION number_ends(number text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = public, pg_temp AS $$
DECLARE plain text := plain_code(number);
BEGIN
    RETURN ARRAY(SELECT right(plain, n) FROM generate_series(3, 8) AS n);
END $$;
GRANT EXECUTE ON FUNCTION pinyin_of(text), name_keys(text), plain_code(text), plate_keys(text), number_ends(text) TO wangge_reader;

-- They cut their argument to pieces and tell nothing of it; without this the planner may not use their indexes under a
-- policy.
DO $$
BEGIN
    ALTER FUNCTION plate_keys(text) LEAKPROOF;
    ALTER FUNCTION number_ends(text) LEAKPROOF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'plates and ends of case numbers are searched row by row';
END $$;

-- Id of the town, else the county, of today that an address names; null when it names none, or several. A name inside
-- another one that is named does not count, nor does a town of another county than the named one.
CREATE OR REPLACE FUNCTION area_named_in(address text) RETURNS bigint LANGUAGE sql STABLE STRICT PARALLEL SAFE AS $$
    WITH named AS MATERIALIZED (
        SELECT a.id, a.kind, a.parent_id, n.normal FROM areas a CROSS JOIN LATERAL (SELECT place_text(a.name) AS normal) n
        WHERE a.kind IN ('county', 'town') AND holds_at(a.valid_from, a.valid_to) AND length(n.normal) > 1
            AND strpos((SELECT place_text(address)), n.normal) > 0
    ), counties AS (
        SELECT id FROM named WHERE kind = 'county'
    ), towns AS (
        SELECT t.id FROM named t WHERE t.kind = 'town'
            AND (NOT EXISTS (SELECT FROM counties) OR t.parent_id IN (SELECT id FROM counties))
            AND NOT EXISTS (SELECT FROM named o WHERE o.normal <> t.normal AND strpos(o.normal, t.normal) > 0)
    )
    SELECT CASE WHEN (SELECT count(*) FROM towns) = 1 THEN (SELECT id FROM towns)
                WHEN (SELECT count(*) FROM counties) = 1 THEN (SELECT id FROM counties) END
$$;
