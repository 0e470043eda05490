"""Operations on a partition, one a file: from zones to the zones that take their place."""

from __future__ import annotations

from grid.edits.change import Change
from grid.edits.merge import merge
from grid.edits.move import move, nearest_corner
from grid.edits.reshape import reshape
from grid.edits.split import split
from grid.edits.transfer import Land, check_touches, with_land, without_land

__all__ = [
    "Change",
    "Land",
    "check_touches",
    "merge",
    "move",
    "nearest_corner",
    "reshape",
    "split",
    "with_land",
    "without_land",
]
