"""Cases: the file of one case, its steps, the proof of its chain, its report."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from geo_api.auth.access import Caller, CallerDep, Db, SystemDb, needs
from geo_api.cases.chain_keys import ChainKeys
from geo_api.cases.documents import case_document
from geo_api.cases.packs import MEDIA_TYPE, make_pack
from geo_api.cases.reports import case_page
from geo_api.cases.schemas import CaseDocument, CaseEventBody, ChainVerdict
from geo_api.http.caching import PRIVATE, entity_tags
from geo_api.http.errors import Problem
from geo_api.http.representations import (
    BINARY,
    PDF,
    PDF_ANSWER,
    ReportLanguages,
    json_response,
    page_language,
)
from geo_api.http.request_bodies import JsonRoute
from grid.cases import check_facts, transition, verify_case
from layers.records import read_case_file
from maps.printing import find_chromium, print_pdf

router = APIRouter(prefix="/v1/cases", tags=["cases"], route_class=JsonRoute)


def known_hashes(
    if_match: Annotated[
        str | None, Header(description="ETag of the case as you know it, or * for any", max_length=2000)
    ] = None,
) -> list[str] | None:
    """Return the hashes in ``If-Match``; None: any. 428 without the header."""
    if if_match is None or not if_match.strip():
        raise Problem(
            "version-needed",
            "Send the ETag of GET /v1/cases/{number} as If-Match, or *.",
            "请以 If-Match 发送读取案件时的 ETag（或 *）。",
        )
    if if_match.strip() == "*":
        return None
    return entity_tags(if_match)


KnownHashes = Annotated[list[str] | None, Depends(known_hashes)]
CaseNumber = Annotated[str, Path(min_length=1, max_length=100)]


@router.get("/{number}", response_model=CaseDocument, dependencies=[needs("read_cases")])
def get_case(number: CaseNumber, caller: CallerDep, db: Db) -> Response:
    """One case: facts, assignment with its explanation, every event, and what the caller may do next."""
    return _case_answer(db, number, caller)


@router.post(
    "/{number}/events",
    response_model=CaseDocument,
    dependencies=[needs("move_cases")],
    status_code=201,
)
def add_case_event(
    number: CaseNumber, body: CaseEventBody, known: KnownHashes, caller: CallerDep, db: Db
) -> Response:
    """Take one step (verify, file, dispatch, arrive, dispose, feed_back, review, check, close, return, rework …).

    `If-Match` is the ETag of the case as it was read (412 when somebody took a step since), or `*`.
    """
    read_case_file(db, number)  # a case of somebody else's area is not found, whatever the step
    check_facts(body.action, body.payload)
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
        if_match=known,
    )
    db.flush()
    return _case_answer(db, number, caller, status=201)


def _case_answer(db: Session, number: str, caller: Caller, status: int = 200) -> Response:
    found = read_case_file(db, number)
    headers = {"Cache-Control": PRIVATE, "ETag": f'"{found.events[-1].hash}"' if found.events else '""'}
    return json_response(case_document(db, found, caller), status=status, headers=headers)


@router.get(
    "/{number}/verify", name="verify_case", response_model=ChainVerdict, dependencies=[needs("read_cases")]
)
def verify_one_case(request: Request, number: CaseNumber, db: Db, system: SystemDb) -> Response:
    """Verify the hash chain of the case's events, its columns, and the signed heads over them."""
    found = read_case_file(db, number)
    keys: ChainKeys = request.app.state.chain_keys
    report = verify_case(system, number, keys.public_keys(), keys.known_head(), dt.datetime.now(dt.UTC))
    verdict = {
        "number": number,
        "events": len(found.events),
        "under_heads": report.n_events,
        "waiting": report.waiting,
        "newest_head": None if report.newest is None else vars(report.newest),
        "holds": not report.faults,
        "faults": [str(f) for f in report.faults],
    }
    return json_response(verdict)


@router.get(
    "/{number}/pack.zip",
    dependencies=[needs("pack_cases")],
    response_class=Response,
    responses={200: {"content": {MEDIA_TYPE: {"schema": BINARY}}}},
)
def get_case_pack(request: Request, number: CaseNumber, db: Db) -> Response:
    """Return the case pack: one zip with all that proves the case, and the program that verifies it."""
    read_case_file(db, number)
    state = request.app.state
    now, snapshots = dt.datetime.now(dt.UTC), state.settings.snapshots_folder()
    pack = make_pack(state.url, state.chain_keys, state.attachment_store, number, now, snapshots)
    headers = {
        "Cache-Control": PRIVATE,
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(number)}.zip",
    }
    return Response(pack, media_type=MEDIA_TYPE, headers=headers)


@router.get("/{number}/report.html", dependencies=[needs("read_cases")], response_class=HTMLResponse)
def get_case_report(
    request: Request, number: CaseNumber, caller: CallerDep, db: Db, lang: ReportLanguages = None
) -> HTMLResponse:
    """Return the case as one HTML file that opens without a network."""
    found = read_case_file(db, number)
    html = case_page(db, found, caller, lang or page_language(request))
    return HTMLResponse(html, headers=_report_headers(number, "html"))


@router.get(
    "/{number}/report.pdf",
    dependencies=[needs("read_cases")],
    response_class=Response,
    responses=PDF_ANSWER,
)
def get_case_report_as_pdf(
    request: Request, number: CaseNumber, caller: CallerDep, db: Db, lang: ReportLanguages = None
) -> Response:
    """Return the report of the case as PDF on A4, with its map. 503 where the installation has no Chromium."""
    found = read_case_file(db, number)
    chromium = find_chromium(request.app.state.settings.chromium)
    pdf = print_pdf(case_page(db, found, caller, lang or page_language(request)), chromium)
    return Response(pdf, media_type=PDF, headers=_report_headers(number, "pdf"))


def _report_headers(number: str, ending: str) -> dict[str, str]:
    disposition = f"inline; filename*=UTF-8''{quote(number)}.{ending}"
    return {"Cache-Control": PRIVATE, "Content-Disposition": disposition}
