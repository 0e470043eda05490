"""Dispatch: officers suggested for a case, sent to it, their answers and arrivals; towns that are short of officers."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from geo_api.auth.access import Caller, CallerDep, Db, needs
from geo_api.cases.routes_cases import CaseNumber, KnownHashes
from geo_api.dispatch.schemas import (
    AcceptBody,
    ArrivalBody,
    CalledPeople,
    DispatchDocument,
    DispatchesPage,
    DispatchState,
    ReasonBody,
    SendBody,
    ShortTowns,
    SuggestedOfficers,
)
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response, older_links
from geo_api.http.request_bodies import JsonRoute
from grid.dispatch import (
    ENOUGH_OFFICERS,
    DispatchRow,
    Who,
    accept_call,
    called_people,
    decline_call,
    read_dispatch,
    read_dispatches,
    recall_officer,
    record_arrival,
    send_officer,
    short_towns,
    suggest_officers,
)
from layers.records import read_case_file

router = APIRouter(prefix="/v1", tags=["dispatch"], route_class=JsonRoute)
HEADERS = {"Cache-Control": PRIVATE}
DispatchId = Annotated[int, Path(ge=1, le=2**63 - 1)]
SEE, SEND, ANSWER, READ = (
    needs(each) for each in ("see_officers", "send_officers", "answer_calls", "read_dispatches")
)


@router.get("/cases/{number}/officers", response_model=SuggestedOfficers, dependencies=[SEE])
def list_suggested_officers(number: CaseNumber, db: Db) -> Response:
    """Return the officers of the case's bodies, the suited and nearest first, each with the reasons."""
    found = suggest_officers(db, number, dt.datetime.now(dt.UTC))
    return json_response({"officers": [asdict(one) for one in found]}, headers=HEADERS)


@router.get("/short-towns", response_model=ShortTowns, dependencies=[SEE])
def list_short_towns(db: Db) -> Response:
    """Return the towns with fewer than six officers whose certificate is valid today."""
    return json_response(
        {"enough": ENOUGH_OFFICERS, "towns": short_towns(db, dt.datetime.now(dt.UTC))}, headers=HEADERS
    )


@router.get("/cases/{number}/called-people", response_model=CalledPeople, dependencies=[SEND])
def list_called_people(number: CaseNumber, db: Db) -> Response:
    """Return the phones of the officers who have an open call of the case: for dispatchers, each reading is logged."""
    found = called_people(db, number, dt.datetime.now(dt.UTC))
    return json_response({"people": [asdict(one) for one in found]}, headers=HEADERS)


@router.get("/dispatches", response_model=DispatchesPage, dependencies=[READ])
def list_dispatches(
    request: Request,
    caller: CallerDep,
    db: Db,
    mine: Annotated[bool, Query(description="Only calls of the officer who is bound to the account")] = False,
    case: Annotated[str | None, Query(min_length=1, max_length=100, description="Number of a case")] = None,
    body: Annotated[str | None, Query(min_length=1, max_length=200, description="Name of a body")] = None,
    state: Annotated[list[DispatchState] | None, Query(description="May be given more than once")] = None,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only ids below")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Return the dispatches that the caller may see, the newest first: an officer the own ones."""
    found = read_dispatches(
        db,
        number=case,
        officer_of=caller.username if mine else None,
        body=body,
        states=state,
        before=before,
        most=limit + 1,
    )
    answer = {
        "dispatches": [dispatch_document(one) for one in found[:limit]],
        "next_before": found[limit - 1].id if len(found) > limit else None,
        "links": older_links(request, found, limit),
    }
    return json_response(answer, headers=HEADERS)


@router.post(
    "/cases/{number}/dispatches", response_model=DispatchDocument, dependencies=[SEND], status_code=201
)
def send_one_officer(
    number: CaseNumber, body: SendBody, known: KnownHashes, caller: CallerDep, db: Db
) -> Response:
    """Send an officer to a case; who is not the first suggestion, off duty or of another domain needs a reason."""
    read_case_file(db, number)
    made = send_officer(
        db,
        number,
        body.officer_id,
        _who(caller),
        at=dt.datetime.now(dt.UTC),
        reason=body.reason,
        if_match=known,
    )
    return _answer(made, 201)


@router.get("/dispatches/{dispatch_id}", response_model=DispatchDocument, dependencies=[READ])
def get_dispatch(dispatch_id: DispatchId, db: Db) -> Response:
    """Return one dispatch."""
    return _answer(read_dispatch(db, dispatch_id))


@router.post(
    "/dispatches/{dispatch_id}/accept",
    name="accept_dispatch",
    response_model=DispatchDocument,
    dependencies=[ANSWER],
)
def accept_one_call(
    dispatch_id: DispatchId, body: AcceptBody, known: KnownHashes, caller: CallerDep, db: Db
) -> Response:
    """Accept a call: the officer, or a dispatcher with a note."""
    now = dt.datetime.now(dt.UTC)
    return _answer(accept_call(db, dispatch_id, _who(caller), at=now, note=body.note, if_match=known))


@router.post(
    "/dispatches/{dispatch_id}/decline",
    name="decline_dispatch",
    response_model=DispatchDocument,
    dependencies=[ANSWER],
)
def decline_one_call(
    dispatch_id: DispatchId, body: ReasonBody, known: KnownHashes, caller: CallerDep, db: Db
) -> Response:
    """Decline a call, with the reason: the officer, or a dispatcher who was told."""
    now = dt.datetime.now(dt.UTC)
    return _answer(decline_call(db, dispatch_id, _who(caller), at=now, reason=body.reason, if_match=known))


@router.post(
    "/dispatches/{dispatch_id}/arrive",
    name="arrive_dispatch",
    response_model=DispatchDocument,
    dependencies=[ANSWER],
)
def record_one_arrival(
    dispatch_id: DispatchId, body: ArrivalBody, known: KnownHashes, caller: CallerDep, db: Db
) -> Response:
    """Record an arrival (吹哨报到); the case goes to `arrived` when it is the first of the officer's body."""
    position = None if body.lon is None or body.lat is None else (body.lon, body.lat)
    made = record_arrival(
        db,
        dispatch_id,
        _who(caller),
        at=dt.datetime.now(dt.UTC),
        position=position,
        note=body.note,
        if_match=known,
    )
    return _answer(made)


@router.post(
    "/dispatches/{dispatch_id}/recall",
    name="recall_dispatch",
    response_model=DispatchDocument,
    dependencies=[SEND],
)
def recall_one_officer(
    dispatch_id: DispatchId, body: ReasonBody, known: KnownHashes, caller: CallerDep, db: Db
) -> Response:
    """Recall an officer, with the reason: dispatchers."""
    now = dt.datetime.now(dt.UTC)
    return _answer(recall_officer(db, dispatch_id, _who(caller), at=now, reason=body.reason, if_match=known))


def dispatch_document(row: DispatchRow) -> dict[str, Any]:
    """Return a dispatch as JSON, its places as GeoJSON."""
    found = asdict(row)
    place = _point(found.pop("case_lon"), found.pop("case_lat"))
    arrival = _point(found.pop("lon"), found.pop("lat"))
    digest = found.pop("case_hash")
    number, title = found.pop("number"), found.pop("title")
    return {
        **found,
        "case_number": number,
        "case_title": title,
        "case_etag": None if digest is None else f'"{digest}"',
        "case_geometry": place,
        "arrival": arrival,
    }


def _point(lon: float | None, lat: float | None) -> dict[str, Any] | None:
    return None if lon is None else {"type": "Point", "coordinates": [lon, lat]}


def _who(caller: Caller) -> Who:
    return Who(caller.username, caller.role, caller.scope.body)


def _answer(row: DispatchRow, status: int = 200) -> Response:
    """Return a dispatch with the tag of its case, which the next step names."""
    document = dispatch_document(row)
    tag = {} if document["case_etag"] is None else {"ETag": document["case_etag"]}
    return json_response(document, status=status, headers=HEADERS | tag)
