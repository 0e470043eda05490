"""Change sets: a grid manager edits unit grids inside the own area, a higher level approves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session

from geo_api.areas.schemas import (
    ChangeSetBody,
    ChangeSetDocument,
    ChangeSets,
    ChangeSetTrial,
    CornersBody,
    GridCornersAnswer,
    RejectBody,
)
from geo_api.auth.access import Caller, CallerDep, Db, SystemDb, needs
from geo_api.http.parameters import SettingsDep, limit_parameter
from geo_api.http.representations import BINARY, json_response, older_links
from geo_api.http.request_bodies import JsonRoute
from geo_api.http.settings import Settings
from grid.change_sets import Approval, Editor, approvals
from grid.change_sets import lifecycle as editing
from layers.exports import MEDIA_TYPES, polygon_file
from layers.records import newest_change_sets, read_change_set
from layers.tables import ChangeSet

router = APIRouter(prefix="/v1/change-sets", tags=["change sets"], route_class=JsonRoute)
ChangeSetId = Annotated[int, Path(ge=1, lt=2**63)]
Format = Literal["csv", "fgb", "parquet", "gpkg"]
FILE_TYPES = [MEDIA_TYPES[form] for form in get_args(Format)]
FIELDS = (
    "id",
    "area_id",
    "status",
    "author",
    "approved_by",
    "created_at",
    "applied_at",
    "effective_at",
    "operations",
    "preview",
    "result",
    "undoes_id",
    "title",
    "reason",
    "keep_codes",
)


@router.get("", response_model=ChangeSets, dependencies=[needs("read_change_sets")])
def list_change_sets(
    request: Request,
    caller: CallerDep,
    db: Db,
    system: SystemDb,
    settings: SettingsDep,
    limit: Annotated[int, Depends(limit_parameter)],
    area: Annotated[
        str | None, Query(max_length=100, description="Id or code of an area: changes in it, or inside it")
    ] = None,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only ids below")] = None,
) -> Response:
    """Change sets of the caller's area, newest first."""
    rows = newest_change_sets(db, caller.areas_in_reach, area=area, limit=limit + 1, before=before)
    links, rows = older_links(request, rows, limit), rows[:limit]
    found = approvals(system, _editor(caller, settings), rows)
    return json_response({"change_sets": [_document(row, found[row.id]) for row in rows], "links": links})


@router.post("", response_model=ChangeSetDocument, dependencies=[needs("edit_areas")], status_code=201)
def draft_change_set(body: ChangeSetBody, caller: CallerDep, db: SystemDb, settings: SettingsDep) -> Response:
    """Check operations and preview them.

    What would leave a gap or an overlap is refused with its place (422).
    """
    editor = _editor(caller, settings)
    row = editing.draft(
        db,
        body.operations,
        editor,
        title=body.title,
        reason=body.reason,
        effective_at=body.effective_at,
        keep_codes=body.keep_codes,
        least_kept=settings.kept_code_land_share,
        profile=settings.unit_grid_profile(),
    )
    return json_response(_shown(db, editor, row), status=201)


@router.post(
    "/preview",
    response_model=ChangeSetTrial,
    responses={200: {"content": {media: {"schema": BINARY} for media in FILE_TYPES}}},
    dependencies=[needs("edit_areas")],
)
def preview_change_set(
    body: ChangeSetBody,
    caller: CallerDep,
    db: SystemDb,
    settings: SettingsDep,
    f: Annotated[Format | None, Query(description="The new areas as a file instead")] = None,
) -> Response:
    """Preview of operations without storing them; with ``f`` the new areas as a file.

    The answer is that of a draft, or the same refusal.
    """
    editor = _editor(caller, settings)
    row = editing.preview(
        db,
        body.operations,
        editor,
        title=body.title,
        reason=body.reason,
        effective_at=body.effective_at,
        keep_codes=body.keep_codes,
        least_kept=settings.kept_code_land_share,
        profile=settings.unit_grid_profile(),
    )
    if f is None:
        return json_response(_shown(db, editor, row) | {"status": "preview"})
    content = polygon_file(row.preview["result"]["features"], "draft", f)
    headers = {"Content-Disposition": f'attachment; filename="draft.{f}"'}
    return Response(content, media_type=MEDIA_TYPES[f], headers=headers)


@router.post("/corners", response_model=GridCornersAnswer, dependencies=[needs("edit_areas")])
def get_corners(body: CornersBody, caller: CallerDep, db: SystemDb, settings: SettingsDep) -> Response:
    """Corners and edges of a unit grid, with what the caller may do with each and who else may.

    With ``operations``: as it is after the steps of a draft.
    """
    return json_response(
        asdict(editing.corners(db, body.area_id, body.operations, _editor(caller, settings)))
    )


@router.get("/{change_set_id}", response_model=ChangeSetDocument, dependencies=[needs("read_change_sets")])
def get_change_set(
    change_set_id: ChangeSetId, caller: CallerDep, db: Db, system: SystemDb, settings: SettingsDep
) -> Response:
    """Return one change set of the caller's area, in whatever state."""
    return json_response(_shown(system, _editor(caller, settings), read_change_set(db, change_set_id)))


@router.post("/{change_set_id}/apply", response_model=ChangeSetDocument, dependencies=[needs("edit_areas")])
def apply_change_set(
    change_set_id: ChangeSetId, caller: CallerDep, db: SystemDb, settings: SettingsDep
) -> Response:
    """Approve a draft: at once in force, or from its date on. A higher level than the author's approves."""
    editor = _editor(caller, settings)
    row = editing.apply(
        db,
        change_set_id,
        editor,
        profile=settings.unit_grid_profile(),
        least_kept=settings.kept_code_land_share,
    )
    return json_response(_shown(db, editor, row))


@router.post("/{change_set_id}/reject", response_model=ChangeSetDocument, dependencies=[needs("edit_areas")])
def reject_change_set(
    change_set_id: ChangeSetId, body: RejectBody, caller: CallerDep, db: SystemDb, settings: SettingsDep
) -> Response:
    """Turn down a draft or one that waits for its date; its author may withdraw it."""
    editor = _editor(caller, settings)
    return json_response(_shown(db, editor, editing.reject(db, change_set_id, editor, body.reason)))


@router.post("/{change_set_id}/undo", response_model=ChangeSetDocument, dependencies=[needs("edit_areas")])
def undo_change_set(
    change_set_id: ChangeSetId, caller: CallerDep, db: SystemDb, settings: SettingsDep
) -> Response:
    """Take an applied change back, as a change of its own; it needs who may approve the change."""
    editor = _editor(caller, settings)
    return json_response(_shown(db, editor, editing.undo(db, change_set_id, editor)))


def _editor(caller: Caller, settings: Settings) -> Editor:
    reach = caller.areas_in_reach
    return Editor(caller.username, caller.role, caller.area_code, reach, settings.self_approval)


def _document(row: ChangeSet, approval: Approval) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS} | {
        "may_approve": approval.allowed,
        "approvers_en": approval.approvers_en,
        "approvers_zh": approval.approvers_zh,
    }


def _shown(db: Session, editor: Editor, row: ChangeSet) -> dict[str, Any]:
    return _document(row, approvals(db, editor, [row])[row.id])
