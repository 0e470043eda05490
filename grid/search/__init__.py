"""Search over everything that has a name, a number or a place, in the caller's scope."""

from __future__ import annotations

from grid.search.coordinates import CoordinateReading, read_coordinates
from grid.search.finding import Asked, find
from grid.search.hits import Group, Hit

__all__ = ["Asked", "CoordinateReading", "Group", "Hit", "find", "read_coordinates"]
