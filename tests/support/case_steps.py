"""Steps of cases by people of the right roles and bodies."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grid.cases import transition
from layers.tables import Case, CaseParty

ACTORS = {
    "verify": ("dan", "dispatcher"),
    "file": ("dan", "dispatcher"),
    "dispatch": ("dan", "dispatcher"),
    "check": ("sue", "supervisor"),
    "close": ("dan", "dispatcher"),
    "rework": ("sue", "supervisor"),
    "suspend": ("sue", "supervisor"),
    "resume": ("sue", "supervisor"),
}
TO_FED_BACK = ("verify", "file", "dispatch", "dispose", "feed_back")


def handlers_of(db: Session, number: str) -> list[str]:
    """Bodies that handle a case, in order of their names."""
    statement = (
        select(CaseParty.body)
        .join(Case, Case.id == CaseParty.case_id)
        .where(Case.number == number, CaseParty.until.is_(None), CaseParty.part.in_(("lead", "co_handler")))
        .where(CaseParty.state != "refused")
    )
    return sorted(db.scalars(statement))


def move(
    db: Session,
    number: str,
    *actions: str,
    note: str = "原因",
    at: dt.datetime | None = None,
    payload: dict[str, Any] | None = None,
) -> None:
    """Take steps in order: those of officers by every body that handles the case, ``ofei`` of the lead first."""
    for action in actions:
        if action in ACTORS:
            actor, role = ACTORS[action]
            transition(db, number, action, actor=actor, role=role, note=note, at=at)
            continue
        lead = db.scalar(select(Case.lead_body).where(Case.number == number))
        bodies = handlers_of(db, number)
        for body in sorted(bodies, key=lambda name: name != lead):
            actor = "ofei" if body == lead else f"officer of {body}"
            transition(
                db, number, action, actor=actor, role="officer", note=note, body=body, at=at, payload=payload
            )
