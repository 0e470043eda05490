"""Recording of case events: each with its hash and what it moves of the clock, by the one writer of the database.

Every step takes the lock of the case's row, so that two people who move one case follow each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from grid.cases.deadlines import (
    CaseClock,
    changed_columns,
    clock_after,
    clock_at_merge,
    read_calendar,
    replayed_clock,
    rules_of_events,
    stage_left,
)
from grid.cases.proof import GENESIS, canonical, expected_hash, told_by_events
from grid.errors import CalendarUnknown
from layers.errors import no_case
from layers.tables import Case, CaseEvent


def locked_case(db: Session, number: str) -> Case:
    """Lock a case until the transaction ends.

    It is read after the lock was got, so that it is as it is now.

    Raises
    ------
    layers.errors.NotFound
        No such case, or none that the caller may see.
    """
    case_id = db.scalar(select(func.lock_case(number)))
    if case_id is None:
        raise no_case(number)
    return db.get_one(Case, case_id, populate_existing=True)


def events_of_case(db: Session, case: Case) -> list[CaseEvent]:
    """Return the events of a case in order."""
    return list(db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.seq)))


def record_system_step(
    db: Session,
    case_number: str,
    action: str,
    payload: dict[str, Any],
    at: dt.datetime,
    actor: str = "system",
) -> CaseEvent:
    """Add an event of the service to a case, which leaves its state as it is (``escalate``, ``set_deadline``)."""
    case = locked_case(db, case_number)
    return add_event(db, case, events_of_case(db, case), actor, "service", action, case.state, payload, at)


def add_event(
    db: Session,
    case: Case,
    events: Sequence[CaseEvent],
    actor: str,
    role: str,
    action: str,
    target: str,
    facts: dict[str, Any],
    at: dt.datetime,
) -> CaseEvent:
    """Add an event with what it moves of the case's clock."""
    step = SimpleNamespace(at=at, action=action, from_state=case.state, to_state=target, payload=facts)
    facts = {**facts, **_moved_clock(db, case, events, step)}
    event = next_event(case.number, events[-1], actor, role, action, case.state, target, facts, at)
    event.case_id = case.id
    record(db, event)
    for name, value in told_by_events(event).items():
        if name in ("place", "assignment_sha256"):
            continue
        set_committed_value(case, name, value)
    return event


def _moved_clock(
    db: Session, case: Case, events: Sequence[CaseEvent], step: SimpleNamespace
) -> dict[str, Any]:
    """Return what a step says of the clock: moved columns, the stage that it ends, why there is no deadline."""
    rules = rules_of_events(events[0])
    before = CaseClock(case.due_at, case.stage_due_at, case.late_since, case.paused_since)
    if step.action == "unmerge":
        before = clock_at_merge(events)
    reason = None
    try:
        if step.action == "set_deadline":
            after = replayed_clock(events, read_calendar(db))
        else:
            after = clock_after(before, rules, step, read_calendar(db))
    except CalendarUnknown as error:
        after, reason = replace(before, due_at=None, stage_due_at=None, paused_since=None), error
    moved: dict[str, Any] = changed_columns(before, after)
    if left := stage_left(step, before, rules):
        moved["left"] = left
    return {**({"clock": moved} if moved else {}), **reason_of_no_deadline(reason)}


def reason_of_no_deadline(unknown: CalendarUnknown | None) -> dict[str, Any]:
    """Return the fact that a case has no deadline, with the reason; nothing when it has one."""
    return {} if unknown is None else {"no_deadline": {"en": str(unknown), "zh": unknown.message_zh}}


def next_event(
    number: str,
    last: CaseEvent | None,
    actor: str,
    role: str,
    action: str,
    from_state: str | None,
    to_state: str,
    payload: dict[str, Any],
    at: dt.datetime,
) -> CaseEvent:
    """Return the event that follows the last one, with its hash."""
    event = CaseEvent(
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
    event.hash = expected_hash(number, event)
    return event


_EVENT = (
    "case_id",
    "seq",
    "at",
    "actor",
    "role",
    "action",
    "from_state",
    "to_state",
    "payload",
    "prev_hash",
    "hash",
)


def record(db: Session, event: CaseEvent, opening: dict[str, Any] | None = None) -> int:
    """Write an event, and the case that it opens, by the only writer of both (layers/schema/chain.sql)."""
    written = func.record_case_event(
        cast(_plain({name: getattr(event, name) for name in _EVENT}), JSONB),
        cast(None if opening is None else _plain(opening), JSONB(none_as_null=True)),
    )
    return int(db.scalar(select(written)) or 0)


def _plain(columns: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if isinstance(value, dt.datetime) else value
        for name, value in columns.items()
    }
