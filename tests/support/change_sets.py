"""Change sets in the state that a test needs; operations are plain data, read as a request's body is."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.change_sets import lifecycle
from grid.change_sets.lifecycle import apply, apply_due, due_change_sets, reject, undo
from grid.change_sets.operations import read_operations
from layers.tables import ChangeSet

__all__ = ["apply", "apply_due", "draft", "due_change_sets", "make_due", "reject", "undo"]


def draft(db: Session, operations: list[dict[str, Any]], author: str, **more: Any) -> ChangeSet:
    """A draft of operations as ``read_operations`` takes them."""
    return lifecycle.draft(db, read_operations(operations), author, **more)


def make_due(db: Session, change_set_id: int) -> dt.datetime:
    """Let the date of an approved change set come at this moment, which is returned."""
    statement = (
        "UPDATE change_sets SET effective_at = clock_timestamp() WHERE id = :id RETURNING effective_at"
    )
    date: dt.datetime = db.execute(text(statement), {"id": change_set_id}).scalar_one()
    return date
