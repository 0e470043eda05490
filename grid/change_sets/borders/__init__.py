"""Borders of larger areas in edits: which corners move, for whom, and who else may move them."""

from __future__ import annotations

from grid.change_sets.borders.corners import Corner, Edge, GridCorners, corners_of, moving_units
from grid.change_sets.borders.reach import check_reach, is_in_reach, out_of_reach, who_may

__all__ = [
    "Corner",
    "Edge",
    "GridCorners",
    "check_reach",
    "corners_of",
    "is_in_reach",
    "moving_units",
    "out_of_reach",
    "who_may",
]
