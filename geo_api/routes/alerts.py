"""Alerts: the evidence card, and what the site check found."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from sqlalchemy import update

from geo_api.access import Caller, CallerDep, Db, mask_plate, needs
from geo_api.schemas import OutcomeBody
from layers.errors import NotFound
from layers.evidence import alert_card
from layers.tables import Alert

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])
AlertId = Annotated[int, Path(ge=1, lt=2**63)]


@router.get("/{alert_id}", dependencies=[needs("read_alerts")])
def card(alert_id: AlertId, caller: CallerDep, db: Db, response: Response) -> dict[str, Any]:
    """The evidence card of one alert: what was seen, when, how much it weighs, what would lower it."""
    response.headers["Cache-Control"] = "private, no-store"
    found = alert_card(db, alert_id)
    found["visits"] = [with_plate(visit, caller) for visit in found["visits"]]
    return found


@router.post("/{alert_id}/outcome", dependencies=[needs("record_outcome")])
def outcome(alert_id: AlertId, body: OutcomeBody, caller: CallerDep, db: Db) -> dict[str, Any]:
    """Record what the site check found; it is the label that the models are measured by."""
    statement = update(Alert).where(Alert.id == alert_id).values(outcome=body.outcome, status="checked")
    if not db.execute(statement.returning(Alert.id)).scalar_one_or_none():
        raise NotFound(f"no alert {alert_id}")
    return {"id": alert_id, "outcome": body.outcome, "status": "checked"}


def with_plate(visit: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """A visit as the caller may see it: the plate is masked unless the role may read it."""
    plate = visit.pop("plate")
    visit["plate_masked"] = mask_plate(plate)
    if caller.may("read_plates"):
        visit["plate"] = plate
    return visit
