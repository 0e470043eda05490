"""Clues: places for an address, matters for a text, possible duplicates, and what clerks decide."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import CallerDep, Db, SystemDb, needs
from geo_api.auth.callers import Caller
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response, older_links
from geo_api.http.request_bodies import JsonRoute
from geo_api.intake.documents import clue_document, shown_code
from geo_api.intake.schemas import (
    CaseBody,
    ClueBody,
    ClueDocument,
    ClueSource,
    CluesPage,
    ClueState,
    LinkBody,
    MergeBody,
    OpenedCase,
    OpeningBody,
    PlacesFound,
    PossibleDuplicates,
    ReceivedClue,
    RejectionBody,
    SuggestedMatters,
)
from grid.gazetteer import find_places, source_states
from grid.intake import (
    ClueFacts,
    find_duplicates,
    merge_clue,
    new_query_code,
    open_case_of_clue,
    read_clue,
    read_clues,
    receive_clue,
    reject_clue,
    relate_clue,
    suggest_matters,
)
from layers.errors import OutOfScope
from layers.records import read_case_file
from layers.tables import Case

router = APIRouter(prefix="/v1", tags=["intake"], route_class=JsonRoute)
ClueId = Annotated[int, Path(ge=1, le=2**63 - 1)]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
REPORT, READ, DECIDE, OPEN = (
    needs(each) for each in ("report_clues", "read_clues", "decide_clues", "open_cases")
)


@router.get("/places", response_model=PlacesFound)
def find_address(db: Db, address: Annotated[str, Query(min_length=1, max_length=200)]) -> Response:
    """Return the places that the text of an address may mean, the best first; none is chosen."""
    (found,) = find_places(db, [address])
    stale = [
        {"source": state.source, "refreshed_at": state.refreshed_at}
        for state in source_states(db)
        if state.stale
    ]
    return json_response(
        {
            "outcome": found.outcome,
            "another_city": found.another_city,
            "candidates": [asdict(candidate) for candidate in found.candidates],
            "stale": stale,
        }
    )


@router.get("/clues/matters", response_model=SuggestedMatters, dependencies=[REPORT])
def suggest_matters_for_text(
    db: SystemDb, text: Annotated[str, Query(min_length=1, max_length=2_000)]
) -> Response:
    """Return the matters that a text may be about, the best first; none is chosen."""
    found = suggest_matters(db, text, at=dt.datetime.now(dt.UTC))
    return json_response({"matters": [asdict(each) for each in found]})


@router.get("/clues/duplicates", response_model=PossibleDuplicates, dependencies=[READ])
def find_possible_duplicates(
    db: Db,
    lon: Annotated[float, Query(ge=-180, le=180)],
    lat: Annotated[float, Query(ge=-90, le=90)],
    item_code: Annotated[str | None, Query(max_length=100)] = None,
) -> Response:
    """Return open cases and clues near a place, within the radius and days of the matter."""
    found, radius_m, days = find_duplicates(
        db, lon=lon, lat=lat, item_code=item_code, at=dt.datetime.now(dt.UTC)
    )
    body = {"radius_m": radius_m, "days": days, "duplicates": [asdict(each) for each in found]}
    return json_response(body, headers={"Cache-Control": PRIVATE})


@router.get("/clues", response_model=CluesPage, dependencies=[READ])
def list_clues(
    request: Request,
    db: Db,
    state: Annotated[ClueState | None, Query()] = None,
    source: Annotated[ClueSource | None, Query()] = None,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only ids below")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Return the clues that the caller may see, the newest first."""
    found = read_clues(db, state=state, source=source, before=before, most=limit + 1)
    body = {
        "clues": [clue_document(db, clue) for clue in found[:limit]],
        "next_before": found[limit - 1].id if len(found) > limit else None,
        "links": older_links(request, found, limit),
    }
    return json_response(body, headers={"Cache-Control": PRIVATE})


@router.get("/clues/{clue_id}", response_model=ClueDocument, dependencies=[READ])
def get_clue(clue_id: ClueId, db: Db) -> Response:
    """Return one clue."""
    return json_response(clue_document(db, read_clue(db, clue_id)), headers={"Cache-Control": PRIVATE})


@router.post("/clues", response_model=ReceivedClue, dependencies=[REPORT], status_code=201)
def add_clue(body: ClueBody, caller: CallerDep, db: SystemDb, key: IdempotencyKey = None) -> Response:
    """Report a clue: hotline text, a grid worker's find, another system's message."""
    facts = ClueFacts(
        source=body.source,
        text=body.text,
        address=body.address,
        lon=body.lon,
        lat=body.lat,
        item_code=body.item_code,
        urgency=body.urgency,
        reporter_name=body.name,
        phone=body.phone,
        email=body.email,
    )
    now = dt.datetime.now(dt.UTC)
    code = new_query_code() if body.with_code else None
    who = caller.username
    clue = receive_clue(db, facts, at=now, created_by=who, idempotency_key=key, query_code=code)
    shown = None if code is None or clue.created_at != now else shown_code(code)
    return json_response(
        clue_document(db, clue) | {"code": shown}, status=201, headers={"Cache-Control": "no-store"}
    )


@router.post(
    "/clues/{clue_id}/reject", name="reject_clue", response_model=ClueDocument, dependencies=[DECIDE]
)
def reject_one_clue(
    clue_id: ClueId, body: RejectionBody, caller: CallerDep, db: Db, system: SystemDb
) -> Response:
    """Do not take a clue in, with a reason."""
    read_clue(db, clue_id)
    now = dt.datetime.now(dt.UTC)
    clue = reject_clue(system, clue_id, reason=body.reason, by=caller.username, at=now)
    return json_response(clue_document(system, clue))


@router.post("/clues/{clue_id}/merge", name="merge_clue", response_model=ClueDocument, dependencies=[DECIDE])
def merge_one_clue(clue_id: ClueId, body: MergeBody, caller: CallerDep, db: Db, system: SystemDb) -> Response:
    """Merge a clue into a case or into another clue that the caller may see."""
    read_clue(db, clue_id)
    into = None if body.clue_id is None else read_clue(system, read_clue(db, body.clue_id).id)
    case = None if body.case_number is None else _case(db, system, body.case_number)
    now = dt.datetime.now(dt.UTC)
    clue = merge_clue(system, clue_id, by=caller.username, at=now, case=case, into=into)
    return json_response(clue_document(system, clue))


@router.post("/clues/{clue_id}/link", response_model=ClueDocument, dependencies=[DECIDE])
def link_clue(clue_id: ClueId, body: LinkBody, caller: CallerDep, db: Db, system: SystemDb) -> Response:
    """Link a clue with a case that has to do with it."""
    read_clue(db, clue_id)
    case = _case(db, system, body.case_number)
    clue = relate_clue(system, clue_id, case, at=dt.datetime.now(dt.UTC))
    return json_response(clue_document(system, clue))


@router.post("/clues/{clue_id}/open", response_model=OpenedCase, dependencies=[DECIDE], status_code=201)
def open_clue(clue_id: ClueId, body: OpeningBody, caller: CallerDep, db: Db, system: SystemDb) -> Response:
    """Open the case of a clue, at the place and for the matter that the clerk decided."""
    read_clue(db, clue_id)
    case = open_case_of_clue(
        system,
        clue_id,
        title=body.title,
        item_code=body.item_code,
        lon=body.lon,
        lat=body.lat,
        by=caller.username,
        role=caller.role,
        at=dt.datetime.now(dt.UTC),
    )
    _check_reach(caller, case)
    return json_response({"number": case.number, "state": case.state, "clue": clue_id}, status=201)


@router.post("/cases", response_model=OpenedCase, dependencies=[OPEN], status_code=201)
def add_case(body: CaseBody, caller: CallerDep, db: SystemDb, key: IdempotencyKey = None) -> Response:
    """Open a case whose place and matter are known; the same key with the same body gives the same case."""
    now = dt.datetime.now(dt.UTC)
    facts = ClueFacts(
        source=body.source,
        text=f"{body.title}\n{body.text}",
        lon=body.lon,
        lat=body.lat,
        item_code=body.item_code,
        urgency=body.urgency,
    )
    clue = receive_clue(db, facts, at=now, created_by=caller.username, idempotency_key=key)
    if clue.case_id is None:
        case = open_case_of_clue(
            db,
            clue.id,
            title=body.title,
            item_code=body.item_code,
            lon=body.lon,
            lat=body.lat,
            by=caller.username,
            role=caller.role,
            at=now,
        )
        _check_reach(caller, case)
    else:
        case = db.get_one(Case, clue.case_id)
    return json_response({"number": case.number, "state": "reported", "clue": clue.id}, status=201)


def _case(db: Session, system: Session, number: str) -> Case:
    """Return a case that the caller may see, with the rights of the service."""
    return system.get_one(Case, read_case_file(db, number).case.id)


def _check_reach(caller: Caller, case: Case) -> None:
    """Refuse a case outside of the areas or domains of the account; nothing is written then."""
    reach = caller.areas_in_reach
    domains = caller.scope.domains
    if (reach is not None and case.area_id not in reach) or (domains and case.domain not in domains):
        raise OutOfScope(
            "the place or matter of the case is not this account's", "案件的位置或事项不在本账户范围内"
        )
