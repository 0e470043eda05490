"""Impact of a new duty list: open cases that get other bodies, towns that gain or lose matters, officers.

The list is written as it would be, the rules of responsibility are asked before and after, and everything is
taken back: what is previewed is what the service would answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.duty_proposals.list_writing import Covers, ListChange, write_list
from grid.responsibility import Duty, assign_many, check_stored, empowerments, in_force, stored_list
from layers.local_time import start_of_day

OPEN_CASES = text("""
SELECT c.number, c.item_code, c.lead_body, ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat,
       (SELECT e.uscc FROM sites s JOIN enterprises e ON e.id = s.enterprise_id
        WHERE s.id = c.site_id) AS enterprise_uscc
FROM cases c WHERE c.state NOT IN ('closed', 'merged')
  AND EXISTS (SELECT FROM duty_items d WHERE d.item_code = c.item_code) ORDER BY c.number
""")
_OFFICERS = text("""
SELECT b.name AS body, array_agg(DISTINCT o.certificate_no ORDER BY o.certificate_no) AS certificates
FROM bodies b JOIN officers o ON o.body_code = b.code AND o.valid_from <= :day
                             AND (o.valid_to IS NULL OR o.valid_to > :day)
WHERE b.body_id = ANY (SELECT body_named(n) FROM unnest(CAST(:names AS text[])) n)
GROUP BY b.name
""")


@dataclass(frozen=True)
class TouchedCase:
    """An open case whose lead or co-handlers would be others under the new list."""

    number: str
    item_code: str
    lead_now: str | None
    lead_new: str | None
    co_handlers_now: list[str]
    co_handlers_new: list[str]


@dataclass(frozen=True)
class TouchedTown:
    """A town that may act on a matter by itself (``gains``), or may not any more (``loses``)."""

    town_code: str
    item_code: str
    item: str
    change: str
    body: str


@dataclass(frozen=True)
class TouchedOfficers:
    """Officers whose body loses a matter in an area."""

    body: str
    item_code: str
    area_code: str
    certificates: list[str]


@dataclass(frozen=True)
class Impact:
    """Impact of a new list from its day on.

    Attributes
    ----------
    change : ListChange
    cases, towns, officers : list
    faults : list of str
        Faults that the whole list would have and has not today, in English and Chinese.
    """

    change: ListChange
    cases: list[TouchedCase]
    towns: list[TouchedTown]
    officers: list[TouchedOfficers]
    faults: list[dict[str, str]]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON data; days are ISO 8601."""

        def line(duty: Duty) -> dict[str, Any]:
            shown = asdict(duty)
            days = ("valid_from", "valid_to")
            del shown["id"]
            return shown | {name: shown[name] and shown[name].isoformat() for name in days}

        return {
            "ended": [line(one) for one in self.change.ended],
            "dropped": [line(one) for one in self.change.dropped],
            "begun": [line(one) for one in self.change.begun],
            "cases": [asdict(one) for one in self.cases],
            "towns": [asdict(one) for one in self.towns],
            "officers": [asdict(one) for one in self.officers],
            "faults": self.faults,
        }


def impact_of(db: Session, new: Iterable[Duty], day: dt.date, covers: Covers) -> Impact:
    """Return what a new list would do from a day on; nothing stays written.

    For a session that sees every row.
    """
    at = start_of_day(day)
    rows = [dict(row) for row in db.execute(OPEN_CASES).mappings()]
    stored = stored_list(db)
    before, known = _assigned(db, rows, at), {str(fault) for fault in check_stored(db)}
    trial = db.begin_nested()
    try:
        change = write_list(db, new, day, covers)
        after = _assigned(db, rows, at)
        listed = stored_list(db)
        faults = [fault for fault in check_stored(db) if str(fault) not in known]
    finally:
        trial.rollback()
    return Impact(
        change,
        _touched_cases(rows, before, after),
        _touched_towns(in_force(stored, day), in_force(listed, day)),
        _touched_officers(db, in_force(stored, day), in_force(listed, day), day),
        [
            {"rule": fault.rule, "en": str(fault), "zh": f"{fault.item_code} {fault.area_code} {fault.zh}"}
            for fault in faults
        ],
    )


def _assigned(db: Session, rows: list[dict[str, Any]], at: dt.datetime) -> list[tuple[str | None, list[str]]]:
    """Return lead and co-handlers of every case, by the rules and the list of a moment."""
    if not rows:
        return []
    types = {"lon": pl.Float64, "lat": pl.Float64, "item_code": pl.Utf8, "enterprise_uscc": pl.Utf8}
    points = pl.DataFrame([{name: row[name] for name in types} for row in rows], schema=types)
    found = assign_many(db, points, at=at)
    return [
        (lead, list(others or [])) for lead, others in found.select("lead_body", "co_handlers").iter_rows()
    ]


def _touched_cases(
    rows: list[dict[str, Any]],
    before: list[tuple[str | None, list[str]]],
    after: list[tuple[str | None, list[str]]],
) -> list[TouchedCase]:
    return [
        TouchedCase(row["number"], row["item_code"], lead, lead_new, others, others_new)
        for row, (lead, others), (lead_new, others_new) in zip(rows, before, after, strict=True)
        if lead != lead_new or sorted(others) != sorted(others_new)
    ]


def _touched_towns(before: list[Duty], after: list[Duty]) -> list[TouchedTown]:
    had = {(e.town_code, e.item_code): e for e in empowerments(before)}
    has = {(e.town_code, e.item_code): e for e in empowerments(after)}
    changed = [(has[key], "gains") for key in sorted(has.keys() - had.keys())]
    changed += [(had[key], "loses") for key in sorted(had.keys() - has.keys())]
    return [TouchedTown(e.town_code, e.item_code, e.item, change, e.body) for e, change in changed]


def _touched_officers(
    db: Session, before: list[Duty], after: list[Duty], day: dt.date
) -> list[TouchedOfficers]:
    had = {(line.body, line.item_code, line.area_code) for line in before}
    has = {(line.body, line.item_code, line.area_code) for line in after}
    lost = sorted(had - has)
    given = {"names": sorted({body for body, _, _ in lost}), "day": day}
    of_body = {body: list(certificates) for body, certificates in db.execute(_OFFICERS, given)}
    return [TouchedOfficers(body, item, area, of_body[body]) for body, item, area in lost if body in of_body]
