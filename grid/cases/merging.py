"""Merging of cases: a case goes on in another one, and comes out of it when that was wrong.

The step is an event of the merged case; the other case gets an event of its own in the same transaction (``absorb``,
``release``), so that each chain tells of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grid.cases.recording import add_event, events_of_case, locked_case
from grid.cases.transitions import OPEN_STATES, StepEvent
from grid.errors import IllegalTransition
from layers.errors import NotFound
from layers.tables import Case, CaseEvent

COUNTERPARTS = {"merge": "absorb", "unmerge": "release"}
"""Event of the other case by the step of the merged one."""


def lock_both(db: Session, number: str, action: str, payload: dict[str, Any]) -> None:
    """Lock a case and the other one of a merge in the order of their numbers: nobody waits in a circle.

    Nothing is done for other steps, nor when the other case is unknown: the step itself refuses that.
    """
    if action not in COUNTERPARTS:
        return
    other = payload.get("into") if action == "merge" else _merged_into(db, number)
    for each in sorted({number, other}) if isinstance(other, str) else []:
        try:
            locked_case(db, each)
        except NotFound:
            return


def _merged_into(db: Session, number: str) -> str | None:
    case = db.scalars(select(Case).where(Case.number == number)).one_or_none()
    return None if case is None else case_merged_into(events_of_case(db, case))


def case_merged_into(events: Sequence[StepEvent]) -> str | None:
    """Return the number of the case that the newest merge of a case names; None without a merge."""
    merges = [event for event in events if event.action == "merge"]
    return str(merges[-1].payload["into"]) if merges else None


def other_case(db: Session, case: Case, action: str, events: Sequence[StepEvent], given: Any) -> str:
    """Return the number of the case to merge into, or to come out of.

    Raises
    ------
    IllegalTransition
        There is no such case, none that the caller may see, or (to merge into it) it is over.
    """
    number = given if action == "merge" else case_merged_into(events)
    other = db.scalars(select(Case).where(Case.number == number)).one_or_none() if number else None
    if action == "unmerge":
        if other is None:
            raise IllegalTransition(
                f"case {number}, into which this one was merged, is outside of this account's areas: a supervisor"
                " of the wider area undoes the merge",
                f"并入的案件 {number} 不在本账户范围内，请由上级区域的监督员撤销并案",
            )
        return other.number
    if other is None or other.id == case.id:
        raise IllegalTransition(
            f"payload.into: no other case {number!r} to merge into", f"并案目标 into：没有案件 {number}"
        )
    if other.state not in OPEN_STATES:
        raise IllegalTransition(f"payload.into: case {number} is closed", f"并案目标 {number} 已结案")
    return other.number


def record_in_other_case(db: Session, event: CaseEvent, number: str, at: dt.datetime) -> None:
    """Add the counterpart of a merge, or of its undoing, to the chain of the other case, which stays as it is."""
    kept = event.payload
    facts: dict[str, Any] = {"merged_case": number}
    facts |= {name: kept[name] for name in ("note", "body", "body_id") if name in kept}
    other = locked_case(db, kept["into"])
    action = COUNTERPARTS[event.action]
    add_event(db, other, events_of_case(db, other), event.actor, event.role, action, other.state, facts, at)
