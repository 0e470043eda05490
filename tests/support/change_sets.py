"""Change sets with operations as plain data: what tests write, read as a request's body is."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from grid.change_sets import lifecycle
from grid.change_sets.lifecycle import apply, apply_due, due_change_sets, reject, undo
from grid.change_sets.operations import read_operations
from layers.tables import ChangeSet

__all__ = ["apply", "apply_due", "draft", "due_change_sets", "reject", "undo"]


def draft(db: Session, operations: list[dict[str, Any]], author: str, **more: Any) -> ChangeSet:
    """A draft of operations as ``read_operations`` takes them."""
    return lifecycle.draft(db, read_operations(operations), author, **more)
