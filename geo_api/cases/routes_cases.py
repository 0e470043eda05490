"""Cases: the file of one case, its steps, the proof of its chain, its report."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Response
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from geo_api.auth.access import Caller, CallerDep, Db, needs
from geo_api.cases.routes_alerts import with_plate
from geo_api.http.schemas import CaseEventBody
from grid.cases import available_actions, transition, verify_chain
from layers.records import CaseFile, alert_card, read_case_file, surroundings
from maps.reports import case_report

router = APIRouter(prefix="/v1/cases", tags=["cases"])
CaseNumber = Annotated[str, Path(min_length=1, max_length=100)]


@router.get("/{number}", dependencies=[needs("read_cases")])
def case(number: CaseNumber, caller: CallerDep, db: Db, response: Response) -> dict[str, Any]:
    """One case: facts, assignment with its explanation, every event, and what the caller may do next."""
    response.headers["Cache-Control"] = "private, no-store"
    return _document(read_case_file(db, number), caller)


@router.post("/{number}/events", dependencies=[needs("move_cases")], status_code=201)
def add_event(number: CaseNumber, body: CaseEventBody, caller: CallerDep, db: Db) -> dict[str, Any]:
    """Take one step (verify, file, dispatch, dispose, feed_back, check, close, return, suspend, resume, rework …)."""
    read_case_file(db, number)  # a case of somebody else's area is not found, whatever the step
    transition(
        db,
        number,
        body.action,
        actor=caller.username,
        role=caller.role,
        note=body.note,
        payload=body.payload,
        body=caller.scope.body,
        at=dt.datetime.now(dt.UTC),
    )
    db.flush()
    return _document(read_case_file(db, number), caller)


@router.get("/{number}/verify", dependencies=[needs("read_cases")])
def verify(number: CaseNumber, db: Db) -> dict[str, Any]:
    """Whether the hash chain of the case's events holds."""
    found = read_case_file(db, number)
    faults = verify_chain(db, number)
    return {
        "number": number,
        "events": len(found.events),
        "holds": not faults,
        "faults": [str(f) for f in faults],
    }


@router.get("/{number}/report.html", dependencies=[needs("read_cases")], response_class=HTMLResponse)
def report(number: CaseNumber, caller: CallerDep, db: Db) -> HTMLResponse:
    """The case as one HTML file that opens without a network."""
    found = read_case_file(db, number)
    document = _document(found, caller)
    document["alert"] = _card(db, found, caller)
    html = case_report(document, layers=surroundings(db, found.case))
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(number)}.html",
    }
    return HTMLResponse(html, headers=headers)


def _document(found: CaseFile, caller: Caller) -> dict[str, Any]:
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


def _card(db: Session, found: CaseFile, caller: Caller) -> dict[str, Any] | None:
    if found.case.alert_id is None:
        return None
    card = alert_card(db, found.case.alert_id)
    card["visits"] = [with_plate(visit, caller) for visit in card["visits"]]
    return card
