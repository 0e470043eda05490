"""Drafts: kept on the server as they are drawn up, opened from any tab or device, shared by link within the scope."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from geo_api.areas.draft_schemas import DraftBody, DraftDocument, Drafts, WorkAround
from geo_api.auth.access import Caller, CallerDep, Db, SystemDb, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.errors import Problem
from geo_api.http.parameters import limit_parameter
from geo_api.http.representations import json_response
from geo_api.http.request_bodies import JsonRoute
from grid.change_sets import drafts as kept
from layers.tables import EditDraft

router = APIRouter(prefix="/v1/drafts", tags=["drafts"], route_class=JsonRoute)
DraftId = Annotated[int, Path(ge=1, lt=2**63)]
READING, EDITING = [needs("read_change_sets")], [needs("edit_areas")]
CODES_SHOWN = 20
_ETAG = re.compile(r'\s*(?:W/)?"(\d{1,18})"\s*')


def known_version(
    if_match: Annotated[
        str | None, Header(description="ETag of the draft as you know it", max_length=200)
    ] = None,
) -> int:
    """Return the version in ``If-Match``; 428 without it, 412 when it is no tag of a draft."""
    if if_match is None or not if_match.strip():
        raise Problem(
            "version-needed", "Send the ETag of GET as If-Match.", "请以 If-Match 发送读取时的 ETag。"
        )
    found = _ETAG.fullmatch(if_match)
    if found is None:
        raise Problem(
            "version-conflict",
            f"If-Match: {if_match[:80]!r} is not an ETag of a draft: read it again.",
            "If-Match 不是草稿的 ETag：请重新读取草稿。",
        )
    return int(found.group(1))


Version = Annotated[int, Depends(known_version)]


@router.get("", response_model=Drafts, dependencies=READING)
def list_drafts(
    caller: CallerDep,
    db: Db,
    limit: Annotated[int, Depends(limit_parameter)],
    shared: Annotated[bool, Query(description="Also those that others share with the caller")] = False,
) -> Response:
    """Return the caller's drafts, the one changed last first, without their steps."""
    rows = kept.drafts_in_reach(db, caller.username, shared=shared, limit=limit)
    return json_response({"drafts": [_facts(row, caller) for row in rows]}, headers=_headers())


@router.get("/around", response_model=WorkAround, dependencies=READING)
def get_work_around(
    caller: CallerDep,
    db: SystemDb,
    area_ids: Annotated[
        str, Query(max_length=4000, pattern=r"^\d{1,18}(,\d{1,18})*$", description="Ids of areas, as 17,18")
    ],
) -> Response:
    """Return others' drafts and the waiting change sets on the same areas, to look at before one begins.

    Of a draft that is not shared the owner, the name and the day are told, never the steps.
    """
    ids = [int(each) for each in area_ids.split(",")]
    found = kept.work_around(db, ids, username=caller.username, reach=caller.areas_in_reach)
    return json_response(asdict(found), headers=_headers())


@router.post("", response_model=DraftDocument, dependencies=EDITING, status_code=201)
def create_draft(body: DraftBody, caller: CallerDep, db: Db) -> Response:
    """Store a draft; 409 when the caller has fifty already."""
    return _answer(kept.create_draft(db, caller.username, _content(body)), caller, status=201)


@router.get("/{draft_id}", response_model=DraftDocument, dependencies=READING)
def get_draft(draft_id: DraftId, caller: CallerDep, db: Db) -> Response:
    """Return a draft of the caller, or one that is shared with the caller, who reads and copies it."""
    return _answer(kept.read_draft(db, draft_id), caller)


@router.put("/{draft_id}", response_model=DraftDocument, dependencies=EDITING)
def put_draft(draft_id: DraftId, body: DraftBody, version: Version, caller: CallerDep, db: Db) -> Response:
    """Write an own draft that is still the version of `If-Match`; 412 when another tab or device saved it meanwhile."""
    return _answer(kept.change_draft(db, draft_id, caller.username, version, _content(body)), caller)


@router.delete("/{draft_id}", dependencies=EDITING, status_code=204)
def delete_draft(draft_id: DraftId, version: Version, caller: CallerDep, db: Db) -> Response:
    """Delete an own draft that is still the version of `If-Match`."""
    kept.delete_draft(db, draft_id, caller.username, version)
    return Response(status_code=204)


@router.post("/{draft_id}/copy", response_model=DraftDocument, dependencies=EDITING, status_code=201)
def copy_draft(draft_id: DraftId, caller: CallerDep, db: Db) -> Response:
    """Copy a draft, the own or a shared one, to a new one of the caller."""
    return _answer(kept.copy_draft(db, draft_id, caller.username), caller, status=201)


def _content(body: DraftBody) -> kept.DraftContent:
    return kept.DraftContent(**body.model_dump(mode="json") | {"effective_on": body.effective_on})


def _facts(row: EditDraft, caller: Caller) -> dict[str, Any]:
    zones = {zone["code"]: None for step in row.steps for zone in step["zones"]}
    names = ("id", "name", "owner", "title", "shared", "version", "created_at", "changed_at")
    return {name: getattr(row, name) for name in names} | {
        "mine": row.owner == caller.username,
        "n_steps": len(row.steps),
        "codes": list(zones)[:CODES_SHOWN],
    }


def _answer(row: EditDraft, caller: Caller, status: int = 200) -> Response:
    names = ("reason", "effective_on", "keep_codes", "steps", "undone")
    document = _facts(row, caller) | {name: getattr(row, name) for name in names}
    return json_response(document, status=status, headers=_headers(row.version))


def _headers(version: int | None = None) -> dict[str, str]:
    tag = {} if version is None else {"ETag": f'"{version}"'}
    return {"Cache-Control": PRIVATE, **tag}
