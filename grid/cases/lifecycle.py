"""The lifecycle of cases: opening and steps, each step stored as an append-only case event in a hash chain.

``open_case`` runs with the rights of the system. ``transition`` runs in the caller's scope: the database lets
a caller see and move only cases of the caller's areas. Every step takes the lock of the case's row, so that
two people who move one case follow each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

from sqlalchemy import cast, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from grid.calendar import TimeLimit
from grid.cases.deadlines import (
    CaseClock,
    ClockRules,
    changed_columns,
    check_extension,
    clock_after,
    moment_text,
    opening_clock,
    read_calendar,
    replayed_clock,
    rules_of_events,
    rules_of_matter,
    stage_left,
)
from grid.cases.evidence import check_evidence
from grid.cases.hash_chain import (
    GENESIS,
    canonical,
    expected_hash,
    opening_facts,
    told_by_events,
)
from grid.cases.parties import (
    HANDLERS,
    Party,
    as_json,
    body_named,
    handlers_given,
    parties_in_force,
    parties_of,
    sent_back,
    superior_of,
    with_state,
)
from grid.cases.transitions import (
    OPEN_STATES,
    RULES,
    WITH_OTHER_DATA,
    Standing,
    check_step,
    refusal_reason,
    target_state,
)
from grid.errors import CalendarUnknown, ChainBroken, GridError, IllegalTransition, SecondCase, StaleCase
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
        _refuse_second_case(db, site_id, item_code)
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
        **_reason_of_no_deadline(unknown),
        **({} if rules == ClockRules() else {"clock_rules": rules.as_json()}),
        **(
            {} if clock.stage_due_at is None else {"clock": {"stage_due_at": moment_text(clock.stage_due_at)}}
        ),
        "parties": as_json(parties),
        **({"added_to_register": added} if added else {}),
        **({"legal_review": True} if db.scalar(_LEGAL_REVIEW, {"item": item_code, "at": opened_at}) else {}),
        "case": opening_facts(case),
    }
    event = _next_event(case.number, None, actor, role, "report", None, "reported", first, opened_at)
    opening = {name: value for name, value in vars(case).items() if name != "place"}
    opening["geom"] = f"SRID=4326;POINT({case.place[0]!r} {case.place[1]!r})"
    return db.get_one(Case, _record(db, event, opening))


_LEGAL_REVIEW = text("""
SELECT legal_review FROM matters
WHERE item_code = :item AND valid_from <= :at AND (valid_to IS NULL OR valid_to > :at)
ORDER BY valid_from DESC LIMIT 1
""")
_OPEN_CASE = text("""
SELECT max(number) FROM cases
WHERE site_id = :site_id AND item_code = :item AND state NOT IN ('closed', 'merged')
""")


def _refuse_second_case(db: Session, site_id: int, item_code: str) -> None:
    """Refuse a second open case of one site and item; openings of one site wait for each other."""
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
    """
    when = at or dt.datetime.now(dt.UTC)
    if when.tzinfo is None:
        raise GridError(f"at {when.isoformat()} has no zone", "时间缺少时区")
    case = locked_case(db, case_number)
    events = events_of_case(db, case)
    if not events:
        raise ChainBroken(f"case {case_number} has no events", f"案件 {case_number} 没有任何记录")
    if if_match is not None and events[-1].hash not in if_match:
        raise StaleCase(
            f"case {case_number} has moved on: {events[-1].action} by {events[-1].actor}",
            f"案件 {case_number} 已有新的办理记录，请刷新后再操作",
        )
    body_id = body_named(db, body) if body else None
    standing = Standing(case.state, events, parties_in_force(db, case.id), actor, role, body_id, body)
    check_step(action, standing, note)
    if action == "dispose":
        check_evidence(db, case, events)
    facts = dict(payload or {})
    if (note or "").strip():
        facts["note"] = note.strip()
    if body:
        facts["body"] = body
    if body_id is not None:
        facts["body_id"] = body_id
    facts |= _own_facts(db, case, action, facts, standing)
    if action in ("extend", "approve_extension"):
        check_extension(events, facts.get("days"))
    parties = _parties_after(db, action, facts, standing)
    if parties != list(standing.parties):
        facts["parties"] = as_json(parties)
    target = target_state(action, standing, parties)
    return _add_event(db, case, events, actor, role, action, target, facts, when)


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
    return _add_event(db, case, events_of_case(db, case), actor, "service", action, case.state, payload, at)


def _add_event(
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
    event = _next_event(case.number, events[-1], actor, role, action, case.state, target, facts, at)
    event.case_id = case.id
    _record(db, event)
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
    return {**({"clock": moved} if moved else {}), **_reason_of_no_deadline(reason)}


def _reason_of_no_deadline(unknown: CalendarUnknown | None) -> dict[str, Any]:
    return {} if unknown is None else {"no_deadline": {"en": str(unknown), "zh": unknown.message_zh}}


def _own_facts(
    db: Session, case: Case, action: str, facts: dict[str, Any], standing: Standing
) -> dict[str, Any]:
    """Return the facts of a step that the service writes or completes."""
    if action in ("reassign", "designate"):
        return _given(case, action, facts)
    if action == "merge":
        return {"into": _case_to_merge_into(db, case, facts.get("into"))}
    if action == "extend" and "days" not in facts:
        raise IllegalTransition("extend needs payload.days", "申请延期必须给出天数 days")
    if action == "approve_extension":
        asked = standing.asked_extension
        assert asked is not None
        return {"days": facts.get("days", asked.payload["days"])}
    return {}


def _parties_after(db: Session, action: str, facts: dict[str, Any], standing: Standing) -> list[Party]:
    """Return the parties of a case after a step."""
    parties = list(standing.parties)
    own = standing.own_party
    if action in ("reassign", "designate") or (action == "relocate" and "lead_body" in facts):
        if action == "designate" and own is not None and own.part == "superior":
            parties = with_state(parties, own.body_id, "designated")
        return handlers_given(db, parties, facts["lead_body"], facts["co_handlers"])
    if action in _PART_AFTER and own is not None:
        parties = with_state(parties, own.body_id, _PART_AFTER[action])
    if action in ("rework", "reopen"):
        return sent_back(parties)
    if action in ("return", "refuse") and own is not None and _refusals(standing) >= 1:
        superior = superior_of(db, own.body_id)
        if superior is not None and all(
            party.body_id != superior.body_id or party.part not in HANDLERS for party in parties
        ):
            return [*(party for party in parties if party.body_id != superior.body_id), superior]
    return parties


_PART_AFTER = {
    "arrive": "arrived",
    "dispose": "disposed",
    "feed_back": "fed_back",
    "refuse": "refused",
    "return": "awaiting",
}
"""State of the part of a body after its own step."""


def _refusals(standing: Standing) -> int:
    """Count returns and refusals since bodies were designated last, or since the opening."""
    count = 0
    for event in standing.events:
        if event.action == "designate":
            count = 0
        count += event.action in ("return", "refuse")
    return count


def _case_to_merge_into(db: Session, case: Case, number: Any) -> str:
    other = db.scalars(select(Case).where(Case.number == number)).one_or_none() if number else None
    if other is None or other.id == case.id:
        raise IllegalTransition(
            f"payload.into: no other case {number!r} to merge into", f"并案目标 into：没有案件 {number}"
        )
    if other.state not in OPEN_STATES:
        raise IllegalTransition(f"payload.into: case {number} is closed", f"并案目标 {number} 已结案")
    return other.number


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
        raise NotFound(f"no case {number!r}")
    return db.get_one(Case, case_id, populate_existing=True)


def events_of_case(db: Session, case: Case) -> list[CaseEvent]:
    """Return the events of a case in order."""
    return list(db.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.seq)))


def _given(case: Case, action: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Give the case to other bodies; what it was, and why it changed, stays in the event."""
    lead, partners = facts.get("lead_body"), facts.get("co_handlers", case.co_handlers)
    rule = RULES[action]
    if not isinstance(lead, str) or not lead.strip():
        raise IllegalTransition(f"{action} needs payload.lead_body", f"{rule.zh}必须给出牵头主体 lead_body")
    if not isinstance(partners, list) or not all(isinstance(partner, str) for partner in partners):
        raise IllegalTransition("payload.co_handlers: a list of bodies", "协办主体 co_handlers 应为列表")
    before = {"lead_body": case.lead_body, "co_handlers": list(case.co_handlers)}
    reason = facts.get("note", "")
    explanation = {
        "step": "lead",
        "rule": "designated" if action == "designate" else "reassigned",
        "zh": f"{rule.zh}：由{lead.strip()}牵头（原为{case.lead_body or '无'}）。原因：{reason}",
        "en": f"By {rule.en}: {lead.strip()} leads now (before: {case.lead_body or 'nobody'}). Reason: {reason}",
        "chosen": lead.strip(),
        "not_chosen": [case.lead_body] if case.lead_body and case.lead_body != lead.strip() else [],
    }
    partners = [partner for partner in partners if partner != lead.strip()]
    return {
        "lead_body": lead.strip(),
        "co_handlers": partners,
        "before": before,
        "explanation": explanation,
    }


def _next_event(
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


def _record(db: Session, event: CaseEvent, opening: dict[str, Any] | None = None) -> int:
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
