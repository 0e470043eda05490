"""Change sets: edits of the partition from draft to undo."""

from __future__ import annotations

from grid.change_sets.balance import MEASURES, balance_of
from grid.change_sets.operations import (
    AnyOperation,
    OperationBase,
    StoredOperation,
    as_json,
    read_operations,
    stored_operations,
)

__all__ = [
    "MEASURES",
    "AnyOperation",
    "OperationBase",
    "StoredOperation",
    "as_json",
    "balance_of",
    "read_operations",
    "stored_operations",
]
