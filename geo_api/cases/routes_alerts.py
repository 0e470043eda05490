"""Alerts: the evidence card, and what the site check found."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Response

from geo_api.auth.access import CallerDep, Db, needs
from geo_api.cases.documents import card_document
from geo_api.http.schemas import OutcomeBody
from grid.alerts import alert_card, record_outcome

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])
AlertId = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("/{alert_id}", dependencies=[needs("read_alerts")])
def card(alert_id: AlertId, caller: CallerDep, db: Db, response: Response) -> dict[str, Any]:
    """The evidence card of one alert: what was seen, when, how much it weighs, what would lower it."""
    response.headers["Cache-Control"] = "private, no-store"
    return card_document(alert_card(db, alert_id), caller)


@router.post("/{alert_id}/outcome", dependencies=[needs("record_outcome")])
def outcome(alert_id: AlertId, body: OutcomeBody, caller: CallerDep, db: Db) -> dict[str, Any]:
    """Record what the site check found; it is the label that the models are measured by."""
    recorded = record_outcome(
        db,
        alert_id,
        body.outcome,
        note=body.note,
        actor=caller.username,
        role=caller.role,
        body=caller.scope.body,
    )
    return asdict(recorded)
