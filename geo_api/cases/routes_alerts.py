"""Alerts: the evidence card, and what the site check found."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from geo_api.auth.access import CallerDep, Db, needs
from geo_api.cases.documents import card_document
from geo_api.cases.schemas import EvidenceCard, OutcomeBody, RecordedOutcome
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response
from geo_api.http.request_bodies import JsonRoute
from grid.alerts import alert_card, record_outcome
from grid.models import calibrations

router = APIRouter(prefix="/v1/alerts", tags=["alerts"], route_class=JsonRoute)
AlertId = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("/{alert_id}", response_model=EvidenceCard, dependencies=[needs("read_alerts")])
def get_alert(alert_id: AlertId, caller: CallerDep, db: Db) -> Response:
    """Return the evidence card of one alert: what was seen, when, how much it weighs, what would lower it."""
    found = alert_card(db, alert_id)
    calibration = calibrations(db).get(found.alert.kind)
    share = None if calibration is None else calibration.share(found.score)
    card = card_document(found, caller) | {"confirmed_share": share}
    return json_response(card, headers={"Cache-Control": PRIVATE})


@router.post("/{alert_id}/outcome", response_model=RecordedOutcome, dependencies=[needs("record_outcome")])
def add_outcome(alert_id: AlertId, body: OutcomeBody, caller: CallerDep, db: Db) -> Response:
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
    return json_response(recorded)
