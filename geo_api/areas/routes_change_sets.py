"""Change sets: a grid manager edits unit grids inside the own area, a higher level approves."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import geopandas as gpd
from fastapi import APIRouter, Depends, Path, Query, Response
from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from geo_api.areas.schemas import ChangeSetBody, RejectBody
from geo_api.auth.access import Caller, CallerDep, Db, SystemDb, needs
from geo_api.http.errors import Problem
from geo_api.http.parameters import limit_parameter
from grid.change_sets import OperationBase, stored_operations
from grid.change_sets import lifecycle as editing
from layers.errors import NotFound, OutOfScope
from layers.tables import Area, ChangeSet, User

router = APIRouter(prefix="/v1/change-sets", tags=["change sets"])
ChangeSetId = Annotated[int, Path(ge=1, lt=2**63)]
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
)


@router.get("", dependencies=[needs("read_change_sets")])
def change_sets(
    caller: CallerDep,
    db: Db,
    system: SystemDb,
    limit: Annotated[int, Depends(limit_parameter)],
    area: Annotated[
        str | None, Query(max_length=100, description="Id or code of the area that holds the change")
    ] = None,
) -> dict[str, Any]:
    """Change sets of the caller's area, newest first."""
    statement = select(ChangeSet).order_by(ChangeSet.id.desc()).limit(limit)
    if not caller.scope.city_wide:
        statement = statement.where(ChangeSet.area_id.in_(caller.scope.area_ids))
    if area is not None:
        ids = select(Area.id).where(or_(Area.code == area, cast(Area.id, Text) == area))
        statement = statement.where(ChangeSet.area_id.in_(ids))
    rows = db.scalars(statement).all()
    may = may_approve(system, caller, *rows)
    return {"change_sets": [_document(row, may[row.id]) for row in rows]}


@router.post("", dependencies=[needs("edit_areas")], status_code=201)
def draft(body: ChangeSetBody, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Check operations and preview them. What would leave a gap or an overlap is refused with its place (422)."""
    check_scope(db, caller, body.operations)
    row = editing.draft(db, body.operations, caller.username, effective_at=body.effective_at)
    check_scope(db, caller, stored_operations(row.operations))
    row.title, row.reason = body.title.strip(), body.reason.strip()
    db.flush()
    return _answer(db, caller, row)


@router.post("/preview", dependencies=[needs("edit_areas")], response_model=None)
def preview(
    body: ChangeSetBody,
    caller: CallerDep,
    db: SystemDb,
    f: Annotated[Format | None, Query(description="The new areas as a file instead")] = None,
) -> dict[str, Any] | Response:
    """What a draft of these operations would answer, or be refused with; nothing is kept. With ``f``: its new areas as a file."""
    check_scope(db, caller, body.operations)
    with db.begin_nested() as trial:
        row = editing.draft(db, body.operations, caller.username, effective_at=body.effective_at)
        check_scope(db, caller, stored_operations(row.operations))
        document = _answer(db, caller, row) | {"id": None, "status": "preview"}
        trial.rollback()
    if f is None:
        return document
    content = draft_file(document["preview"]["result"], f)
    headers = {"Content-Disposition": f'attachment; filename="draft.{f}"'}
    return Response(content, media_type=MEDIA_TYPES[f], headers=headers)


@router.post("/{change_set_id}/apply", dependencies=[needs("edit_areas")])
def apply(change_set_id: ChangeSetId, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Approve a draft: at once in force, or from its date on. A higher level than the author's approves."""
    row = _read(db, caller, change_set_id)
    check_scope(db, caller, stored_operations(row.operations))
    if row.status == "draft":
        check_approver(db, caller, row)
    editing.apply(db, change_set_id, caller.username)
    return _answer(db, caller, _read(db, caller, change_set_id))


@router.post("/{change_set_id}/reject", dependencies=[needs("edit_areas")])
def reject(change_set_id: ChangeSetId, body: RejectBody, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Turn down a draft or one that waits for its date; its author may withdraw it."""
    row = _read(db, caller, change_set_id)
    check_scope(db, caller, stored_operations(row.operations))
    if row.author != caller.username:
        check_approver(db, caller, row)
    return _answer(db, caller, editing.reject(db, change_set_id, caller.username, body.reason))


@router.post("/{change_set_id}/undo", dependencies=[needs("edit_areas")])
def undo(change_set_id: ChangeSetId, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Take an applied change back, as a change of its own; it needs a higher level than the author's, like the change."""
    row = _read(db, caller, change_set_id)
    check_scope(db, caller, stored_operations(row.operations))
    check_approver(db, caller, row)
    return _answer(db, caller, editing.undo(db, change_set_id, caller.username))


def self_approval() -> bool:
    """Whether an author may approve the own draft: ``WANGGE_SELF_APPROVAL``, off when not set."""
    return os.environ.get("WANGGE_SELF_APPROVAL", "").lower() in ("1", "true", "yes", "on")


def may_approve(system: Session, caller: Caller, *rows: ChangeSet) -> dict[int, bool]:
    """Which change sets the caller may put into force or take back, by id: a higher level than the author's does.

    A supervisor stands above the grid managers of the own area; a grid manager above those of smaller areas in it.
    """
    if caller.role == "supervisor" or self_approval():
        return {row.id: True for row in rows}
    authors = {row.author for row in rows}
    accounts = select(User.username, User.area_code, User.role).where(User.username.in_(authors))
    below = {
        name: area is not None and area != caller.area_code and role != "supervisor"
        for name, area, role in system.execute(accounts)
    }
    if not caller.scope.city_wide:
        areas = select(User.username).join(Area, Area.code == User.area_code)
        inside = areas.where(User.username.in_(authors), Area.id.in_(caller.scope.area_ids))
        within = set(system.scalars(inside))
        below = {name: lower and name in within for name, lower in below.items()}
    return {row.id: row.author != caller.username and below.get(row.author, False) for row in rows}


def check_approver(system: Session, caller: Caller, row: ChangeSet) -> None:
    """Refuse whoever does not stand above the author of a change set."""
    if may_approve(system, caller, row)[row.id]:
        return
    raise Problem(
        "not-allowed",
        "A change set is approved, and taken back, by a higher level than its author's: ask a supervisor of the area or"
        " the grid manager of a larger one.",
        "变更须由上一级审批或撤销：请由本区域的监督员或上级区域的网格管理员办理。",
    )


def check_scope(db: Session, caller: Caller, operations: Sequence[OperationBase]) -> None:
    """Refuse operations on areas, or towards areas, that are not among the caller's."""
    if caller.scope.city_wide:
        return
    wanted = {
        area_id for operation in operations for area_id in [*operation.changed_ids, *operation.target_ids]
    }
    allowed = caller.scope.area_ids
    inside = select(Area.id).where(
        Area.id.in_(wanted), or_(Area.parent_id.in_(allowed), Area.id.in_(allowed))
    )
    outside = wanted - set(db.scalars(inside))
    if outside:
        raise OutOfScope(f"area_ids: {', '.join(map(str, sorted(outside)))} lie outside of your area")


def _read(db: Session, caller: Caller, change_set_id: int) -> ChangeSet:
    """The change set; one that the list does not show the caller is not found either."""
    found = db.get(ChangeSet, change_set_id, populate_existing=True)
    if found is None or not (caller.scope.city_wide or found.area_id in caller.scope.area_ids):
        raise NotFound(f"no change set {change_set_id}")
    return found


def _document(row: ChangeSet, may: bool) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS} | {"may_approve": may}


def _answer(db: Session, caller: Caller, row: ChangeSet) -> dict[str, Any]:
    return _document(row, may_approve(db, caller, row)[row.id])


Format = Literal["csv", "fgb", "parquet", "gpkg"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "fgb": "application/flatgeobuf",
    "parquet": "application/vnd.apache.parquet",
    "gpkg": "application/geopackage+sqlite3",
}
LAYER = "draft"


def draft_file(result: dict[str, Any], form: Format) -> bytes:
    """The features of a preview's ``result`` as one file in WGS-84 (EPSG:4326).

    Parameters
    ----------
    result : dict
        FeatureCollection of polygons with ``code``, ``name``, ``kind`` and ``area_m2``.
    form : {"csv", "fgb", "parquet", "gpkg"}
        CSV is UTF-8 with a byte order mark and the geometry as ``wkt``, like the exports of collections.
    """
    areas = gpd.GeoDataFrame.from_features(result["features"], crs=4326)
    if form == "csv":
        table = areas.drop(columns="geometry").assign(wkt=areas.geometry.to_wkt(rounding_precision=9))
        return table.to_csv(index=False).encode("utf-8-sig")
    out = io.BytesIO()
    if form == "parquet":
        areas.to_parquet(out, index=False)
    else:
        driver = {"fgb": "FlatGeobuf", "gpkg": "GPKG"}[form]
        areas.to_file(out, driver=driver, layer=LAYER, engine="pyogrio", promote_to_multi=True)
    return out.getvalue()
