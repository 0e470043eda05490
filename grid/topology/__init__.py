"""Operations on the zones of a partition and checks of its topology."""

from __future__ import annotations

from grid.topology.change import Change
from grid.topology.changed_edges import (
    MARGIN_DEG,
    Box,
    box_of,
    changed_box,
    grown,
    inside,
    joined,
    meets,
    newly_unshared,
    unshared_edges,
)
from grid.topology.checks import (
    Unit,
    as_geojson,
    differs,
    fault,
    in_metres,
    insert_nodes,
    local_area_m2,
    metres_scale,
)
from grid.topology.land import Land, check_touches, left_over, with_land, without_land
from grid.topology.merge import merge
from grid.topology.move import move, nearest_corner
from grid.topology.replacement import COMMON_LAND_M2, check_replacement, replace_zones, with_nodes
from grid.topology.reshape import reshape
from grid.topology.split import split

__all__ = [
    "COMMON_LAND_M2",
    "MARGIN_DEG",
    "Box",
    "Change",
    "Land",
    "Unit",
    "as_geojson",
    "box_of",
    "changed_box",
    "check_replacement",
    "check_touches",
    "differs",
    "fault",
    "grown",
    "in_metres",
    "insert_nodes",
    "inside",
    "joined",
    "left_over",
    "local_area_m2",
    "meets",
    "merge",
    "metres_scale",
    "move",
    "nearest_corner",
    "newly_unshared",
    "replace_zones",
    "reshape",
    "split",
    "unshared_edges",
    "with_land",
    "with_nodes",
    "without_land",
]
