"""Opening of cases: the first event, with the assignment, the parties and the clock of the matter."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.calendar import TimeLimit
from grid.cases.deadlines import ClockRules, moment_text, opening_clock, read_calendar, rules_of_matter
from grid.cases.parties import as_json, parties_of
from grid.cases.proof import opening_facts
from grid.cases.recording import next_event, reason_of_no_deadline, record
from grid.errors import GridError, SecondCase
from grid.responsibility import Assignment
from layers.city import city_in_force
from layers.local_time import local_zone
from layers.tables import Case


def open_case(
    db: Session,
    *,
    title: str,
    item_code: str,
    assignment: Assignment,
    lon: float,
    lat: float,
    opened_at: dt.datetime,
    due_at: dt.datetime | None = None,
    default_limit: TimeLimit | None = None,
    urgency: str = "normal",
    alert_id: int | None = None,
    site_id: int | None = None,
    actor: str = "system",
    role: str = "service",
    payload: dict[str, Any] | None = None,
    prefix: str | None = None,
) -> Case:
    """Open a case in state ``reported``, with its first event.

    Parameters
    ----------
    assignment : Assignment
        Grid, areas and bodies; kept with the case as they are now.
    lon, lat : float
        Degrees, EPSG:4326.
    opened_at : datetime
        With zone.
    due_at : datetime or None
        Deadline with zone; None: that of the matter, from its limits on the day of the opening.
    default_limit : TimeLimit or None
        Overall limit when the matter has none.
    urgency : str
        Of ``URGENCIES``.
    prefix : str or None
        Start of the case number, as ``AJ`` in ``AJ20261031-0001``; None: that of the city.

    Raises
    ------
    GridError
        A time without zone, or a payload that is no JSON.
    SecondCase
        The site has an open case of the item.
    """
    if opened_at.tzinfo is None:
        raise GridError(f"opened_at {opened_at.isoformat()} has no zone", "立案时间缺少时区")
    rules = rules_of_matter(db, item_code, opened_at, urgency, default_limit)
    clock, unknown = opening_clock(rules, opened_at, read_calendar(db), due_at)
    if site_id is not None:
        refuse_second_case(db, site_id, item_code)
    parties, added = parties_of(db, assignment)
    case = SimpleNamespace(
        number=next_number(db, opened_at, prefix),
        alert_id=alert_id,
        site_id=site_id,
        title=title,
        item_code=item_code,
        opened_at=opened_at,
        due_at=clock.due_at,
        stage_due_at=clock.stage_due_at,
        urgency=urgency,
        place=(float(lon), float(lat)),
        **_assigned(assignment),
    )
    first = {
        "lead_body": case.lead_body,
        "co_handlers": case.co_handlers,
        **(payload or {}),
        **reason_of_no_deadline(unknown),
        **({} if rules == ClockRules() else {"clock_rules": rules.as_json()}),
        **(
            {} if clock.stage_due_at is None else {"clock": {"stage_due_at": moment_text(clock.stage_due_at)}}
        ),
        "parties": as_json(parties),
        **({"added_to_register": added} if added else {}),
        **({"legal_review": True} if db.scalar(_LEGAL_REVIEW, {"item": item_code, "at": opened_at}) else {}),
        "case": opening_facts(case),
    }
    event = next_event(case.number, None, actor, role, "report", None, "reported", first, opened_at)
    opening = {name: value for name, value in vars(case).items() if name != "place"}
    opening["geom"] = f"SRID=4326;POINT({case.place[0]!r} {case.place[1]!r})"
    return db.get_one(Case, record(db, event, opening))


_LEGAL_REVIEW = text("""
SELECT legal_review FROM matters
WHERE item_code = :item AND valid_from <= :at AND (valid_to IS NULL OR valid_to > :at)
ORDER BY valid_from DESC LIMIT 1
""")
_OPEN_CASE = text("""
SELECT max(number) FROM cases
WHERE site_id = :site_id AND item_code = :item AND state NOT IN ('closed', 'merged')
""")


def refuse_second_case(db: Session, site_id: int, item_code: str) -> None:
    """Refuse a second open case of one site and item; openings of one site wait for each other.

    Raises
    ------
    SecondCase
    """
    db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"case-of-site:{site_id}:{item_code}"},
    )
    number = db.scalar(_OPEN_CASE, {"site_id": site_id, "item": item_code})
    if number is not None:
        raise SecondCase(
            f"case {number} of this site and item {item_code} is open",
            f"该地点的事项 {item_code} 已有在办案件 {number}",
        )


def _assigned(assignment: Assignment) -> dict[str, Any]:
    """Return the columns of a case that come from its assignment."""
    return {
        "domain": assignment.domain or "",
        "grid_area_id": assignment.area_id("unit_grid"),
        "community_area_id": assignment.area_id("community"),
        "town_area_id": assignment.area_id("town"),
        "county_area_id": assignment.area_id("county"),
        "city_area_id": assignment.area_id("city"),
        "lead_body": assignment.lead.body if assignment.lead else None,
        "co_handlers": [partner.body for partner in assignment.co_handlers],
        "assignment": assignment.as_json(),
        "area_id": assignment.scope_area_id,
    }


def next_number(db: Session, opened_at: dt.datetime, prefix: str | None = None) -> str:
    """Return the next case number of a day (in the city); concurrent transactions wait for each other.

    Numbers of a transaction that fails are given again: there are no gaps.
    """
    head = f"{prefix or city_in_force().case_prefix}{opened_at.astimezone(local_zone()):%Y%m%d}-"
    db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"case-number:{head}"}
    )
    last = db.scalar(
        text(
            "SELECT max(substr(number, :length)::bigint) FROM cases"
            " WHERE starts_with(number, :head) AND substr(number, :length) ~ '^[0-9]+$'"
        ),
        {"head": head, "length": len(head) + 1},
    )
    return f"{head}{(last or 0) + 1:04d}"
