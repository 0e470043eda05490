-- Names of places: how names and addresses are written for comparison, and their grams.
-- Called by: grid/gazetteer (refresh, search).

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
