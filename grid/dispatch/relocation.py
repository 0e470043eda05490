"""Change of the place of a case: the assignment there is shown first, then taken as a step of the case."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from grid.cases import events_of_case, locked_case, opening_facts, refuse_stale, transition
from grid.dispatch.steps import Who
from grid.errors import GridError
from grid.responsibility import Assignment, assign
from layers.errors import OutOfScope, no_case
from layers.tables import Case

_KINDS = ("grid", "community", "town", "county", "city")


@dataclass(frozen=True)
class Relocation:
    """Assignment of a case at another place, and what it changes.

    Attributes
    ----------
    lead_body, co_handlers
        Bodies at the new place; those of now when the duty list has none there.
    areas : dict
        By kind, names of before and after; only those that change.
    bodies_change : bool
    outcome : str
        Of the assignment.
    """

    assignment: Assignment
    lead_body: str | None
    co_handlers: list[str]
    areas: dict[str, tuple[str | None, str | None]]
    bodies_change: bool
    outcome: str


def preview_relocation(
    db: Session, number: str, lon: float, lat: float, at: dt.datetime, reach: Sequence[int] | None
) -> Relocation:
    """Return what a case would be at another place; nothing is written.

    Parameters
    ----------
    db : Session
        In the caller's scope.
    lon, lat : float
        Degrees, EPSG:4326.
    reach : sequence of int or None
        Areas of the caller; None: the whole city.

    Raises
    ------
    layers.errors.NotFound
        No such case, or none that the caller may see.
    layers.errors.OutOfScope
        The place lies outside of the caller's areas: somebody of the wider area moves the case.
    GridError
        The place lies outside of every area.
    """
    case = db.scalars(select(Case).where(Case.number == number)).one_or_none()
    if case is None:
        raise no_case(number)
    return _relocated(db, case, lon, lat, at, reach)


def _relocated(
    db: Session, case: Case, lon: float, lat: float, at: dt.datetime, reach: Sequence[int] | None
) -> Relocation:
    found = assign(db, lon=lon, lat=lat, item_code=case.item_code, at=at)
    if found.outcome == "no_area" or found.scope_area_id is None:
        raise GridError(
            "lon, lat: the place lies outside of every area of this city (in the sea?)",
            "lon、lat：位置不在本市任何区域内（是否在海上？）",
        )
    if reach is not None and found.scope_area_id not in reach:
        raise OutOfScope(
            "the new place is outside of this account's areas: ask who has the wider area",
            "新位置不在本账户范围内，请由上级区域的指挥员办理",
        )
    lead = found.lead.body if found.lead else case.lead_body
    partners = [one.body for one in found.co_handlers] if found.lead else list(case.co_handlers)
    areas = {}
    for kind in _KINDS:
        before = getattr(case, f"{kind}_area_id")
        after = found.area_id("unit_grid" if kind == "grid" else kind)
        if before != after:
            areas["unit_grid" if kind == "grid" else kind] = (_name(db, before), _name(db, after))
    changes = lead != case.lead_body or set(partners) != set(case.co_handlers)
    return Relocation(found, lead, partners, areas, changes, found.outcome)


def _name(db: Session, area_id: int | None) -> str | None:
    name: str | None = db.scalar(text("SELECT name FROM areas WHERE id = :id"), {"id": area_id})
    return name


def relocate_case(
    db: Session,
    number: str,
    lon: float,
    lat: float,
    who: Who,
    *,
    at: dt.datetime,
    reason: str,
    reach: Sequence[int] | None = None,
    if_match: Sequence[str] | None = None,
) -> None:
    """Change the place of a case, with the reason: its areas and bodies are those of the new place from now on.

    Matter, deadlines and everything that was done stay. Where the bodies change, the parties do as by ``reassign``.

    Raises
    ------
    layers.errors.NotFound, layers.errors.OutOfScope, GridError
        As :func:`preview_relocation`.
    IllegalTransition
        Not possible now, or not for this person.
    StaleCase
        The case has a newer step than ``if_match`` names.
    """
    case = locked_case(db, number)
    refuse_stale(number, events_of_case(db, case), if_match)
    found = _relocated(db, case, lon, lat, at, reach)
    place = (float(lon), float(lat))
    before = (db.scalar(_LON, {"id": case.id}), db.scalar(_LAT, {"id": case.id}))
    if before == place:
        raise GridError("lon, lat: the case is there already", "lon、lat：案件已在此位置")
    areas = {
        f"{kind}_area_id": found.assignment.area_id("unit_grid" if kind == "grid" else kind)
        for kind in _KINDS
    }
    assignment = found.assignment.as_json()
    facts_of_case = SimpleNamespace(
        title=case.title, item_code=case.item_code, domain=case.domain, alert_id=case.alert_id, site_id=case.site_id,
        due_at=case.due_at, urgency=case.urgency, area_id=found.assignment.scope_area_id, place=place,
        assignment=assignment, **areas,
    )  # fmt: skip
    moved = ("place", "area_id", "assignment_sha256", *areas)
    told = opening_facts(facts_of_case)
    facts: dict[str, Any] = {
        "moved": {name: told[name] for name in moved},
        "assignment": assignment,
        "before": {
            "lead_body": case.lead_body,
            "co_handlers": list(case.co_handlers),
            "area_id": case.area_id,
            "place": list(before),
        },
        "explanation": _explanation(case, found, reason),
    }
    if found.bodies_change:
        facts |= {"lead_body": found.lead_body, "co_handlers": found.co_handlers}
    transition(db, number, "relocate", actor=who.actor, role=who.role, body=who.body, note=reason, payload=facts,
               at=at, if_match=if_match)  # fmt: skip
    db.flush()
    db.expire_all()


_LON = text("SELECT ST_X(geom) FROM cases WHERE id = :id")
_LAT = text("SELECT ST_Y(geom) FROM cases WHERE id = :id")


def _explanation(case: Case, found: Relocation, reason: str) -> dict[str, Any]:
    lead = found.lead_body
    return {
        "step": "lead",
        "rule": "relocated",
        "zh": f"变更地点：由{lead or '无'}牵头（原为{case.lead_body or '无'}）。原因：{reason}",
        "en": f"By another place: {lead or 'nobody'} leads (before: {case.lead_body or 'nobody'}). Reason: {reason}",
        "chosen": lead,
        "not_chosen": [case.lead_body] if case.lead_body and case.lead_body != lead else [],
    }
