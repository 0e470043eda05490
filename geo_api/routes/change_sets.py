"""Change sets: a grid manager edits unit grids inside the own area, a higher level approves."""

from __future__ import annotations

import os
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from geo_api.access import Caller, CallerDep, Db, SystemDb, needs
from geo_api.errors import Problem
from geo_api.grid_bodies import ChangeSetBody, RejectBody
from geo_api.parameters import limit_parameter
from grid import editing
from grid.operations import target_ids
from layers.errors import NotFound, OutOfScope
from layers.tables import Area, ChangeSet

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
    return {"change_sets": [_document(row, caller) for row in db.scalars(statement)]}


@router.post("", dependencies=[needs("edit_areas")], status_code=201)
def draft(body: ChangeSetBody, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Check operations and preview them. What would leave a gap or an overlap is refused with its place (422)."""
    operations = body.plain()
    check_scope(db, caller, operations)
    row = editing.draft(db, operations, caller.username, effective_at=body.effective_at)
    check_scope(db, caller, row.operations)
    row.title, row.reason = body.title.strip(), body.reason.strip()
    db.flush()
    return _document(row, caller)


@router.post("/preview", dependencies=[needs("edit_areas")])
def preview(body: ChangeSetBody, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """What a draft of these operations would answer, or be refused with; nothing is kept."""
    operations = body.plain()
    check_scope(db, caller, operations)
    with db.begin_nested() as trial:
        row = editing.draft(db, operations, caller.username, effective_at=body.effective_at)
        check_scope(db, caller, row.operations)
        document = _document(row, caller) | {"id": None, "status": "preview"}
        trial.rollback()
    return document


@router.post("/{change_set_id}/apply", dependencies=[needs("edit_areas")])
def apply(change_set_id: ChangeSetId, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Approve a draft: at once in force, or from its date on. Whoever drafted it does not approve it."""
    row = _read(db, change_set_id)
    check_scope(db, caller, row.operations)
    if row.status == "draft":
        check_approver(caller, row)
    editing.apply(db, change_set_id, caller.username)
    return _document(_read(db, change_set_id), caller)


@router.post("/{change_set_id}/reject", dependencies=[needs("edit_areas")])
def reject(change_set_id: ChangeSetId, body: RejectBody, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Turn down a draft, or withdraw one that waits for its date."""
    check_scope(db, caller, _read(db, change_set_id).operations)
    return _document(editing.reject(db, change_set_id, caller.username, body.reason), caller)


@router.post("/{change_set_id}/undo", dependencies=[needs("edit_areas")])
def undo(change_set_id: ChangeSetId, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Take an applied change back, as a change of its own."""
    check_scope(db, caller, _read(db, change_set_id).operations)
    return _document(editing.undo(db, change_set_id, caller.username), caller)


def self_approval() -> bool:
    """Whether an author may approve the own draft: ``WANGGE_SELF_APPROVAL``, off when not set."""
    return os.environ.get("WANGGE_SELF_APPROVAL", "").lower() in ("1", "true", "yes", "on")


def may_approve(caller: Caller, row: ChangeSet) -> bool:
    """An author does not approve the own draft, unless a supervisor or where the installation allows it."""
    return row.author != caller.username or caller.role == "supervisor" or self_approval()


def check_approver(caller: Caller, row: ChangeSet) -> None:
    """Refuse an author who approves the own draft."""
    if may_approve(caller, row):
        return
    raise Problem(
        "not-allowed",
        "Whoever drafted a change set does not approve it: ask a supervisor or another manager of the area.",
        "起草人不能审批自己的变更：请由上级或本区域另一名管理员审批。",
    )


def check_scope(db: Session, caller: Caller, operations: list[dict[str, Any]]) -> None:
    """Refuse operations on areas, or towards areas, that are not among the caller's."""
    if caller.scope.city_wide:
        return
    wanted = {
        area_id
        for op in operations
        for area_id in [*op.get("area_ids", []), *([op["area_id"]] if "area_id" in op else [])]
    }
    wanted |= set(target_ids(operations))
    allowed = caller.scope.area_ids
    inside = select(Area.id).where(
        Area.id.in_(wanted), or_(Area.parent_id.in_(allowed), Area.id.in_(allowed))
    )
    outside = wanted - set(db.scalars(inside))
    if outside:
        raise OutOfScope(f"area_ids: {', '.join(map(str, sorted(outside)))} lie outside of your area")


def _read(db: Session, change_set_id: int) -> ChangeSet:
    found = db.get(ChangeSet, change_set_id, populate_existing=True)
    if found is None:
        raise NotFound(f"no change set {change_set_id}")
    return found


def _document(row: ChangeSet, caller: Caller) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS} | {"may_approve": may_approve(caller, row)}
