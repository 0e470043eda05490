"""The lifecycle of cases: opening and steps, each step stored as an append-only case event in a hash chain.

``open_case`` runs with the rights of the system. ``transition`` runs in the caller's scope: the database lets a
caller see and move only cases of the caller's areas. Every step takes the lock of the case's row, so that two people
who move one case follow each other.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Any

from geoalchemy2 import WKTElement
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from grid.cases.hash_chain import GENESIS, ChainFault, canonical, expected_hash, faults_of
from grid.cases.transitions import RULES, check_step, refusal_reason, target_state
from grid.errors import ChainBroken, GridError, IllegalTransition
from grid.responsibility import Assignment
from layers.city import city_in_force
from layers.errors import NotFound
from layers.local_time import local_zone
from layers.tables import Case, CaseEvent


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
    opened_at, due_at : datetime
        With zone.
    prefix : str or None
        Start of the case number, as ``AJ`` in ``AJ20261031-0001``; None: that of the city.

    Raises
    ------
    GridError
        A time without zone, or a payload that is no JSON.
    """
    if opened_at.tzinfo is None:
        raise GridError(f"opened_at {opened_at.isoformat()} has no zone", "立案时间缺少时区")
    case = Case(
        number=next_number(db, opened_at, prefix),
        alert_id=alert_id,
        site_id=site_id,
        title=title,
        item_code=item_code,
        state="reported",
        opened_at=opened_at,
        due_at=due_at,
        geom=WKTElement(f"POINT({float(lon)!r} {float(lat)!r})", srid=4326),
    )
    _assign(case, assignment)
    db.add(case)
    db.flush()
    first = {"lead_body": case.lead_body, "co_handlers": case.co_handlers, **(payload or {})}
    _append(db, case, None, actor, role, "report", None, "reported", first, opened_at)
    return case


def _assign(case: Case, assignment: Assignment) -> None:
    """Fill the columns of a case that come from its assignment."""
    case.domain = assignment.domain or ""
    case.grid_area_id = assignment.area_id("unit_grid")
    case.community_area_id = assignment.area_id("community")
    case.town_area_id = assignment.area_id("town")
    case.county_area_id = assignment.area_id("county")
    case.city_area_id = assignment.area_id("city")
    case.lead_body = assignment.lead.body if assignment.lead else None
    case.co_handlers = [partner.body for partner in assignment.co_handlers]
    case.assignment = assignment.as_json()
    case.area_id = assignment.scope_area_id


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


def transition(
    db: Session,
    case_number: str,
    action: str,
    *,
    actor: str,
    role: str,
    note: str = "",
    payload: dict[str, Any] | None = None,
    at: dt.datetime | None = None,
    body: str | None = None,
) -> CaseEvent:
    """Take one step of a case.

    Parameters
    ----------
    action : str
        A key of ``transitions.RULES``.
    actor, role, body : str
        Who takes it: account, role, and the body the person acts for. Who disposed, and whose body did, cannot check
        or close.
    note : str
        The reason; return, rework, suspend, reassign and note need one.
    payload : dict, optional
        Further JSON data. ``reassign`` takes ``lead_body`` and ``co_handlers`` from it.
    at : datetime, optional
        With zone; now when left out.

    Raises
    ------
    layers.errors.NotFound
        No such case, or none that the caller may see.
    IllegalTransition
        The step is not possible now, or not for this person.
    """
    when = at or dt.datetime.now(dt.UTC)
    if when.tzinfo is None:
        raise GridError(f"at {when.isoformat()} has no zone", "时间缺少时区")
    case = _locked(db, case_number)
    events = _events(db, case)
    if not events:
        raise ChainBroken(f"case {case_number} has no events", f"案件 {case_number} 没有任何记录")
    check_step(action, case.state, events, actor, role, body, note)
    facts = dict(payload or {})
    if (note or "").strip():
        facts["note"] = note.strip()
    if body:
        facts["body"] = body
    if action == "reassign":
        facts |= _reassign(case, facts)
    target = target_state(action, case.state, events)
    event = _append(db, case, events[-1], actor, role, action, case.state, target, facts, when)
    case.state = target
    if target == "closed":
        case.closed_at = when
    db.flush()
    return event


def _locked(db: Session, number: str) -> Case:
    statement = select(Case).where(Case.number == number).with_for_update()
    case = db.scalars(statement, execution_options={"populate_existing": True}).one_or_none()
    if case is None:
        raise NotFound(f"no case {number!r}")
    return case


def _events(db: Session, case: Case) -> list[CaseEvent]:
    return list(db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.seq)))


def _reassign(case: Case, facts: dict[str, Any]) -> dict[str, Any]:
    """Give the case to other bodies; what it was stays in the event."""
    lead, partners = facts.get("lead_body"), facts.get("co_handlers", case.co_handlers)
    if not isinstance(lead, str) or not lead.strip():
        raise IllegalTransition("reassign needs payload.lead_body", "改派必须给出牵头主体 lead_body")
    if not isinstance(partners, list) or not all(isinstance(partner, str) for partner in partners):
        raise IllegalTransition("payload.co_handlers: a list of bodies", "协办主体 co_handlers 应为列表")
    before = {"lead_body": case.lead_body, "co_handlers": list(case.co_handlers)}
    case.lead_body, case.co_handlers = lead.strip(), list(partners)
    return {"lead_body": case.lead_body, "co_handlers": case.co_handlers, "before": before}


def _append(
    db: Session,
    case: Case,
    last: CaseEvent | None,
    actor: str,
    role: str,
    action: str,
    from_state: str | None,
    to_state: str,
    payload: dict[str, Any],
    at: dt.datetime,
) -> CaseEvent:
    event = CaseEvent(
        case_id=case.id,
        area_id=case.area_id,
        seq=1 if last is None else last.seq + 1,
        at=at,
        actor=actor,
        role=role,
        action=action,
        from_state=from_state,
        to_state=to_state,
        payload=canonical(payload),
        prev_hash=GENESIS if last is None else last.hash,
    )
    event.hash = expected_hash(case.number, event)
    db.add(event)
    db.flush()
    return event


def available_actions(
    case: Case, events: Sequence[CaseEvent], *, actor: str, role: str, body: str | None = None
) -> list[str]:
    """Return the steps that a person may take now, in the order of ``transitions.RULES``."""
    return [
        action for action in RULES if refusal_reason(action, case.state, events, actor, role, body) is None
    ]


def verify_chain(db: Session, number: str | None = None) -> list[ChainFault]:
    """Verify the hash chain of one case, or of every case that the caller may see.

    Returns
    -------
    list of ChainFault
        Empty when every chain is intact.
    """
    cases = select(Case.id, Case.number, Case.state).order_by(Case.id)
    events = select(CaseEvent).order_by(CaseEvent.case_id, CaseEvent.seq)
    if number is not None:
        cases = cases.where(Case.number == number)
        events = events.join(Case, Case.id == CaseEvent.case_id).where(Case.number == number)
    stream = db.scalars(events, execution_options={"yield_per": 2000, "populate_existing": True})
    groups = itertools.groupby(stream, key=lambda event: event.case_id)
    faults: list[ChainFault] = []
    current = next(groups, None)
    for case_id, case_number, state in db.execute(cases).all():
        while current is not None and current[0] < case_id:
            en = f"events of case id {current[0]}, which is not among the cases"
            faults.append(ChainFault(f"#{current[0]}", None, "记录所属的案件不存在", en))
            current = next(groups, None)
        if current is not None and current[0] == case_id:
            faults += faults_of(case_number, state, current[1])
            current = next(groups, None)
        else:
            faults += faults_of(case_number, state, [])
    return faults
