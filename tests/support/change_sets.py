"""Change sets in the state that a test needs, edited by supervisors of the whole city.

Operations are plain data.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import read_areas
from grid.change_sets import Editor, lifecycle, read_operations
from grid.change_sets.lifecycle import apply_due, due_change_sets
from layers.tables import ChangeSet

__all__ = [
    "apply",
    "apply_due",
    "areas_after",
    "draft",
    "due_change_sets",
    "make_due",
    "preview",
    "supervisor",
    "undo",
]


def supervisor(name: str) -> Editor:
    """Somebody who may edit and approve everything."""
    return Editor(name, "supervisor", None, None)


def draft(db: Session, operations: list[dict[str, Any]], author: str, **more: Any) -> ChangeSet:
    """A draft of operations as ``read_operations`` takes them."""
    return lifecycle.draft(db, read_operations(operations), supervisor(author), **more)


def preview(db: Session, operations: list[dict[str, Any]], author: str, **more: Any) -> ChangeSet:
    """Compute the preview of operations; nothing is stored."""
    return lifecycle.preview(db, read_operations(operations), supervisor(author), **more)


def areas_after(db: Session, operations: list[dict[str, Any]]) -> dict[int, tuple[int, Any]]:
    """Community and outline of every unit grid after the steps of a draft, by its id in the draft."""
    frame = read_areas(db, kind="unit_grid")
    seen = (
        preview(db, operations, "a").preview
        if operations
        else {"voided_codes": [], "result": {"features": []}}
    )
    now = frame[~frame["code"].isin(seen["voided_codes"])]
    units = {int(row.id): (int(row.parent_id), row.geometry) for row in now.itertuples()}
    begun = [each for each in seen["result"]["features"] if each["properties"]["kind"] == "unit_grid"]
    return units | {
        each["id"]: (each["properties"]["parent_id"], shapely.geometry.shape(each["geometry"]))
        for each in begun
    }


def make_due(db: Session, change_set_id: int) -> dt.datetime:
    """Let the date of an approved change set come at this moment, which is returned."""
    statement = (
        "UPDATE change_sets SET effective_at = clock_timestamp() WHERE id = :id RETURNING effective_at"
    )
    date: dt.datetime = db.execute(text(statement), {"id": change_set_id}).scalar_one()
    return date


def apply(db: Session, change_set_id: int, approver: str, **more: Any) -> ChangeSet:
    """Put a draft into force."""
    return lifecycle.apply(db, change_set_id, supervisor(approver), **more)


def undo(db: Session, change_set_id: int, actor: str) -> ChangeSet:
    """Take an applied change set back."""
    return lifecycle.undo(db, change_set_id, supervisor(actor))
