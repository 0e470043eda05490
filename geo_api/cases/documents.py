"""Cases and alert cards as JSON, with what the caller may see of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from geo_api.auth.access import Caller, mask_plate
from grid.alerts import AlertCard
from grid.cases import available_actions
from layers.records import CaseFile


def card_document(card: AlertCard, caller: Caller) -> dict[str, Any]:
    """Return the evidence card of an alert; plates are masked unless the caller's role may read them."""
    document = asdict(card)
    for visit in document["visits"]:
        plate = visit.pop("plate")
        visit["plate_masked"] = mask_plate(plate)
        if caller.may("read_plates"):
            visit["plate"] = plate
    return document


def case_document(found: CaseFile, caller: Caller) -> dict[str, Any]:
    """Return a case with its facts, assignment and events, and the steps that the caller may take now."""
    actions = available_actions(
        found.case, found.events, actor=caller.username, role=caller.role, body=caller.scope.body
    )
    return {
        **found.feature["properties"],
        "id": found.case.id,
        "geometry": found.feature["geometry"],
        "alert_id": found.case.alert_id,
        "assignment": found.case.assignment,
        "explanation": found.case.assignment.get("explanation", []),
        "events": found.event_dicts(),
        "available_actions": list(actions) if caller.may("move_cases") else [],
    }
