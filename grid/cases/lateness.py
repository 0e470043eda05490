"""Cases whose clock asks for something without anybody's step: those that became late, and those without a deadline."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.cases.deadlines import read_calendar, replayed_clock
from grid.cases.parties import as_json, parties_in_force, superior_of
from grid.cases.recording import record_system_step
from grid.errors import CalendarUnknown
from layers.tables import CaseEvent

_LATE = text("""
SELECT c.number FROM cases c
WHERE c.closed_at IS NULL AND c.state <> 'merged' AND c.paused_since IS NULL AND c.due_at < :now
  AND c.late_since IS NULL
ORDER BY c.due_at, c.id
""")
_LATE_STAGES = text("""
SELECT c.number FROM cases c
WHERE c.closed_at IS NULL AND c.state <> 'merged' AND c.paused_since IS NULL AND c.stage_due_at < :now AND NOT EXISTS (
    SELECT FROM case_events e WHERE e.case_id = c.id AND e.action = 'escalate'
    AND (e.payload ->> 'stage_due_at')::timestamptz = c.stage_due_at)
ORDER BY c.stage_due_at, c.id
""")
_WITHOUT_DEADLINE = text("""
SELECT c.number, c.id FROM cases c JOIN case_events e ON e.case_id = c.id AND e.seq = 1
WHERE c.closed_at IS NULL AND c.state <> 'merged' AND c.due_at IS NULL
  AND e.payload #> '{clock_rules,limits,overall}' IS NOT NULL
ORDER BY c.id
""")
_FACTS = text("""
SELECT c.id, c.stage_due_at, body_named(c.lead_body) AS lead_id FROM cases c WHERE c.number = :number
""")
_DUE_SOON = text("""
SELECT count(*) FROM cases
WHERE closed_at IS NULL AND state <> 'merged' AND paused_since IS NULL AND due_at BETWEEN :now AND :soon
""")


@dataclass(frozen=True)
class LateCases:
    """Numbers of cases that ask for a step of the service."""

    overdue: tuple[str, ...]
    stage_overdue: tuple[str, ...]
    without_deadline: tuple[str, ...]
    due_soon: int


def late_cases(db: Session, now: dt.datetime, soon: dt.timedelta) -> LateCases:
    """Find the cases that became late and are not escalated, and those whose deadline can be reckoned now."""
    calendar = read_calendar(db)
    known = []
    for row in db.execute(_WITHOUT_DEADLINE).all():
        events = db.query(CaseEvent).filter_by(case_id=row.id).order_by(CaseEvent.seq).all()
        try:
            replayed_clock(events, calendar)
        except CalendarUnknown:
            continue
        known.append(row.number)
    return LateCases(
        tuple(db.scalars(_LATE, {"now": now})),
        tuple(db.scalars(_LATE_STAGES, {"now": now})),
        tuple(known),
        db.scalar(_DUE_SOON, {"now": now, "soon": now + soon}) or 0,
    )


def escalate(db: Session, number: str, reason: str, now: dt.datetime) -> str | None:
    """Record that a case (``overdue``) or its stage (``stage_overdue``) is late, and the superior that must know.

    Returns
    -------
    str or None
        The superior of the lead body, which becomes a party; None: the register knows none.
    """
    facts = db.execute(_FACTS, {"number": number}).one()
    superior = None if facts.lead_id is None else superior_of(db, facts.lead_id)
    payload = {
        "reason": reason,
        "superior": superior and superior.body,
        **({"stage_due_at": facts.stage_due_at.isoformat()} if reason == "stage_overdue" else {}),
    }
    parties = parties_in_force(db, facts.id)
    if superior is not None and all(party.body_id != superior.body_id for party in parties):
        payload["parties"] = as_json([*parties, replace(superior, state="copied")])
    record_system_step(db, number, "escalate", payload, now)
    return None if superior is None else superior.body
