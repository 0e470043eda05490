"""Change sets: a grid manager splits and merges unit grids inside the own area."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from geo_api.access import Caller, CallerDep, Db, SystemDb, needs
from geo_api.parameters import limit_parameter
from geo_api.schemas import ChangeSetBody
from grid import editing
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
    "operations",
    "preview",
    "result",
    "undoes_id",
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
    return {"change_sets": [_document(row) for row in db.scalars(statement)]}


@router.post("", dependencies=[needs("edit_areas")], status_code=201)
def draft(body: ChangeSetBody, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Check operations and preview them. What would leave a gap or an overlap is refused with its place (422)."""
    operations = [operation.model_dump() for operation in body.operations]
    check_scope(db, caller, operations)
    return _document(editing.draft(db, operations, caller.username))


@router.post("/{change_set_id}/apply", dependencies=[needs("edit_areas")])
def apply(change_set_id: ChangeSetId, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Put a draft into force: old grids end, new ones begin, cases keep the grid that they had."""
    check_scope(db, caller, _read(db, change_set_id).operations)
    editing.apply(db, change_set_id, caller.username)
    return _document(_read(db, change_set_id))


@router.post("/{change_set_id}/undo", dependencies=[needs("edit_areas")])
def undo(change_set_id: ChangeSetId, caller: CallerDep, db: SystemDb) -> dict[str, Any]:
    """Take an applied change back, as a change of its own."""
    check_scope(db, caller, _read(db, change_set_id).operations)
    undone = editing.undo(db, change_set_id, caller.username)
    return _document(undone if isinstance(undone, ChangeSet) else _read(db, change_set_id))


def check_scope(db: Session, caller: Caller, operations: list[dict[str, Any]]) -> None:
    """Refuse operations on a unit grid whose community is not among the caller's areas."""
    if caller.scope.city_wide:
        return
    wanted = {
        area_id
        for op in operations
        for area_id in [*op.get("area_ids", []), *([op["area_id"]] if "area_id" in op else [])]
    }
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


def _document(row: ChangeSet) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}
