"""Registers: versions written, names read."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from layers.postgres import WriteCounts, copy_frame, upsert
from layers.tables import Base, Body

_TEXT, _DAY, _LIST = "text", "date", "list"
_COLUMNS: dict[str, dict[str, str]] = {
    "bodies": {
        "code": _TEXT,
        "name": _TEXT,
        "short_name": _TEXT,
        "former_names": _LIST,
        "level": _TEXT,
        "area_code": _TEXT,
        "domains": _LIST,
        "parent_code": _TEXT,
        "phone": _TEXT,
        "valid_from": _DAY,
        "valid_to": _DAY,
        "confirmed": "boolean",
    },
    "officers": {
        "certificate_no": _TEXT,
        "name": _TEXT,
        "certificate_from": _DAY,
        "certificate_to": _DAY,
        "body_code": _TEXT,
        "area_codes": _LIST,
        "domains": _LIST,
        "on_duty": "boolean",
        "phone": _TEXT,
        "username": _TEXT,
        "valid_from": _DAY,
        "valid_to": _DAY,
    },
    "matters": {
        "item_code": _TEXT,
        "name": _TEXT,
        "name_en": _TEXT,
        "domain": _TEXT,
        "limits": "jsonb",
        "suspension_stops_clock": "boolean",
        "extension_days_at_most": "bigint",
        "evidence": _LIST,
        "legal_review": "boolean",
        "duplicate_radius_m": "numeric",
        "duplicate_days": "bigint",
        "public": "boolean",
        "alert_kind": _TEXT,
        "keywords": _LIST,
        "valid_from": _DAY,
        "valid_to": _DAY,
        "confirmed": "boolean",
    },
    "grid_workers": {
        "worker_no": _TEXT,
        "name": _TEXT,
        "area_codes": _LIST,
        "post": _TEXT,
        "on_duty": "boolean",
        "phone": _TEXT,
        "valid_from": _DAY,
        "valid_to": _DAY,
    },
    "grid_households": {
        "grid_code": _TEXT,
        "households": "bigint",
        "residents": "bigint",
        "valid_from": _DAY,
        "valid_to": _DAY,
    },
}
KEYS = {
    "bodies": "code",
    "officers": "certificate_no",
    "matters": "item_code",
    "grid_workers": "worker_no",
    "grid_households": "grid_code",
}
"""The column that all versions of one entry share, by register."""


def write_versions(db: Session, register: str, frame: pl.DataFrame) -> WriteCounts:
    """Write versions of a register by key and first day.

    A version ends where the next one of its key begins, stored or given. Lists are texts by semicolon, limits
    are JSON. Another name of a body keeps the names of its earlier versions as former names. An unconfirmed
    body or matter of the same name or code becomes the given one.
    """
    key, columns = KEYS[register], _COLUMNS[register]
    types = {name: _TEXT if kind in (_LIST, "jsonb") else kind for name, kind in columns.items()}
    copy_frame(db, frame, "given_versions", types)
    if register in _ADOPT:
        db.execute(text(_ADOPT[register]))
    names = [_selected(register, name, kind) for name, kind in columns.items()]
    counts = upsert(
        db,
        Base.metadata.tables[register],
        f"SELECT {', '.join(names)} FROM given_versions g",
        columns=tuple(columns),
        key=(key, "valid_from"),
    )
    db.execute(text(_CLOSE.format(table=register, key=key)))
    return counts


def _selected(register: str, name: str, kind: str) -> str:
    if name == "valid_to":
        return _END.format(table=register, key=KEYS[register])
    if name == "former_names":
        return _FORMER_NAMES
    if kind == _LIST:
        return f"COALESCE(string_to_array(g.{name}, ';'), '{{}}')"
    return f"g.{name}::jsonb" if kind == "jsonb" else f"g.{name}"


_END = """LEAST(g.valid_to, (SELECT min(n.valid_from) FROM
    (SELECT {key}, valid_from FROM {table} UNION ALL SELECT {key}, valid_from FROM given_versions) n
    WHERE n.{key} = g.{key} AND n.valid_from > g.valid_from))"""
_FORMER_NAMES = """ARRAY(SELECT DISTINCT f.name FROM
    (SELECT unnest(string_to_array(g.former_names, ';')) AS name
     UNION ALL SELECT b.name FROM bodies b WHERE b.code = g.code AND b.confirmed AND b.valid_from < g.valid_from
     UNION ALL SELECT o.name FROM given_versions o WHERE o.code = g.code AND o.valid_from < g.valid_from) f
    WHERE f.name <> g.name AND f.name <> '' ORDER BY 1)"""
_CLOSE = """UPDATE {table} t SET valid_to = n.valid_from, batch_id = current_batch()
FROM given_versions g CROSS JOIN LATERAL
    (SELECT min(o.valid_from) AS valid_from FROM given_versions o WHERE o.{key} = g.{key}) n
WHERE t.{key} = g.{key} AND t.valid_from < n.valid_from AND (t.valid_to IS NULL OR t.valid_to > n.valid_from)
    AND g.valid_from = n.valid_from"""
_ADOPT = {
    "bodies": """UPDATE bodies b SET code = g.code, valid_from = g.valid_from, batch_id = current_batch()
FROM (SELECT DISTINCT ON (name) name, code, valid_from FROM given_versions ORDER BY name, valid_from) g
WHERE NOT b.confirmed AND b.name = g.name AND b.code <> g.code
    AND NOT EXISTS (SELECT FROM bodies o WHERE o.code = g.code)""",
    "matters": """UPDATE matters m SET valid_from = g.valid_from, batch_id = current_batch()
FROM (SELECT DISTINCT ON (item_code) item_code, valid_from FROM given_versions ORDER BY item_code, valid_from) g
WHERE NOT m.confirmed AND m.item_code = g.item_code AND m.valid_from <> g.valid_from
    AND NOT EXISTS (SELECT FROM matters o WHERE o.item_code = g.item_code AND o.id <> m.id)""",
}


def body_codes_by_name(db: Session) -> dict[str, str]:
    """Return the code of every body by its code, full, short and former names; full names go before others."""
    rows = db.execute(
        select(Body.code, Body.name, Body.short_name, Body.former_names).order_by(
            Body.confirmed, Body.valid_from
        )
    ).all()
    found: dict[str, str] = {}
    for code, _, short, former in rows:
        found |= dict.fromkeys([*former, *filter(None, [short])], code)
    return found | {name: code for code, name, _, _ in rows} | {code: code for code, *_ in rows}


def has_confirmed_body(db: Session) -> bool:
    """Return whether somebody entered bodies: before, all are those that lists, cases and accounts name."""
    return bool(db.scalar(select(func.count()).select_from(Body).where(Body.confirmed)))


def add_unconfirmed_bodies(db: Session, frame: pl.DataFrame) -> int:
    """Add the bodies of lines of a duty list that the register does not know, as unconfirmed entries."""
    copy_frame(
        db,
        frame,
        "named_bodies",
        {"body": "text", "level": "text", "area_code": "text", "domain": "text", "valid_from": "date"},
    )
    return len(db.execute(text(_ADD_BODIES)).all())


_ADD_BODIES = """
INSERT INTO bodies (body_id, code, name, level, area_code, domains, confirmed, valid_from)
SELECT 0, 'U' || lpad((COALESCE((SELECT max(substring(code FROM 2)::bigint) FROM bodies WHERE code ~ '^U[0-9]{5,}$'), 0)
               + row_number() OVER (ORDER BY n.body))::text, 5, '0'),
       n.body, n.level, n.area_code, n.domains, false, n.since
FROM (SELECT body, (array_agg(level ORDER BY valid_from DESC, area_code))[1] AS level,
             (array_agg(area_code ORDER BY valid_from DESC, area_code))[1] AS area_code,
             array_agg(DISTINCT domain) AS domains, min(valid_from) AS since
      FROM named_bodies GROUP BY body) n
WHERE body_named(n.body) IS NULL RETURNING id
"""


def add_unconfirmed_matters(db: Session) -> int:
    """Add the items of the duty list that the register does not know, as unconfirmed matters."""
    return len(db.execute(text(_ADD_MATTERS)).all())


_ADD_MATTERS = """
INSERT INTO matters (item_code, name, domain, confirmed, valid_from)
SELECT DISTINCT ON (d.item_code) d.item_code, d.item, d.domain, false,
       min(d.valid_from) OVER (PARTITION BY d.item_code)
FROM duty_items d WHERE NOT EXISTS (SELECT FROM matters m WHERE m.item_code = d.item_code)
ORDER BY d.item_code, d.valid_from DESC, d.id DESC RETURNING id
"""


def set_alert_matters(db: Session, batch_id: int) -> None:
    """Let alerts of the kinds that the given matters name open cases of them; the batch keeps what was set."""
    before = {kind: code for kind, code in db.execute(text(_SET_KINDS))}
    if before:
        given = {"batch": batch_id, "options": json.dumps({"alert_kinds": before})}
        db.execute(
            text("UPDATE batches SET options = options || CAST(:options AS jsonb) WHERE id = :batch"), given
        )


_SET_KINDS = """
UPDATE alert_kinds k SET item_code = g.item_code
FROM (SELECT DISTINCT ON (alert_kind) alert_kind, item_code FROM given_versions WHERE alert_kind IS NOT NULL
      ORDER BY alert_kind, valid_from DESC) g, alert_kinds before
WHERE k.kind = g.alert_kind AND before.kind = k.kind AND k.item_code IS DISTINCT FROM g.item_code
RETURNING k.kind, before.item_code
"""


def known_values(db: Session, statement: str) -> set[str]:
    """Return the values of one of the questions of ``KNOWN``."""
    return set(db.scalars(text(KNOWN[statement])))


KNOWN = {
    "areas": "SELECT DISTINCT code FROM areas",
    "unit_grids": "SELECT DISTINCT code FROM areas WHERE kind = 'unit_grid'",
    "grid_places": "SELECT DISTINCT code FROM areas WHERE kind IN ('unit_grid', 'community')",
    "accounts": "SELECT username FROM users",
    "alert_kinds": "SELECT kind FROM alert_kinds",
}


def certificates(db: Session) -> set[tuple[str, dt.date | None]]:
    """Return the number and the last day of every certificate that the register has."""
    rows = db.execute(text("SELECT DISTINCT certificate_no, certificate_to FROM officers"))
    return {(number, last_day) for number, last_day in rows}


def parents_of_bodies(db: Session) -> dict[str, str]:
    """Return the superior of each body that has one, in its newest version."""
    statement = "SELECT DISTINCT ON (code) code, parent_code FROM bodies ORDER BY code, valid_from DESC"
    return {code: parent for code, parent in db.execute(text(statement)) if parent}


def places_of_bodies(db: Session) -> list[tuple[str, str, str | None, str, dt.date, dt.date | None]]:
    """Return name, level, area, code and days of every confirmed version of a body."""
    statement = "SELECT name, level, area_code, code, valid_from, valid_to FROM bodies WHERE confirmed"
    return [tuple(row) for row in db.execute(text(statement))]
