"""Search of areas and of companies with their sites: by parts of names, pinyin, initials and codes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.search.hits import MOST_COUNTED, MOST_LOOKED_AT, Group, group_of_rows, grouped
from grid.search.matching import name_matches, plain_code

_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{1,63}")
LAST = "\U0010ffff"
"""No character comes after it."""
_CHECKS = {
    "name": "(SELECT bool_and(strpos(place_text({name}), w) > 0) FROM unnest(CAST(:words AS text[])) AS w)",
    "pinyin": "strpos(replace(pinyin_of({name}), ' ', ''), :letters) > 0",
    "initials": r"strpos(regexp_replace(pinyin_of({name}), '(\S)\S* ?', '\1', 'g'), :letters) > 0",
}
"""Conditions on a name that has the keys: keys are parts, and a name may have them apart from each other."""

Arms = tuple[list[str], dict[str, Any]]


def find_areas(db: Session, written: str, group: str, kinds: Sequence[str], limit: int) -> Group:
    """Return areas of some kinds; former names only of those that people know by name."""
    arms, values = _name_arms(written, "areas", "kind = ANY (:kinds)")
    if _CODE.fullmatch(written) and written[0].isdigit():
        arms.append(
            _start_arm("areas", "code", "code", "AND kind = ANY (:kinds) AND holds_at(valid_from, valid_to)")
        )
        values |= _start_values("code", written)
    if not arms:
        return grouped(group, [], 0)
    statement = _AREAS.format(arms=" UNION ALL ".join(arms), checks=_checks("a.name", values))
    return _group(db, group, statement, values | {"kinds": list(kinds), "limit": limit})


def find_sites(db: Session, written: str, limit: int) -> Group:
    """Return sites: of companies by name or USCC, and by their own number."""
    named, values = _name_arms(written, "enterprises")
    code = plain_code(written)
    if re.fullmatch("[0-9A-Z]{4,18}", code) and any(c.isdigit() for c in code):
        named.append(_start_arm("enterprises", "uscc", "uscc"))
        values |= _start_values("uscc", code)
    arms = []
    if named:
        arms.append(_OF_ENTERPRISES.format(arms=" UNION ALL ".join(named)))
    if _CODE.fullmatch(written):
        for number, said in enumerate(dict.fromkeys((written, written.upper()))):
            arms.append(f"({_start_arm('sites', 'site_id', f'site_id{number}', how='site_id')})")
            values |= _start_values(f"site_id{number}", said)
    if not arms:
        return grouped("companies", [], 0)
    statement = _SITES.format(arms=" UNION ALL ".join(arms), checks=_checks("e.name", values))
    return _group(db, "companies", statement, values | {"limit": limit})


def _name_arms(written: str, table: str, condition: str = "") -> Arms:
    """Return subqueries of ids with how and rank, and their values."""
    arms: list[str] = []
    values: dict[str, Any] = {}
    also = f"AND {condition}" if condition else ""
    for rank, (how, where, keys, words) in enumerate(_ways(written)):
        values |= {f"keys{rank}": list(keys)}
        values |= {"words": list(words)} if how == "name" else {"letters": words[0]}
        arms.append(
            f"(SELECT id, '{how}' AS how, {rank + 1} AS rank FROM {table}"
            f" WHERE name_keys(name) @> CAST(:keys{rank} AS text[]) {also} LIMIT {MOST_LOOKED_AT}) /* {where} */"
        )
    return arms, values


def _ways(written: str) -> Iterator[tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
    for match in name_matches(written):
        if match.begins:
            yield match.how, "begins", match.begins, match.words
        if match.holds:
            yield match.how, "holds", match.holds, match.words


def _start_arm(table: str, column: str, name: str, also: str = "", how: str = "") -> str:
    """Return a subquery of rows whose column begins with a value; the operators are leakproof, LIKE is not."""
    return (
        f"(SELECT id, '{how or name}' AS how, 0 AS rank FROM {table}"
        f" WHERE {column} ~>=~ :{name} AND {column} ~<~ :{name}_end {also} LIMIT {MOST_LOOKED_AT})"
    )


def _start_values(name: str, start: str) -> dict[str, Any]:
    return {name: start, f"{name}_end": start + LAST}


def _checks(name: str, values: dict[str, Any]) -> str:
    given = {"name": "words" in values, "pinyin": "letters" in values, "initials": "letters" in values}
    whens = " ".join(
        f"WHEN b.how = '{how}' THEN {check.format(name=name)}" for how, check in _CHECKS.items() if given[how]
    )
    return f"CASE {whens} ELSE true END" if whens else "true"


def _group(db: Session, name: str, statement: str, values: dict[str, Any]) -> Group:
    rows = db.execute(text(statement), values).mappings().all()
    return group_of_rows(name, rows)


_WITHIN = """ARRAY(WITH RECURSIVE up AS (
        SELECT id, name, parent_id, kind, 0 AS step FROM areas WHERE id = {area}
        UNION ALL SELECT p.id, p.name, p.parent_id, p.kind, u.step + 1 FROM areas p JOIN up u ON p.id = u.parent_id)
    SELECT name FROM up WHERE kind <> 'city' ORDER BY step DESC)"""

_AREAS = (
    """
SELECT f.kind, f.code AS key, f.name AS title, CASE WHEN f.former THEN 'former_name' ELSE f.how END AS matched_by, f.id,
       f.former, f.n_found, ST_X(f.label_point) AS lon, ST_Y(f.label_point) AS lat,
       ARRAY[ST_XMin(f.geom), ST_YMin(f.geom), ST_XMax(f.geom), ST_YMax(f.geom)] AS bbox, """
    + _WITHIN.format(area="f.parent_id")
    + f""" AS within
FROM (
    SELECT b.*, count(*) OVER () AS n_found FROM (
        SELECT b.how, b.rank, a.id, a.kind, a.code, a.name, a.label_point, a.geom, a.parent_id,
               NOT holds_at(a.valid_from, a.valid_to) AS former,
               array_position(CAST(:kinds AS text[]), a.kind) AS place
        FROM (SELECT DISTINCT ON (id) id, how, rank FROM ({{arms}}) u ORDER BY id, rank) b JOIN areas a USING (id)
        WHERE holds_at(a.valid_from, a.valid_to) OR b.rank > 0 AND a.valid_to < now()
            AND a.kind IN ('city', 'county', 'town', 'community')
            AND NOT EXISTS (SELECT FROM areas c WHERE c.code = a.code AND c.kind = a.kind AND c.name = a.name
                            AND (holds_at(c.valid_from, c.valid_to) OR c.valid_from > a.valid_from))
        ORDER BY former, (b.rank + 1) / 2, place, length(a.name), a.code LIMIT {MOST_COUNTED + 1}) b
    JOIN LATERAL (SELECT b.name) a ON true
    WHERE {{checks}}
    ORDER BY b.former, (b.rank + 1) / 2, b.place, length(b.name), b.code LIMIT :limit) f
ORDER BY f.former, (f.rank + 1) / 2, f.place, length(f.name), f.code
"""
)
_OF_ENTERPRISES = (
    "(SELECT s.id, n.how, n.rank FROM (SELECT DISTINCT ON (u.id) u.id, u.how, u.rank, length(e.name) AS size FROM"
    " ({arms}) u JOIN enterprises e USING (id) ORDER BY u.id, u.rank) n JOIN sites s ON s.enterprise_id = n.id"
    f" ORDER BY n.rank, n.size LIMIT {MOST_LOOKED_AT})"
)
_SITES = (
    """
SELECT 'site' AS kind, f.site_id AS key, f.name AS title, f.how AS matched_by, f.id, f.status AS state, f.n_found,
       ST_X(f.geom) AS lon, ST_Y(f.geom) AS lat, """
    + _WITHIN.format(area="f.area_id")
    + f""" AS within
FROM (
    SELECT b.*, count(*) OVER () AS n_found FROM (
        SELECT b.how, b.rank, s.id, s.site_id, s.geom, s.area_id, e.name, e.status
        FROM (SELECT DISTINCT ON (id) id, how, rank FROM ({{arms}}) u ORDER BY id, rank) b
        JOIN sites s USING (id) JOIN enterprises e ON e.id = s.enterprise_id
        ORDER BY b.rank, length(e.name), s.site_id LIMIT {MOST_COUNTED + 1}) b
    JOIN LATERAL (SELECT b.name) e ON true
    WHERE {{checks}}
    ORDER BY b.rank, length(b.name), b.site_id LIMIT :limit) f
ORDER BY f.rank, length(f.name), f.site_id
"""
)
