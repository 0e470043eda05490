"""Areas: their history, the point index, communities and H3 cells."""

from __future__ import annotations

from grid.areas.cells import cell_boundaries, cells_of, parents_of
from grid.areas.communities import CommunityPointIndex, load_community_index, locate_fixes
from grid.areas.history import (
    HIERARCHY,
    OVERLAYS,
    AreaShape,
    AreaVersion,
    ancestor_chains,
    ancestors,
    areas_at_point,
    read_areas,
    scope_area_ids,
    time_or_now,
)
from grid.areas.point_index import AreaCover
from grid.areas.point_index_cache import load_point_index

__all__ = [
    "HIERARCHY",
    "OVERLAYS",
    "AreaCover",
    "AreaShape",
    "AreaVersion",
    "CommunityPointIndex",
    "ancestor_chains",
    "ancestors",
    "areas_at_point",
    "cell_boundaries",
    "cells_of",
    "load_community_index",
    "load_point_index",
    "locate_fixes",
    "parents_of",
    "read_areas",
    "scope_area_ids",
    "time_or_now",
]
