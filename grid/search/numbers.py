"""Search of cases and alerts by number, and of vehicles by plate."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.search.hits import MOST_COUNTED, MOST_LOOKED_AT, Group, group_of_rows, grouped
from grid.search.matching import grams, plain_code
from grid.search.names import LAST
from layers.city import city_in_force
from layers.postgres import Scope

SHORTEST = 3
"""Characters of a plate or number that are searched."""
_NUMBER = re.compile(r"[0-9A-Za-z\u3400-\u9fff/_.-]{3,64}")
_ALERT = re.compile(r"(?:#|预警号?|alert)?\s*[:：]?\s*(\d{1,12})", re.IGNORECASE)


def find_cases(db: Session, written: str, scope: Scope, limit: int) -> Group:
    """Return cases whose number begins or ends so, the newest first."""
    code = plain_code(written)
    if not _NUMBER.fullmatch(written) or not any(c.isdigit() for c in code) or len(code) < SHORTEST:
        return grouped("cases", [], 0)
    start = written.upper()
    prefix = city_in_force().case_prefix if code[0].isdigit() else ""
    values = {"start": prefix + start, "end": prefix + start + LAST, "code": code[-8:], "whole": code}
    narrow, more = _narrow(scope)
    ends = f"UNION ALL ({_ENDS.format(narrow=narrow)})" if re.fullmatch("[0-9A-Z]+", code) else ""
    statement = _CASES.format(narrow=narrow, ends=ends)
    return group_of_rows(
        "cases", db.execute(text(statement), values | more | {"limit": limit}).mappings().all()
    )


def find_alert(db: Session, written: str) -> Group:
    """Return the alert of a number."""
    match = _ALERT.fullmatch(written)
    if match is None:
        return grouped("alerts", [], 0)
    return group_of_rows("alerts", db.execute(_ALERTS, {"id": int(match[1])}).mappings().all())


def find_vehicles(db: Session, written: str, scope: Scope, limit: int) -> Group:
    """Return vehicles whose plate holds or whose number begins with a text of three characters or more.

    Who does not see the whole city finds those with a track or a stay in the own areas.
    """
    code = plain_code(written)
    if not SHORTEST <= len(code) <= 20 or not re.search("[0-9A-Z]", code):
        return grouped("vehicles", [], 0)
    values = {"keys": list(grams(code, SHORTEST)), "code": code, "start": written, "end": written + LAST}
    statement = _VEHICLES.format(seen="true" if scope.city_wide else _SEEN)
    return group_of_rows("vehicles", db.execute(text(statement), values | {"limit": limit}).mappings().all())


def _narrow(scope: Scope) -> tuple[str, dict[str, Any]]:
    """Return a condition that every row of the scope fulfils, in a form that indexes answer."""
    if scope.city_wide:
        return "", {}
    arms, values = ["area_id = ANY (CAST(:areas AS bigint[]))"], {"areas": list(scope.area_ids)}
    if scope.body_id is not None:
        arms.append("party_ids && CAST(:bodies AS bigint[])")
        values["bodies"] = [scope.body_id]
    return f"AND ({' OR '.join(arms)})", values


_ENDS = (
    "SELECT id, 1 AS rank FROM cases WHERE number_ends(number) @> ARRAY[CAST(:code AS text)]"
    " AND right(plain_code(number), length(:whole)) = :whole {narrow}"
    f" ORDER BY id DESC LIMIT {MOST_LOOKED_AT}"
)
_CASES = f"""
SELECT 'case' AS kind, f.number AS key, f.title, f.title_en, 'number' AS matched_by, f.id, f.state, f.n_found,
       ST_X(f.geom) AS lon, ST_Y(f.geom) AS lat
FROM (
    SELECT c.number, c.title, c.id, c.state, c.geom, count(*) OVER () AS n_found, u.rank, c.opened_at,
           (SELECT k.name_en FROM alerts a JOIN alert_kinds k USING (kind) WHERE a.id = c.alert_id) AS title_en
    FROM (SELECT id, min(rank) AS rank FROM (
            (SELECT id, 0 AS rank FROM cases WHERE number ~>=~ :start AND number ~<~ :end {{narrow}}
             ORDER BY number USING ~>~ LIMIT {MOST_COUNTED + 1}) {{ends}}) b GROUP BY id) u
    JOIN cases c USING (id)
    ORDER BY u.rank, c.opened_at DESC, c.id DESC LIMIT {MOST_COUNTED + 1}) f
ORDER BY f.rank, f.opened_at DESC, f.id DESC LIMIT :limit
"""
_ALERTS = text("""
SELECT 'alert' AS kind, CAST(a.id AS text) AS key, k.name_zh AS title, k.name_en AS title_en, 'number' AS matched_by,
       a.id, a.status AS state, 1 AS n_found, ST_X(a.geom) AS lon, ST_Y(a.geom) AS lat,
       array_remove(ARRAY[(SELECT s.enterprise_name FROM sites s WHERE s.id = a.site_id)], NULL) AS within
FROM alerts a JOIN alert_kinds k USING (kind) WHERE a.id = :id
""")
_SEEN = """(EXISTS (SELECT FROM tracks t WHERE t.vehicle_id = v.id)
        OR EXISTS (SELECT FROM stays s WHERE s.vehicle_id = v.id))"""
_VEHICLES = f"""
SELECT 'vehicle' AS kind, f.vehicle_id AS key, COALESCE(f.plate, f.vehicle_id) AS title, f.how AS matched_by, f.id,
       f.kind AS state, count(*) OVER () AS n_found
FROM (
    SELECT v.*, u.how FROM (SELECT DISTINCT ON (id) id, how FROM (
        (SELECT id, 'plate' AS how FROM vehicles WHERE plate_keys(plate) @> CAST(:keys AS text[])
            AND strpos(plain_code(plate), :code) > 0 LIMIT {MOST_LOOKED_AT})
        UNION ALL
        (SELECT id, 'vehicle_id' FROM vehicles WHERE vehicle_id ~>=~ :start AND vehicle_id ~<~ :end
         ORDER BY vehicle_id USING ~<~ LIMIT {MOST_LOOKED_AT})) b ORDER BY id, how) u
    JOIN vehicles v USING (id) WHERE {{seen}}
    ORDER BY length(v.plate), v.plate, v.vehicle_id LIMIT {MOST_COUNTED + 1}) f
ORDER BY length(f.plate), f.plate, f.vehicle_id LIMIT :limit
"""
