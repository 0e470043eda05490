"""Operations on the zones of a partition, and checks of its topology."""

from __future__ import annotations

from grid.topology.changed_edges import (
    MARGIN_DEG,
    Box,
    bounding_box,
    box_intersects,
    changed_box,
    expand_box,
    newly_unshared_edges,
    points_inside,
    union_box,
    unshared_edges,
)
from grid.topology.checks import (
    ON_EDGE_DEG,
    Unit,
    as_geojson,
    insert_nodes,
    local_area_m2,
    metres_scale,
    outlines_differ,
    to_local_metres,
    topology_fault,
)
from grid.topology.land import (
    TransferredLand,
    add_land,
    check_common_edge,
    exchange_land,
    remaining_outline,
    subtract_land,
)
from grid.topology.merge import merge, union_zones
from grid.topology.move import (
    OUTER_BORDER_WORDS,
    adjacent_corners,
    edge_middle,
    move,
    nearest_corner,
    removed_corner_target,
    slides,
)
from grid.topology.narrow_parts import narrow_parts
from grid.topology.partition_change import PartitionChange
from grid.topology.replacement import (
    COMMON_LAND_M2,
    check_replacement,
    is_significant,
    replace_zones,
    with_nodes,
)
from grid.topology.reshape import reshape
from grid.topology.split import split

__all__ = [
    "COMMON_LAND_M2",
    "MARGIN_DEG",
    "ON_EDGE_DEG",
    "OUTER_BORDER_WORDS",
    "Box",
    "PartitionChange",
    "TransferredLand",
    "Unit",
    "add_land",
    "adjacent_corners",
    "as_geojson",
    "bounding_box",
    "box_intersects",
    "changed_box",
    "check_common_edge",
    "check_replacement",
    "edge_middle",
    "exchange_land",
    "expand_box",
    "insert_nodes",
    "is_significant",
    "local_area_m2",
    "merge",
    "metres_scale",
    "move",
    "narrow_parts",
    "nearest_corner",
    "newly_unshared_edges",
    "outlines_differ",
    "points_inside",
    "remaining_outline",
    "removed_corner_target",
    "replace_zones",
    "reshape",
    "slides",
    "split",
    "subtract_land",
    "to_local_metres",
    "topology_fault",
    "union_box",
    "union_zones",
    "unshared_edges",
    "with_nodes",
]
