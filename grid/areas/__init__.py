"""Areas: their history, the point index, the communities and hexagonal cells."""

from __future__ import annotations

from grid.areas.cells import cell_boundaries, cells_of, parents_of
from grid.areas.communities import CommunityCover, community_cover, place_fixes
from grid.areas.history import (
    HIERARCHY,
    OVERLAYS,
    AreaShape,
    AreaVersion,
    ancestors,
    areas_at_point,
    chains,
    moment,
    read_areas,
    scope_area_ids,
)
from grid.areas.point_index import AreaCover
from grid.areas.point_index_cache import cover_of

__all__ = [
    "HIERARCHY",
    "OVERLAYS",
    "AreaCover",
    "AreaShape",
    "AreaVersion",
    "CommunityCover",
    "ancestors",
    "areas_at_point",
    "cell_boundaries",
    "cells_of",
    "chains",
    "community_cover",
    "cover_of",
    "moment",
    "parents_of",
    "place_fixes",
    "read_areas",
    "scope_area_ids",
]
