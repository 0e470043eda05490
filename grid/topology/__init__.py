"""Operations on a partition, one a file: from zones to the zones that take their place."""

from __future__ import annotations

from grid.topology.change import Change
from grid.topology.land import Land, check_touches, with_land, without_land
from grid.topology.merge import merge
from grid.topology.move import move, nearest_corner
from grid.topology.reshape import reshape
from grid.topology.split import split

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
