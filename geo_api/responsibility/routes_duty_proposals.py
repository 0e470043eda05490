"""Duty lists as changing law: previewed with their impact, proposed, approved by another person, undone."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import Caller, CallerDep, Db, SystemDb, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.errors import Problem
from geo_api.http.parameters import limit_parameter
from geo_api.http.representations import BINARY, JSON, json_response, link
from geo_api.http.request_bodies import JsonRoute
from geo_api.responsibility.duty_uploads import UploadedList, read_upload
from geo_api.responsibility.routes_duties import Day
from geo_api.responsibility.schemas import DutyImpact, DutyProposalDocument, DutyProposals, ProposalReason
from grid import duty_proposals as proposals
from layers.records import known_area_codes
from layers.tables import DutyProposal

router = APIRouter(prefix="/v1/duty-proposals", tags=["duty proposals"], route_class=JsonRoute)
ProposalId = Annotated[int, Path(ge=1, lt=2**63)]
FILE = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": BINARY}}}}
HEADERS = {"Cache-Control": PRIVATE}
On = Annotated[Day, Query(alias="effective_on", description="Day on which the list comes into force")]
Covers = Annotated[
    Literal["whole", "items"],
    Query(description="whole: the list replaces every item; items: those that it names, the others stay"),
]


def of_whole_city(caller: CallerDep) -> Caller:
    """Refuse accounts of a part: a duty list holds for the whole city."""
    if not caller.scope.city_wide or caller.scope.domains:
        raise Problem(
            "not-allowed",
            "A duty list holds for the whole city: an account of the whole city and every domain is needed.",
            "权责清单适用于全市，须由全市范围的账户办理。",
        )
    return caller


CITY = Depends(of_whole_city)
READING = [needs("propose_duties"), CITY]
APPROVING = [needs("approve_duties"), CITY]


async def sent_list(
    request: Request,
    name: Annotated[str, Query(min_length=1, max_length=400, description="Name of the file")] = "duties",
) -> tuple[bytes, str]:
    """Return the file in the body, with its name; its size was limited before."""
    return await request.body(), name


Sent = Annotated[tuple[bytes, str], Depends(sent_list)]


def _read(db: Session, sent: tuple[bytes, str]) -> UploadedList:
    return read_upload(*sent, known_area_codes(db))


@router.post("/preview", response_model=DutyImpact, dependencies=READING, openapi_extra=FILE)
def preview_duties(sent: Sent, system: SystemDb, on: On, covers: Covers) -> Response:
    """Return the impact of a list without storing it: cases, towns and officers that it touches."""
    impact = proposals.preview(system, _read(system, sent).lines, on, covers)
    return json_response(impact.as_json(), headers=HEADERS)


@router.post(
    "", response_model=DutyProposalDocument, dependencies=READING, status_code=201, openapi_extra=FILE
)
def propose_duties(
    sent: Sent,
    caller: CallerDep,
    system: SystemDb,
    on: On,
    covers: Covers,
    title: Annotated[str, Query(max_length=200)] = "",
    reason: Annotated[str, Query(max_length=2000)] = "",
) -> Response:
    """Propose a list (CSV, XLSX or Parquet in the body); it waits for the approval of another person."""
    given = _read(system, sent)
    made = proposals.propose(
        system,
        given.lines,
        by=caller.username,
        on=on,
        covers=covers,
        file=given.file,
        now=dt.datetime.now(dt.UTC),
        title=title,
        reason=reason,
    )
    return json_response(_document(system, made, caller), status=201, headers=HEADERS)


@router.get("", response_model=DutyProposals, dependencies=READING)
def list_proposals(
    request: Request,
    caller: CallerDep,
    db: Db,
    limit: Annotated[int, Depends(limit_parameter)],
    before: Annotated[int | None, Query(ge=1, le=2**62, description="Older than this one")] = None,
) -> Response:
    """Return proposed lists, the newest first, without their lines."""
    rows = proposals.newest_proposals(db, limit + 1, before)
    links = []
    if len(rows) > limit:
        further = request.url.include_query_params(before=rows[limit - 1].id, limit=limit)
        links.append(link("next", str(further), JSON, "Next page 下一页"))
    shown = [_facts(row, caller) for row in rows[:limit]]
    return json_response({"proposals": shown, "links": links}, headers=HEADERS)


@router.get("/{proposal_id}", response_model=DutyProposalDocument, dependencies=READING)
def get_proposal(proposal_id: ProposalId, caller: CallerDep, db: Db) -> Response:
    """Return one proposed list with its impact and its steps."""
    return json_response(_document(db, proposals.read_proposal(db, proposal_id), caller), headers=HEADERS)


@router.post("/{proposal_id}/approve", response_model=DutyProposalDocument, dependencies=APPROVING)
def approve_proposal(proposal_id: ProposalId, caller: CallerDep, db: Db, system: SystemDb) -> Response:
    """Approve a list: it is written and holds from its day on. Who proposed it does not approve it."""
    proposals.read_proposal(db, proposal_id)
    made = proposals.approve(system, proposal_id, by=caller.username, now=dt.datetime.now(dt.UTC))
    return json_response(_document(system, made, caller), headers=HEADERS)


@router.post("/{proposal_id}/reject", response_model=DutyProposalDocument, dependencies=READING)
def reject_proposal(
    proposal_id: ProposalId, body: ProposalReason, caller: CallerDep, db: Db, system: SystemDb
) -> Response:
    """Turn a list down; its author may withdraw it."""
    proposals.read_proposal(db, proposal_id)
    made = proposals.reject(
        system,
        proposal_id,
        by=caller.username,
        reason=body.reason,
        supervises=caller.may("approve_duties"),
        now=dt.datetime.now(dt.UTC),
    )
    return json_response(_document(system, made, caller), headers=HEADERS)


@router.post("/{proposal_id}/undo", response_model=DutyProposalDocument, dependencies=APPROVING)
def undo_proposal(
    proposal_id: ProposalId, body: ProposalReason, caller: CallerDep, db: Db, system: SystemDb
) -> Response:
    """Take an approved list back; refused (409) with what rests on it."""
    proposals.read_proposal(db, proposal_id)
    now = dt.datetime.now(dt.UTC)
    made = proposals.undo(system, proposal_id, by=caller.username, reason=body.reason, now=now)
    return json_response(_document(system, made, caller), headers=HEADERS)


def _facts(row: DutyProposal, caller: Caller) -> dict[str, Any]:
    names = ("id", "title", "reason", "author", "created_at", "effective_on", "covers", "file_name", "sha256",
             "status", "decided_by", "decided_at", "batch_id")  # fmt: skip
    waits = row.status == "proposed"
    approver = caller.may("approve_duties")
    return {name: getattr(row, name) for name in names} | {
        "n_lines": len(row.lines),
        "may_approve": waits and approver and row.author != caller.username,
        "may_reject": waits and (approver or row.author == caller.username),
        "may_undo": row.status == "approved" and approver,
    }


def _document(db: Session, row: DutyProposal, caller: Caller) -> dict[str, Any]:
    return _facts(row, caller) | {"preview": row.preview, "steps": proposals.steps_of(db, row.id)}
