"""Attachments of cases: photos and PDFs, served without the metadata that names people and places."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from geo_api.auth.access import Caller, CallerDep, Db, needs
from geo_api.cases.routes_cases import CaseNumber
from geo_api.cases.schemas import AttachmentDocument, AttachmentList, TakeBackBody
from geo_api.http.caching import PRIVATE
from geo_api.http.errors import Problem
from geo_api.http.representations import BINARY, json_response
from geo_api.http.request_bodies import JsonRoute
from grid.cases import (
    PREVIEW,
    VIEW,
    NewFile,
    attach,
    compared_with_case,
    read_attachment,
    read_attachments,
    served_copy,
    take_back,
)
from layers.attachments import MEDIA_TYPES, AttachmentStore
from layers.records import read_case_file
from layers.tables import Attachment

router = APIRouter(prefix="/v1/cases/{number}/attachments", tags=["cases"], route_class=JsonRoute)

AttachmentId = Annotated[int, Path(ge=1, le=2**63 - 1)]
FileName = Annotated[str, Query(min_length=1, max_length=400, description="Name of the file")]
FILE = {"requestBody": {"required": True, "content": {media: {"schema": BINARY} for media in MEDIA_TYPES}}}
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {"schema": BINARY}, "application/pdf": {"schema": BINARY}}}
}
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {"schema": BINARY}}}}
ORIGINAL: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": BINARY}}}
}
CLOSED = "default-src 'none'; sandbox"


async def sent_file(request: Request) -> bytes:
    """Return the body; its size was limited before."""
    return await request.body()


def attachment_document(
    found: Attachment, number: str, opened_at: dt.datetime, caller: Caller
) -> dict[str, object]:
    """Return an attachment with its addresses, and how a photo fits the case."""
    there = found.taken_back_at is None
    path = f"/v1/cases/{quote(number, safe='')}/attachments/{found.id}"
    names = ("id", "event_seq", "name", "kind", "media_type", "size_bytes", "sha256", "width", "height", "taken_at",
             "distance_m", "added_at", "added_by", "taken_back_at", "taken_back_by", "taken_back_reason")  # fmt: skip
    return {
        **{name: getattr(found, name) for name in names},
        "comparison": compared_with_case(found, opened_at),
        "file": f"{path}/file" if there else None,
        "preview": f"{path}/preview.jpg" if there and found.kind == "photo" else None,
        "original": f"{path}/original" if caller.may("read_originals") else None,
    }


@router.get("", response_model=AttachmentList, dependencies=[needs("read_cases")])
def list_attachments(number: CaseNumber, caller: CallerDep, db: Db) -> Response:
    """Return the attachments of a case, and those that were taken back with the reason."""
    opened_at = read_case_file(db, number).case.opened_at
    rows = [attachment_document(row, number, opened_at, caller) for row in read_attachments(db, number)]
    return json_response({"attachments": rows}, headers={"Cache-Control": PRIVATE})


@router.post(
    "",
    response_model=AttachmentDocument,
    dependencies=[needs("move_cases")],
    status_code=201,
    openapi_extra=FILE,
)
def attach_file(
    request: Request,
    number: CaseNumber,
    caller: CallerDep,
    db: Db,
    content: Annotated[bytes, Depends(sent_file)],
    name: FileName = "photo",
) -> Response:
    """Attach a photo (JPEG, PNG, WebP, HEIC) or a PDF: the body is the file. Its kind is read from its content."""
    opened_at = read_case_file(db, number).case.opened_at
    made = attach(
        db,
        _store(request),
        number,
        NewFile(name, content),
        actor=caller.username,
        role=caller.role,
        body=caller.scope.body,
        at=dt.datetime.now(dt.UTC),
    )
    return json_response(attachment_document(made, number, opened_at, caller), status=201)


@router.get(
    "/{attachment_id}/file", dependencies=[needs("read_cases")], response_class=Response, responses=FILES
)
def get_attachment(request: Request, number: CaseNumber, attachment_id: AttachmentId, db: Db) -> Response:
    """Return a photo as JPEG without metadata, or a PDF to be saved."""
    found = _in_force(db, number, attachment_id)
    if found.kind == "photo":
        return _file(served_copy(_store(request), found, VIEW), "image/jpeg", found.name, inline=True)
    return _file(_store(request).get(found.sha256), found.media_type, found.name)


@router.get(
    "/{attachment_id}/preview.jpg",
    dependencies=[needs("read_cases")],
    response_class=Response,
    responses=JPEG,
)
def get_attachment_preview(
    request: Request, number: CaseNumber, attachment_id: AttachmentId, db: Db
) -> Response:
    """Return a small picture of a photo."""
    found = _in_force(db, number, attachment_id)
    if found.kind != "photo":
        raise Problem("not-found", "This attachment is no photo.", "该附件不是照片。")
    return _file(served_copy(_store(request), found, PREVIEW), "image/jpeg", found.name, inline=True)


@router.get(
    "/{attachment_id}/original",
    dependencies=[needs("read_originals")],
    response_class=Response,
    responses=ORIGINAL,
)
def get_attachment_original(
    request: Request, number: CaseNumber, attachment_id: AttachmentId, db: Db
) -> Response:
    """Return a file as it was sent, with its metadata: for supervisors."""
    found = read_attachment(db, number, attachment_id)
    return _file(_store(request).get(found.sha256), "application/octet-stream", found.name)


@router.post(
    "/{attachment_id}/take-back", response_model=AttachmentDocument, dependencies=[needs("move_cases")]
)
def take_back_attachment(
    number: CaseNumber, attachment_id: AttachmentId, body: TakeBackBody, caller: CallerDep, db: Db
) -> Response:
    """Hide an attachment, with a reason that the chain keeps; nothing is deleted."""
    opened_at = read_case_file(db, number).case.opened_at
    found = take_back(
        db,
        number,
        attachment_id,
        reason=body.reason,
        actor=caller.username,
        role=caller.role,
        body=caller.scope.body,
        at=dt.datetime.now(dt.UTC),
    )
    return json_response(attachment_document(found, number, opened_at, caller))


def _store(request: Request) -> AttachmentStore:
    store: AttachmentStore = request.app.state.attachment_store
    return store


def _in_force(db: Db, number: str, attachment_id: int) -> Attachment:
    found = read_attachment(db, number, attachment_id)
    if found.taken_back_at is not None:
        raise Problem("not-found", "This attachment was taken back.", "该附件已撤回。")
    return found


def _file(content: bytes, media_type: str, name: str, *, inline: bool = False) -> Response:
    """Return a file that no page may run: it is saved, or shown in a sandbox where nothing loads."""
    how = "inline" if inline else "attachment"
    headers = {
        "Cache-Control": PRIVATE,
        "Content-Security-Policy": CLOSED,
        "Content-Disposition": f"{how}; filename*=UTF-8''{quote(name, safe='')}",
    }
    return Response(content, media_type=media_type, headers=headers)
