"""Steps of cases, each taken in the caller's scope: the database lets a caller see and move only cases of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from grid.cases.deadlines import check_extension
from grid.cases.evidence import check_evidence
from grid.cases.giving import bodies_given, parties_after
from grid.cases.merging import COUNTERPARTS, lock_both, other_case, record_in_other_case
from grid.cases.opening import refuse_second_case
from grid.cases.parties import Party, as_json, body_named, parties_in_force
from grid.cases.recording import add_event, events_of_case, locked_case
from grid.cases.transitions import (
    RULES,
    WITH_OTHER_DATA,
    Standing,
    check_step,
    refusal_reason,
    target_state,
)
from grid.errors import ChainBroken, GridError, IllegalTransition, StaleCase
from layers.tables import Case, CaseEvent


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
    if_match: Sequence[str] | None = None,
) -> CaseEvent:
    """Take one step of a case.

    Parameters
    ----------
    action : str
        A key of ``transitions.RULES``.
    actor, role, body : str
        Who takes it: account, role, and the body the person acts for. Who disposed, and whose body did,
        cannot check or close.
    note : str
        The reason; return, rework, suspend, reassign and note need one.
    payload : dict, optional
        Further JSON data. ``reassign`` takes ``lead_body`` and ``co_handlers`` from it.
    at : datetime, optional
        With zone; now when left out.
    if_match : sequence of str, optional
        Hashes: the step is refused unless the newest event has one of them.

    Raises
    ------
    layers.errors.NotFound
        No such case, or none that the caller may see.
    IllegalTransition
        The step is not possible now, or not for this person.
    StaleCase
        The newest event is another one than ``if_match`` says.
    SecondCase
        The case would be open again beside another one of its site and item.
    """
    when = at or dt.datetime.now(dt.UTC)
    if when.tzinfo is None:
        raise GridError(f"at {when.isoformat()} has no zone", "时间缺少时区")
    lock_both(db, case_number, action, payload or {})
    case = locked_case(db, case_number)
    events = events_of_case(db, case)
    if not events:
        raise ChainBroken(f"case {case_number} has no events", f"案件 {case_number} 没有任何记录")
    refuse_stale(case_number, events, if_match)
    body_id = body_named(db, body) if body else None
    standing = Standing(case.state, events, parties_in_force(db, case.id), actor, role, body_id, body)
    check_step(action, standing, note)
    facts = _said(payload, note, body, body_id)
    if action == "dispose":
        check_evidence(db, case, events, facts)
    facts |= _own_facts(db, case, action, facts, standing)
    if action in ("extend", "approve_extension"):
        check_extension(events, facts.get("days"))
    parties = parties_after(db, action, facts, standing)
    if parties != list(standing.parties):
        facts["parties"] = as_json(parties)
    if action in ("unmerge", "reopen") and case.site_id is not None:
        refuse_second_case(db, case.site_id, case.item_code)
    target = target_state(action, standing, parties)
    event = add_event(db, case, events, actor, role, action, target, facts, when)
    if action in COUNTERPARTS:
        record_in_other_case(db, event, case_number, when)
    return event


def refuse_stale(number: str, events: Sequence[CaseEvent], if_match: Sequence[str] | None) -> None:
    """Refuse a step on an older version of the case.

    Raises
    ------
    StaleCase
        The newest event has none of the hashes.
    """
    if if_match is not None and events[-1].hash not in if_match:
        raise StaleCase(
            f"case {number} has moved on: {events[-1].action} by {events[-1].actor}",
            f"案件 {number} 已有新的办理记录，请刷新后再操作",
        )


def _said(
    payload: dict[str, Any] | None, note: str | None, body: str | None, body_id: int | None
) -> dict[str, Any]:
    """Return the facts that a step has from the person."""
    facts = dict(payload or {})
    if (note or "").strip():
        facts["note"] = (note or "").strip()
    if body:
        facts["body"] = body
    if body_id is not None:
        facts["body_id"] = body_id
    return facts


def _own_facts(
    db: Session, case: Case, action: str, facts: dict[str, Any], standing: Standing
) -> dict[str, Any]:
    """Return the facts of a step that the service writes or completes."""
    if action in ("reassign", "designate"):
        return bodies_given(case, action, facts)
    if action in COUNTERPARTS:
        return {"into": other_case(db, case, action, standing.events, facts.get("into"))}
    if action == "extend" and "days" not in facts:
        raise IllegalTransition("extend needs payload.days", "申请延期必须给出天数 days")
    if action == "approve_extension":
        asked = standing.asked_extension
        assert asked is not None
        return {"days": facts.get("days", asked.payload["days"])}
    return {}


@dataclass(frozen=True)
class StepsNow:
    """Parties of a case, the steps that a person may take now, and why not those that the state would allow."""

    parties: list[Party]
    legal: list[str]
    refused: dict[str, tuple[str, str]]


def steps_now(
    db: Session, case: Case, events: Sequence[CaseEvent], *, actor: str, role: str, body: str | None = None
) -> StepsNow:
    """Return the steps of a case for a person, in the order of ``transitions.RULES``."""
    parties = parties_in_force(db, case.id)
    body_id = body_named(db, body) if body else None
    standing = Standing(case.state, events, parties, actor, role, body_id, body)
    reasons = {action: refusal_reason(action, standing) for action in RULES if action not in WITH_OTHER_DATA}
    refused = {
        action: reason
        for action, reason in reasons.items()
        if reason is not None and case.state in RULES[action].sources and role in RULES[action].roles
    }
    return StepsNow(parties, [action for action, reason in reasons.items() if reason is None], refused)
