"""Alerts: the evidence card, and what the site check found."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from geo_api.auth.access import Caller, CallerDep, Db, mask_plate, needs
from geo_api.http.schemas import OutcomeBody
from grid.cases import transition
from layers.errors import NotFound
from layers.records import alert_card
from layers.tables import Alert, Case

router = APIRouter(prefix="/v1/alerts", tags=["alerts"])
OUTCOMES = {
    "confirmed": ("属实", "confirmed"),
    "legal_use": ("合法使用", "legal use"),
    "cannot_tell": ("无法判定", "cannot tell"),
}
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
    number = _note_in_case(db, alert_id, body, caller)
    return {"id": alert_id, "outcome": body.outcome, "status": "checked", "noted_in_case": number}


def _note_in_case(db: Session, alert_id: int, body: OutcomeBody, caller: Caller) -> str | None:
    """The outcome and its note become an event of the alert's open case: who found what stays provable."""
    number = db.scalar(select(func.max(Case.number)).where(Case.alert_id == alert_id, Case.state != "closed"))
    if number is None:
        return None
    zh, en = OUTCOMES[body.outcome]
    note = body.note or f"核查结果：{zh} · outcome: {en}"
    facts = {"alert_id": alert_id, "outcome": body.outcome}
    transition(
        db,
        number,
        "note",
        actor=caller.username,
        role=caller.role,
        body=caller.scope.body,
        note=note,
        payload=facts,
    )
    return number


def with_plate(visit: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """A visit as the caller may see it: the plate is masked unless the role may read it."""
    plate = visit.pop("plate")
    visit["plate_masked"] = mask_plate(plate)
    if caller.may("read_plates"):
        visit["plate"] = plate
    return visit
