"""Entries of registers as they are read: lists on a day, and one entry with all its versions."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import scope_area_ids
from grid.errors import UnknownArea, UnknownEntry
from grid.registers.checking import nearest_names
from grid.registers.versions import KEYS
from grid.registers.written import values_of

State = Literal["in_force", "withdrawn", "coming"]
MARKS = ("unconfirmed", "in_force", "withdrawn", "coming", "certificate_expired")
"""Marks by which a list may be limited."""


PERSONAL = ("officers", "grid_workers")
"""Registers of people: who does not see an entry is told no names."""


@dataclass(frozen=True)
class Entry:
    """An entry of a register with one or all of its versions.

    Attributes
    ----------
    register, key : str
        The key is the code of a body, the number of a certificate or of a worker, the code of an item or of a grid.
    state : str
        On the day that was asked for: ``in_force``, ``withdrawn`` or ``coming``.
    confirmed : bool
        False: the entry was made of a name in a duty list, a case or an account.
    certificate_expired : bool or None
        Of an officer: the last day of the certificate is over. None: not an officer, or no last day is known.
    versions : list of dict
        By the columns of the import, the newest first; ``changed_by``, ``changed_at``, ``source`` and ``reason``
        of the batch that made the version, and ``later``, a list of the same of every later change of it with
        ``what`` (``ended``, ``changed``), where the caller may read the batch.
    tag : str
        Changes with every change of what the caller sees of the entry.
    """

    register: str
    key: str
    state: State
    confirmed: bool
    certificate_expired: bool | None
    versions: list[dict[str, Any]]
    tag: str

    def on(self, day: dt.date) -> dict[str, Any] | None:
        """Return the version that is in force on a day."""
        held = (v for v in self.versions if v["valid_from"] <= day and (v["valid_to"] or dt.date.max) > day)
        return next(held, None)


@dataclass(frozen=True)
class EntryPage:
    """Entries of a page, how many match, and how many of these are unconfirmed."""

    entries: list[Entry]
    matched: int
    unconfirmed: int


@dataclass(frozen=True)
class EntryFilter:
    """Limits of a list of entries; None: no limit.

    Attributes
    ----------
    words : str
        Part of a name, a code, a former name or a keyword.
    area : str
        Code of an area: entries of it and of what lies inside it.
    domain : str
    at : datetime.date
        Only what is in force on this day.
    mark : str
        One of ``MARKS``.
    """

    words: str | None = None
    area: str | None = None
    domain: str | None = None
    at: dt.date | None = None
    mark: str | None = None


_TEXTS = {
    "bodies": "concat_ws(' ', r.code, r.name, r.short_name, array_to_string(r.former_names, ' '))",
    "officers": "concat_ws(' ', r.certificate_no, r.name, r.body_code, r.username,"
    " (SELECT string_agg(b.name, ' ') FROM bodies b WHERE b.code = r.body_code))",
    "matters": "concat_ws(' ', r.item_code, r.name, r.name_en, array_to_string(r.keywords, ' '))",
    "grid_workers": "concat_ws(' ', r.worker_no, r.name, array_to_string(r.area_codes, ' '))",
    "grid_households": "concat_ws(' ', r.grid_code,"
    " (SELECT string_agg(a.name, ' ') FROM areas a WHERE a.code = r.grid_code))",
}
_OF_AREA = {
    "bodies": "r.area_code = ANY (:areas)",
    "officers": "r.area_codes && :areas",
    "matters": "true",
    "grid_workers": "r.area_codes && :areas",
    "grid_households": "r.grid_code = ANY (:areas)",
}
_OF_DOMAIN = {
    "bodies": "r.domains @> ARRAY[:domain]",
    "officers": "(r.domains = '{}' OR r.domains @> ARRAY[:domain])",
    "matters": "r.domain = :domain",
    "grid_workers": "(:domain = '' OR true)",
    "grid_households": "(:domain = '' OR true)",
}
_CHOSEN = """
SELECT DISTINCT ON (v.{key}) v.*,
       CASE WHEN v.valid_from <= :day AND (v.valid_to IS NULL OR v.valid_to > :day) THEN 'in_force'
            WHEN v.valid_from > :day THEN 'coming' ELSE 'withdrawn' END AS state
FROM {register} v
ORDER BY v.{key}, (v.valid_from <= :day AND (v.valid_to IS NULL OR v.valid_to > :day)) DESC,
         (v.valid_from <= :day) DESC, abs(v.valid_from - :day)
"""
_EXPIRED = {"officers": "r.certificate_to < :day"}
_CONFIRMED = {
    name: f"(r.{KEYS[name]} IS NOT NULL)" for name in ("officers", "grid_workers", "grid_households")
}


def list_entries(
    db: Session, register: str, of: EntryFilter, *, today: dt.date, limit: int, offset: int = 0
) -> EntryPage:
    """Return the entries that the caller sees, the unconfirmed first, then by key.

    An entry shows its version in force on the day, else its last one before, else its first one.

    Raises
    ------
    UnknownArea
    """
    day = of.at or today
    confirmed = _CONFIRMED.get(register, "r.confirmed")
    given: dict[str, Any] = {"day": day, "limit": limit, "offset": offset}
    source = (
        f"FROM ({_CHOSEN.format(register=register, key=KEYS[register])}) r"
        f" WHERE {' AND '.join(_conditions(db, register, of, given)) or 'true'}"
    )
    counted = f"SELECT count(*), count(*) FILTER (WHERE NOT {confirmed}) {source}"
    matched, unconfirmed = db.execute(text(counted), given).one()
    order = f"{confirmed}, (r.state = 'withdrawn'), r.{KEYS[register]}"
    rows = db.execute(text(f"SELECT r.* {source} ORDER BY {order} LIMIT :limit OFFSET :offset"), given)
    found = [_entry(register, [dict(row)], day, str(row["state"])) for row in rows.mappings()]
    return EntryPage(found, int(matched), int(unconfirmed))


def _conditions(db: Session, register: str, of: EntryFilter, given: dict[str, Any]) -> list[str]:
    """Return the conditions of a filter; their values are put into ``given``."""
    conditions = []
    if of.at is not None:
        conditions.append("r.state = 'in_force'")
    if of.words:
        conditions.append(f"position(lower(:words) in lower({_TEXTS[register]})) > 0")
        given["words"] = of.words
    if of.area is not None:
        conditions.append(_OF_AREA[register])
        ids = scope_area_ids(db, of.area)
        given["areas"] = list(area_codes_of(db, ids))
        if not given["areas"]:
            raise UnknownArea(f"no area {of.area!r}", f"没有区域 {of.area}")
    if of.domain is not None:
        conditions.append(_OF_DOMAIN[register])
        given["domain"] = of.domain
    if of.mark == "unconfirmed":
        conditions.append(f"NOT {_CONFIRMED.get(register, 'r.confirmed')}")
    elif of.mark == "certificate_expired":
        conditions.append(_EXPIRED.get(register, "false"))
    elif of.mark is not None:
        conditions.append("r.state = :mark")
        given["mark"] = of.mark
    return conditions


def read_entry(db: Session, register: str, key: str, *, today: dt.date) -> Entry:
    """Return an entry with all its versions that the caller sees, the newest first.

    Raises
    ------
    UnknownEntry
        There is none; the nearest names are told.
    """
    rows = list(
        db.execute(text(_VERSIONS.format(register=register, key=KEYS[register])), {"key": key}).mappings()
    )
    if not rows:
        raise _unknown(db, register, key)
    held = [row for row in rows if row["valid_from"] <= today and (row["valid_to"] or dt.date.max) > today]
    past = [row for row in rows if row["valid_from"] <= today]
    state = "in_force" if held else "withdrawn" if past else "coming"
    told = _changes(db, register, [row["id"] for row in rows])
    return _entry(register, [dict(row) | told[row["id"]] for row in rows], today, state)


_VERSIONS = "SELECT v.* FROM {register} v WHERE v.{key} = :key ORDER BY v.valid_from DESC"
TOLD_OF_BATCH = ("changed_by", "changed_at", "source", "reason")
# Who changed a version is told to those who may read the batch: the policy of batches is applied.
_CHANGES = text("""
SELECT w.id, w.valid_to, b.actor AS changed_by, b.received_at AS changed_at, b.source, b.options ->> 'reason' AS reason
FROM version_batches(:register, CAST(:ids AS bigint[])) WITH ORDINALITY AS w (id, batch_id, valid_to, place)
LEFT JOIN batches b ON b.id = w.batch_id ORDER BY w.place
""")


def _changes(db: Session, register: str, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return what made each version, and what changed it later, by the key of its row."""
    found: dict[int, dict[str, Any]] = {}
    ends: dict[int, dt.date | None] = {}
    for row in db.execute(_CHANGES, {"register": register, "ids": list(ids)}).mappings():
        told = {name: row[name] for name in TOLD_OF_BATCH}
        if row["id"] not in found:
            found[row["id"]] = {**told, "later": []}
        elif told["changed_by"] is not None:
            ended = row["valid_to"] is not None and row["valid_to"] != ends[row["id"]]
            found[row["id"]]["later"].append({"what": "ended" if ended else "changed", **told})
        ends[row["id"]] = row["valid_to"]
    return found


def names_of_codes(db: Session, versions: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the newest names of the bodies and areas that versions name, by code."""
    bodies = {version.get(name) for version in versions for name in ("body_code", "parent_code")}
    areas = {version.get(name) for version in versions for name in ("area_code", "grid_code")}
    areas |= {code for version in versions for code in version.get("area_codes") or []}
    given = {"bodies": [code for code in bodies if code], "areas": [code for code in areas if code]}
    if not any(given.values()):
        return {}
    return {code: name for code, name in db.execute(text(_NAMED), given)}


_NAMED = """
SELECT * FROM (SELECT DISTINCT ON (code) code, name FROM bodies WHERE code = ANY (CAST(:bodies AS text[]))
               ORDER BY code, valid_from DESC) b
UNION ALL
SELECT * FROM (SELECT DISTINCT ON (code) code, name FROM areas WHERE code = ANY (CAST(:areas AS text[]))
               ORDER BY code, valid_from DESC) a
"""


def area_codes_of(db: Session, area_ids: Collection[int]) -> frozenset[str]:
    """Return the codes of areas by their ids, every version of them, and of the unit grids in them."""
    statement = "SELECT DISTINCT code FROM areas WHERE id = ANY (:ids) OR parent_id = ANY (:ids)"
    return frozenset(db.scalars(text(statement), {"ids": list(area_ids)}))


def _entry(register: str, rows: list[dict[str, Any]], day: dt.date, state: str) -> Entry:
    versions = [
        values_of(register, row)
        | {name: row.get(name) for name in (*TOLD_OF_BATCH, "batch_id")}
        | {"later": row.get("later", [])}
        for row in rows
    ]
    shown = next((row for row in rows if row["valid_from"] <= day), rows[-1])
    last = shown.get("certificate_to")
    told = [version | {"id": row["id"]} for version, row in zip(versions, rows, strict=True)]
    return Entry(
        register,
        str(rows[0][KEYS[register]]),
        state,  # type: ignore[arg-type]  # one of the three words of the statement
        bool(shown.get("confirmed", True)),
        None if register != "officers" or last is None else last < day,
        versions,
        hashlib.sha256(json.dumps(told, default=str).encode()).hexdigest()[:32],
    )


def _unknown(db: Session, register: str, key: str) -> UnknownEntry:
    """Return the fault of a key that no entry has, with the names and keys that are most like it."""
    own = KEYS[register]
    named = "name" if register != "grid_households" else "NULL AS name"
    rows = (
        []
        if register in PERSONAL
        else db.execute(text(f"SELECT DISTINCT {own}, {named} FROM {register}")).all()
    )
    names = {str(name): f"{name} {code}" for code, name in rows if name} | {
        str(code): f"{name or ''} {code}".strip() for code, name in rows
    }
    near = list(dict.fromkeys(names[name] for name in nearest_names(key, names)))
    told = f"; nearest: {', '.join(near)}" if near else ""
    told_zh = f"，相近：{'、'.join(near)}" if near else ""
    return UnknownEntry(
        f"{key!r} is not in the register of {register}{told}", f"登记簿中没有 {key}{told_zh}", near
    )
