-- The log of changes: what each transaction touched, in the order of the commits. A statement notes the tiles
-- of zoom 12 that its rows lie in; at the commit the note gets its number and is sent, to every listener and
-- to the connection itself.
-- Called by: the triggers of the layers, below and in the files of their subjects. Read by
-- layers/postgres/changes.py. Keys are 'scope|tile'; the scope is what the policy of the layer compares: an
-- area, an area;domain, two areas, @ and a body, or nothing.

-- More than 256 keys: 'scope|', the whole layer of those scopes; more than 256 scopes: null. Null
-- (everything) stays null.
CREATE OR REPLACE FUNCTION few_keys(keys text[]) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
    found text[] := ARRAY(SELECT DISTINCT key FROM unnest(keys) key);
BEGIN
    IF cardinality(found) <= 256 AND pg_column_size(found) <= 7000 THEN
        RETURN found;
    END IF;
    found := ARRAY(SELECT DISTINCT split_part(key, '|', 1) || '|' FROM unnest(keys) key);
    RETURN CASE WHEN cardinality(found) <= 256 AND pg_column_size(found) <= 7000 THEN found END;
END $$;

-- The rows that a statement touched, for those who follow a layer row by row. Null: any row of the layer.
CREATE OR REPLACE FUNCTION note_rows(changed text, rows_scope text, ids bigint[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO row_changes (transaction, layer, scope, row_ids, at)
    VALUES (pg_current_xact_id()::text::bigint, changed, rows_scope, ids, clock_timestamp())
$$;
REVOKE EXECUTE ON FUNCTION note_rows FROM PUBLIC;

-- Changes of rows in the caller's scope, in the order of the commits, after a change and a row of row_changes. Called by
-- layers/collections/row_changes.py. A scope is compared as in layers/postgres/changes.py.
CREATE OR REPLACE FUNCTION row_changes_after(changed text, after_change bigint, after_id bigint, most integer)
    RETURNS TABLE (change_id bigint, id bigint, row_ids bigint[], at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT r.change_id, r.id, r.row_ids, r.at
    FROM row_changes r,
        LATERAL (SELECT split_part(r.scope, ';', 1) AS places, NULLIF(split_part(r.scope, ';', 2), '') AS domain) s
    WHERE r.layer = changed AND (r.change_id, r.id) > (after_change, after_id) AND CASE
        WHEN r.scope = '' THEN true
        WHEN r.scope LIKE '@%' THEN substr(r.scope, 2) = current_setting('wangge.body_id', true)
        ELSE (current_setting('wangge.city_wide', true) = 'on'
              OR string_to_array(s.places, ',') <@ string_to_array(current_setting('wangge.areas', true), ','))
            AND (r.scope NOT LIKE '%;%' OR COALESCE(current_setting('wangge.domains', true), '') = ''
                 OR s.domain = ANY (string_to_array(current_setting('wangge.domains', true), ',')))
        END
    ORDER BY r.change_id, r.id LIMIT most
$$;
REVOKE EXECUTE ON FUNCTION row_changes_after FROM PUBLIC;
GRANT EXECUTE ON FUNCTION row_changes_after TO wangge_reader;

-- Number of the newest committed change; 0 without any.
CREATE OR REPLACE FUNCTION newest_change() RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT COALESCE(max(id), 0) FROM layer_changes WHERE transaction IS NULL
$$;
REVOKE EXECUTE ON FUNCTION newest_change FROM PUBLIC;
GRANT EXECUTE ON FUNCTION newest_change TO wangge_reader;

-- Null: the whole layer. Runs as the owner, since callers write neither this table nor read it.
CREATE OR REPLACE FUNCTION note_change(changed text, keys text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    here constant bigint := pg_current_xact_id()::text::bigint;
    known text[];
    fresh text[];
BEGIN
    IF keys = '{}' THEN
        RETURN;
    END IF;
    IF keys IS NULL THEN
        PERFORM note_rows(changed, '', NULL);
    END IF;
    SELECT touched INTO known FROM layer_changes WHERE transaction = here AND layer = changed;
    IF NOT FOUND THEN
        INSERT INTO layer_changes (transaction, layer, touched, at)
            VALUES (here, changed, few_keys(keys), clock_timestamp());
    ELSIF keys IS NULL OR NOT known @> keys THEN
        fresh := ARRAY(SELECT key FROM unnest(keys) key
                       WHERE key <> ALL (known) AND split_part(key, '|', 1) || '|' <> ALL (known));
        IF keys IS NULL OR fresh <> '{}' THEN
            UPDATE layer_changes SET touched = CASE WHEN keys IS NOT NULL THEN few_keys(known || fresh) END
                WHERE transaction = here AND layer = changed;
        END IF;
    END IF;
END $$;
REVOKE EXECUTE ON FUNCTION note_change FROM PUBLIC;

-- At the commit. The lock makes the order of the numbers the order of the commits: who has seen one misses
-- none before.
CREATE OR REPLACE FUNCTION tell_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    place bigint;
    keys text[];
    said text;
BEGIN
    PERFORM pg_advisory_xact_lock(5317621);
    UPDATE layer_changes SET id = nextval(pg_get_serial_sequence('layer_changes', 'id')), transaction = NULL,
            at = clock_timestamp()
        WHERE id = NEW.id RETURNING id, touched INTO place, keys;
    UPDATE row_changes SET change_id = place, transaction = NULL, at = clock_timestamp()
        WHERE transaction = NEW.transaction AND layer = NEW.layer;
    said := json_build_object('id', place, 'layer', NEW.layer, 'touched', keys);
    IF octet_length(said) > 7900 THEN
        said := json_build_object('id', place, 'layer', NEW.layer, 'touched', NULL);
    END IF;
    PERFORM pg_notify('wangge_changes', said);
    IF current_setting('wangge.tell', true) = 'on' THEN
        RAISE NOTICE USING MESSAGE = said, ERRCODE = 'WG001';
    END IF;
    IF random() < 0.002 THEN
        DELETE FROM layer_changes WHERE id <= place - 20000 AND transaction IS NULL;
        DELETE FROM row_changes WHERE at < now() - interval '31 days';
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS layer_changes_told ON layer_changes;
CREATE CONSTRAINT TRIGGER layer_changes_told AFTER INSERT ON layer_changes
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tell_change();

-- Columns and rows of the tiles of zoom 12 that a box of EPSG:3857 meets, with the margin that tiles have.
CREATE OR REPLACE FUNCTION first_tile(metres double precision) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT LEAST(GREATEST(floor((metres + 20037508.342789244) / 9783.939620502561 - 1 / 64.0), 0), 4095)::integer
$$;
CREATE OR REPLACE FUNCTION last_tile(metres double precision) RETURNS integer LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT LEAST(GREATEST(floor((metres + 20037508.342789244) / 9783.939620502561 + 1 / 64.0), 0), 4095)::integer
$$;
-- Keys of a small shape: the files of subjects use it where rows of one table are shown by another layer.
CREATE OR REPLACE FUNCTION keys_of(scope text, shape geometry) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    SELECT scope || '|' || (x * 4096 + y)
    FROM generate_series(first_tile(ST_XMin(shape)), last_tile(ST_XMax(shape))) x,
         generate_series(first_tile(-ST_YMax(shape)), last_tile(-ST_YMin(shape))) y
$$;

-- Scope of an alert: its area and the domain of its kind, as in its policy.
CREATE OR REPLACE FUNCTION alert_scope(area_id bigint, kind text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT COALESCE($1, 0) || ';' || COALESCE((SELECT k.domain FROM alert_kinds k WHERE k.kind = $2), '')
$$;

-- The layers that are watched: a function note_<layer> and its triggers for each, which differ only in the
-- scope and the box (EPSG:3857; null: always the whole layer) of a row. A trigger function of its own keeps
-- the plan of its query.
DO $do$
DECLARE
    watched record;
    keys text;
    ids text;
BEGIN
    FOR watched IN SELECT * FROM (VALUES
        ('areas', $$''$$, 'geom_3857'),
        ('sites', $$''$$, 'geom_3857'),
        ('fences', $$''$$, 'geom_3857'),
        ('roads', $$''$$, 'geom_3857'),
        ('waterways', $$''$$, 'geom_3857'),
        ('buildings', $$''$$, 'geom_3857'),
        ('places', $$''$$, 'ST_Transform(ST_SetSRID(ST_MakePoint(ST_X(geom),'
                           ' LEAST(GREATEST(ST_Y(geom), -85.05), 85.05)), 4326), 3857)'),
        -- A newer run hides the older one everywhere.
        ('hot_spots', $$''$$, NULL),
        ('emerging_hot_spots', $$''$$, NULL),
        ('stays', 'COALESCE(area_id, 0)', 'geom_3857'),
        ('visits', 'COALESCE(area_id, 0)', 'geom_3857'),
        ('tracks', $$COALESCE(area_id, 0) || ',' || COALESCE(to_area_id, 0)$$, 'geom_3857'),
        ('fence_events', 'COALESCE(area_id, 0)', 'geom_3857'),
        ('silences', 'COALESCE(area_id, 0)', 'geom_3857'),
        ('encounters', 'COALESCE(area_id, 0)', 'geom_3857'),
        -- A case is seen by area and domain, and by each of its parties.
        ('cases', $$unnest(ARRAY[COALESCE(area_id, 0) || ';' || domain] || ARRAY(SELECT '@' || p FROM unnest(party_ids) p))$$,
         'geom_3857'),
        ('alerts', $$alert_scope(area_id, kind)$$, 'geom_3857')
    ) AS layers (name, scope, box) LOOP
        IF watched.box IS NULL THEN
            keys := format('SELECT DISTINCT %s || ''|'' FROM (%%s) r', watched.scope);
        ELSE
            keys := format($keys$
                SELECT b.scope || '|' || COALESCE((x * 4096 + y)::text, '')
                FROM (SELECT DISTINCT %1$s AS scope, first_tile(ST_XMin(%2$s)) AS x0, last_tile(ST_XMax(%2$s)) AS x1,
                             first_tile(-ST_YMax(%2$s)) AS y0, last_tile(-ST_YMin(%2$s)) AS y1 FROM (%%s) r) b
                LEFT JOIN LATERAL (SELECT x, y FROM generate_series(x0, x1) x, generate_series(y0, y1) y
                                   WHERE (x1 - x0 + 1) * (y1 - y0 + 1) <= 256) c ON true$keys$, watched.scope, watched.box);
        END IF;
        -- Beyond 1000 rows of a scope any row of it may have changed; beyond 256 scopes, any row of the layer.
        ids := CASE WHEN watched.box IS NULL
            THEN format($ids$PERFORM note_rows(%L, '', NULL) FROM (%%s) r HAVING count(*) > 0$ids$, watched.name)
            ELSE format($ids$PERFORM note_rows(%L, CASE WHEN scopes <= 256 THEN scope ELSE '' END, CASE WHEN scopes <= 256 THEN ids END)
                FROM (SELECT scope, CASE WHEN count(*) <= 1000 THEN array_agg(id) END AS ids, count(*) OVER () AS scopes,
                             row_number() OVER () AS place
                      FROM (SELECT DISTINCT (%s)::text AS scope, id FROM (%%s) r) s GROUP BY scope) g
                WHERE scopes <= 256 OR place = 1$ids$, watched.name, watched.scope) END;
        EXECUTE format($make$
            CREATE OR REPLACE FUNCTION %1$I() RETURNS trigger
                LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $trigger$
            DECLARE
                keys text[];
            BEGIN
                IF TG_OP = 'INSERT' THEN
                    keys := ARRAY(%2$s);
                    %10$s;
                ELSIF TG_OP = 'DELETE' THEN
                    keys := ARRAY(%3$s);
                    %11$s;
                ELSIF TG_OP = 'UPDATE' THEN
                    keys := ARRAY(%4$s);
                    %12$s;
                END IF;
                PERFORM note_change(%5$L, keys);
                RETURN NULL;
            END $trigger$;
            REVOKE EXECUTE ON FUNCTION %1$I() FROM PUBLIC;
            CREATE OR REPLACE TRIGGER %6$I AFTER INSERT ON %5$I REFERENCING NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
            CREATE OR REPLACE TRIGGER %7$I AFTER UPDATE ON %5$I REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
            CREATE OR REPLACE TRIGGER %8$I AFTER DELETE ON %5$I REFERENCING OLD TABLE AS old_rows
                FOR EACH STATEMENT EXECUTE FUNCTION %1$I();
            CREATE OR REPLACE TRIGGER %9$I AFTER TRUNCATE ON %5$I
                FOR EACH STATEMENT EXECUTE FUNCTION %1$I()$make$,
            'note_' || watched.name,
            format(keys, 'SELECT * FROM new_rows'),
            format(keys, 'SELECT * FROM old_rows'),
            format(keys, 'SELECT * FROM old_rows UNION ALL SELECT * FROM new_rows'),
            watched.name, watched.name || '_inserted', watched.name || '_updated', watched.name || '_deleted',
            watched.name || '_emptied',
            format(ids, 'SELECT * FROM new_rows'),
            format(ids, 'SELECT * FROM old_rows'),
            format(ids, 'SELECT * FROM old_rows UNION ALL SELECT * FROM new_rows'));
    END LOOP;
END $do$;

-- Names that many rows show (of areas, vehicles, fences): the whole layers, where a name changed. The layers
-- are the arguments.
CREATE OR REPLACE FUNCTION note_names() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    layer text;
    same boolean;
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'areas' THEN
        same := NOT EXISTS (SELECT id, code, name FROM new_rows EXCEPT SELECT id, code, name FROM old_rows);
    WHEN 'vehicles' THEN
        same := NOT EXISTS (SELECT id, vehicle_id FROM new_rows EXCEPT SELECT id, vehicle_id FROM old_rows);
    WHEN 'fences' THEN
        same := NOT EXISTS (SELECT id, fence_id, name, rule FROM new_rows EXCEPT SELECT id, fence_id, name, rule FROM old_rows);
    END CASE;
    IF NOT same THEN
        FOREACH layer IN ARRAY TG_ARGV LOOP
            PERFORM note_change(layer, NULL);
        END LOOP;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER areas_renamed AFTER UPDATE ON areas REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_names('cases');
CREATE OR REPLACE TRIGGER vehicles_renamed AFTER UPDATE ON vehicles REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_names('stays', 'visits', 'silences', 'encounters', 'fence_events', 'tracks');
CREATE OR REPLACE TRIGGER fences_renamed AFTER UPDATE ON fences REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_names('fence_events', 'alerts');

-- Another domain of a kind of alerts: other callers see them.
CREATE OR REPLACE FUNCTION note_alert_kinds() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM note_change('alerts', NULL);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER alert_kinds_updated AFTER UPDATE OF domain ON alert_kinds
    FOR EACH STATEMENT EXECUTE FUNCTION note_alert_kinds();

-- Names of enterprises and sites that other layers show: rows of those are told. Beyond 1000: the whole
-- layers.
CREATE OR REPLACE FUNCTION note_enterprise_names() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ids constant bigint[] := ARRAY(SELECT id FROM (SELECT * FROM new_rows EXCEPT SELECT * FROM old_rows) r LIMIT 1001);
BEGIN
    IF cardinality(ids) > 1000 THEN
        PERFORM note_change('sites', NULL), note_change('alerts', NULL);
    ELSE
        PERFORM note_change('sites', ARRAY(
            SELECT DISTINCT keys_of('', geom_3857) FROM sites WHERE enterprise_id = ANY (ids)));
        PERFORM note_rows('sites', '', array_agg(id)) FROM sites WHERE enterprise_id = ANY (ids) HAVING count(*) > 0;
        PERFORM note_rows('alerts', alert_scope(a.area_id, a.kind), array_agg(a.id))
            FROM alerts a JOIN sites s ON s.id = a.site_id WHERE s.enterprise_id = ANY (ids) GROUP BY a.area_id, a.kind;
        PERFORM note_change('alerts', ARRAY(
            SELECT DISTINCT keys_of(alert_scope(a.area_id, a.kind), a.geom_3857)
            FROM alerts a JOIN sites s ON s.id = a.site_id WHERE s.enterprise_id = ANY (ids)));
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER enterprises_updated AFTER UPDATE ON enterprises REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_enterprise_names();

CREATE OR REPLACE FUNCTION note_site_names() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    ids constant bigint[] := ARRAY(
        SELECT n.id FROM new_rows n LEFT JOIN old_rows o ON o.id = n.id
        WHERE (n.site_id, n.enterprise_id) IS DISTINCT FROM (o.site_id, o.enterprise_id) LIMIT 1001);
BEGIN
    IF cardinality(ids) > 1000 THEN
        PERFORM note_change('visits', NULL), note_change('silences', NULL), note_change('alerts', NULL);
    ELSIF ids <> '{}' THEN
        PERFORM note_change('visits', ARRAY(
            SELECT DISTINCT keys_of(COALESCE(area_id, 0)::text, geom_3857) FROM visits WHERE site_id = ANY (ids)));
        PERFORM note_change('silences', ARRAY(
            SELECT DISTINCT keys_of(COALESCE(area_id, 0)::text, geom_3857) FROM silences WHERE site_id = ANY (ids)));
        PERFORM note_change('alerts', ARRAY(
            SELECT DISTINCT keys_of(alert_scope(area_id, kind), geom_3857) FROM alerts WHERE site_id = ANY (ids)));
        PERFORM note_rows('silences', COALESCE(area_id, 0)::text, array_agg(id))
            FROM silences WHERE site_id = ANY (ids) GROUP BY area_id;
        PERFORM note_rows('visits', COALESCE(area_id, 0)::text, array_agg(id))
            FROM visits WHERE site_id = ANY (ids) GROUP BY area_id;
        PERFORM note_rows('alerts', alert_scope(area_id, kind), array_agg(id))
            FROM alerts WHERE site_id = ANY (ids) GROUP BY area_id, kind;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sites_renamed AFTER UPDATE ON sites REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION note_site_names();
