"""Cases and alert cards as JSON, with what the caller may see of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from geo_api.auth.access import Caller, mask_plate
from grid.alerts import AlertCard
from grid.cases import CaseClock, clock_status, rules_of_events, stage_of, steps_now
from grid.intake import told_of_case
from layers.local_time import utc_text
from layers.records import CaseFile


def card_document(card: AlertCard, caller: Caller) -> dict[str, Any]:
    """Return the evidence card of an alert.

    Plates are masked unless the caller's role may read them; who checked the site is told to those who may check sites.
    """
    document = asdict(card)
    if not caller.may("record_outcome"):
        for outcome in document["outcomes"]:
            outcome["actor"] = None
    vehicles = document["vehicles"]
    for row in [*document["visits"], *vehicles["callers"], *vehicles["silences"]]:
        _mask(row, "plate", caller)
    for row in (
        []
        if card.breaches is None
        else [*document["breaches"]["vehicles"], *document["breaches"]["breaches"]]
    ):
        _mask(row, "plate", caller)
    for row in vehicles["encounters"]:
        _mask(row, "plate_a", caller)
        _mask(row, "plate_b", caller)
    return document


def _mask(row: dict[str, Any], name: str, caller: Caller) -> None:
    """Put a plate with its middle hidden in the place of a plate, and the plate itself for those who may read it."""
    plate = row.pop(name)
    row[name.replace("plate", "plate_masked")] = mask_plate(plate)
    if caller.may("read_plates"):
        row[name] = plate


def case_document(db: Session, found: CaseFile, caller: Caller) -> dict[str, Any]:
    """Return a case with its facts, parties and events, and the steps that the caller may take now.

    The explanation of the assignment goes on with every later change of the bodies.
    """
    steps = steps_now(
        db, found.case, found.events, actor=caller.username, role=caller.role, body=caller.scope.body
    )
    may = caller.may("move_cases")
    later = [event.payload["explanation"] for event in found.events if "explanation" in event.payload]
    return {
        **found.feature["properties"],
        "id": found.case.id,
        "geometry": found.feature["geometry"],
        "alert_id": found.case.alert_id,
        "assignment": found.case.assignment,
        "explanation": [*found.case.assignment.get("explanation", []), *later],
        "parties": [asdict(party) for party in steps.parties],
        "events": found.event_dicts(),
        "told": [
            {"clue_id": clue.id, "source": clue.source, "text": clue.text, "created_at": clue.created_at}
            for clue in told_of_case(db, found.case.id)
        ],
        "clock": _clock_document(found, dt.datetime.now(dt.UTC)),
        "available_actions": steps.legal if may else [],
        "refused_actions": {
            action: {"zh": zh, "en": en} for action, (en, zh) in steps.refused.items() if may
        },
    }


def _clock_document(found: CaseFile, now: dt.datetime) -> dict[str, Any]:
    """Return the clock of a case as it stands now."""
    case = found.case
    clock = CaseClock(case.due_at, case.stage_due_at, case.late_since, case.paused_since)
    reasons = [event.payload["no_deadline"] for event in found.events if "no_deadline" in event.payload]
    open_now = case.closed_at is None and case.state != "merged"
    running = case.due_at is not None and open_now and case.paused_since is None
    stage = stage_of(rules_of_events(found.events[0]), case.state) if found.events else None
    return {
        "status": clock_status(clock, now, closed=case.state in ("closed", "merged")),
        "stage": stage,
        **{name: moment and utc_text(moment) for name, moment in vars(clock).items()},
        "seconds_left": int((case.due_at - now).total_seconds()) if running and case.due_at else None,
        "no_deadline": reasons[-1] if reasons and case.due_at is None else None,
    }
