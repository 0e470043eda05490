"""Merging of neighbouring zones into one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from grid.topology.checks import Unit, topology_fault
from grid.topology.partition_change import PartitionChange


def merge(units: Sequence[Unit], parts_reason: str = "") -> PartitionChange:
    """Merge zones of one community that share edges.

    Parameters
    ----------
    units : sequence of Unit
    parts_reason : str
        Reason why zones that lie apart (islands) become one zone of several parts.

    Raises
    ------
    TopologyFault
        ``outside_parent`` (zones of several communities) or ``not_neighbours`` (no common edge; a common
        corner is not enough), with the parts that lie apart.
    """
    if len({unit.parent_id for unit in units}) > 1:
        raise topology_fault(
            "outside_parent",
            units,
            "zones of different communities cannot be merged",
            "不同社区的网格不能合并",
            shapely.union_all([unit.shape for unit in units]),
        )
    joined = join_zones(units, parts_reason)
    return PartitionChange("merge", tuple(units), (joined,), np.empty((0, 2)), parts_reason)


def join_zones(units: Sequence[Unit], parts_reason: str = "") -> Any:
    """Return the union of zones of any parents that share edges.

    Raises
    ------
    TopologyFault
        ``not_neighbours``.
    """
    joined = union_zones([unit.shape for unit in units])
    if parts_reason and joined.is_valid:
        return joined
    if joined.geom_type != "Polygon" or not joined.is_valid:
        parts = sorted(shapely.get_parts(joined), key=lambda part: -part.area)
        apart = shapely.union_all(parts[1:]) if len(parts) > 1 else joined
        names = [unit for unit in units if unit.shape.representative_point().intersects(apart)]
        raise topology_fault(
            "not_neighbours",
            names or list(units),
            f"{', '.join(unit.label for unit in names or units)}: no edge in common with the rest",
            f"{'、'.join(unit.label for unit in names or units)} 与其余网格没有公共边",
            apart,
        )
    return joined


def union_zones(shapes: list[Any]) -> Any:
    """Return the union with all nodes of the outline, if edges are shared.

    Any other partition is united by overlay.
    """
    polygons = list(shapely.get_parts(shapes))
    if shapely.coverage_is_valid(polygons):
        joined = shapely.coverage_union_all(polygons)
    else:
        joined = shapely.union_all(polygons)
    parts = shapely.get_parts(joined)
    return parts[0] if len(parts) == 1 else joined
