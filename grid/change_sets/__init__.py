"""Change sets: edits of the partition from draft to undo."""

from __future__ import annotations

from grid.change_sets.balance import MEASURES, balance_of
from grid.change_sets.operations import target_ids

__all__ = ["MEASURES", "balance_of", "target_ids"]
