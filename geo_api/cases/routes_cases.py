"""Cases: the file of one case, its steps, the proof of its chain, its report."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Response
from starlette.responses import HTMLResponse

from geo_api.auth.access import CallerDep, Db, needs
from geo_api.cases.documents import card_document, case_document
from geo_api.http.schemas import CaseEventBody
from grid.alerts import alert_card
from grid.cases import transition, verify_chain
from layers.records import read_case_file, surroundings
from maps.reports import case_report

router = APIRouter(prefix="/v1/cases", tags=["cases"])
CaseNumber = Annotated[str, Path(min_length=1, max_length=100)]


@router.get("/{number}", dependencies=[needs("read_cases")])
def case(number: CaseNumber, caller: CallerDep, db: Db, response: Response) -> dict[str, Any]:
    """One case: facts, assignment with its explanation, every event, and what the caller may do next."""
    response.headers["Cache-Control"] = "private, no-store"
    return case_document(read_case_file(db, number), caller)


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
    return case_document(read_case_file(db, number), caller)


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
    alert_id = found.case.alert_id
    alert = None if alert_id is None else card_document(alert_card(db, alert_id), caller)
    document = case_document(found, caller) | {"alert": alert}
    html = case_report(document, layers=surroundings(db, found.case))
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(number)}.html",
    }
    return HTMLResponse(html, headers=headers)
