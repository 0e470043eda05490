"""Change sets: edits of the partition from draft to undo."""

from __future__ import annotations

from grid.change_sets.approval import Approval, Editor, approvals
from grid.change_sets.balance import MEASURES, balance_of
from grid.change_sets.operations import (
    AnyOperation,
    OperationBase,
    StoredOperation,
    Transfer,
    as_json,
    read_operations,
    stored_operations,
)

__all__ = [
    "MEASURES",
    "AnyOperation",
    "Approval",
    "Editor",
    "OperationBase",
    "StoredOperation",
    "Transfer",
    "approvals",
    "as_json",
    "balance_of",
    "read_operations",
    "stored_operations",
]
