"""Replacement of zones by others: shared nodes with the neighbours, no gaps, no slivers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from grid.topology.changed_edges import box_around, newly_unshared_edges
from grid.topology.checks import (
    AREA_TOLERANCE_M2,
    ON_EDGE_DEG,
    Unit,
    insert_nodes,
    local_area_m2,
    topology_fault,
    width_m,
)
from grid.topology.partition_change import PartitionChange
from layers.codes.outline_faults import outline_fault

COMMON_LAND_M2 = 1.0
"""A new zone follows an old one when they have more land than this in common."""
MIN_WIDTH_M = 5.0
"""Diameter of the largest circle inside a zone; a zone with less is a sliver."""
MIN_AREA_M2 = 100.0


@dataclass(frozen=True)
class NewZone:
    """New zone: its shape with all nodes, its parent, and what it takes of the zones before.

    Attributes
    ----------
    parent_id : int or None
    predecessors : tuple of int
        Ids of the zones of which it takes land.
    shares : tuple of float
        Share of the land of each that comes to it; those of one predecessor sum up to 1.
    """

    shape: Any
    parent_id: int | None
    predecessors: tuple[int, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Replacement:
    """Common result of several changes.

    Attributes
    ----------
    pieces : list of list of NewZone
        The new zones of each change.
    noded : list of Unit
        Neighbours that get new nodes, with their new shape.
    """

    pieces: list[list[NewZone]]
    noded: list[Unit]


def replace_zones(changes: Sequence[PartitionChange], around: Sequence[Unit]) -> Replacement:
    """Return the new zones of changes and their neighbours, with each other's new nodes on their edges."""
    nodes = np.unique(np.vstack([change.nodes for change in changes]), axis=0)
    pieces = [
        [
            NewZone(
                insert_nodes(shape, nodes) if len(nodes) else shape,
                parent,
                tuple(taken),
                tuple(taken.values()),
            )
            for shape, parent, taken in zip(change.added, change.added_parents, _shares(change), strict=True)
        ]
        for change in changes
    ]
    return Replacement(pieces, with_nodes(around, nodes))


def _shares(change: PartitionChange) -> list[dict[int, float]]:
    """Return for each new shape the share that it takes of each zone with which it has land in common, by id."""
    common_m2 = np.array(
        [[local_area_m2(unit.shape.intersection(shape)) for unit in change.removed] for shape in change.added]
    )
    if min(common_m2.shape) > 1:
        common_m2[common_m2 <= COMMON_LAND_M2] = 0.0
    whole_m2 = common_m2.sum(axis=0)
    shares = np.divide(common_m2, whole_m2, out=np.zeros_like(common_m2), where=whole_m2 > 0)
    return [
        {unit.key: float(share) for unit, share in zip(change.removed, row, strict=True) if share > 0}
        for row in shares
    ]


def with_nodes(units: Sequence[Unit], nodes: NDArray[np.float64]) -> list[Unit]:
    """Return the units that get nodes, with their new shape."""
    if not len(nodes):
        return []
    shapes = [(unit, insert_nodes(unit.shape, nodes)) for unit in units]
    return [dataclasses.replace(unit, shape=shape) for unit, shape in shapes if shape is not unit.shape]


def check_replacement(
    removed: Sequence[Unit],
    added: Sequence[Any],
    around: Sequence[Any],
    noded: Sequence[Any],
    parent: Any,
    parts_allowed: Sequence[bool] | None = None,
) -> None:
    """Check that new zones take exactly the place of those that they replace.

    Parameters
    ----------
    removed : sequence of Unit
    added : sequence of polygons
        The new zones.
    around, noded : sequence of polygons
        The neighbours before, and with the new nodes.
    parent : polygon
        The community.
    parts_allowed : sequence of bool, optional
        Whether each new zone may have several parts.

    Raises
    ------
    TopologyFault
        ``invalid``, ``multipart``, ``sliver``, ``overlap``, ``gap``, ``outside_parent`` or
        ``edge_not_shared``.
    """
    for shape, several in zip(added, parts_allowed or [False] * len(added), strict=True):
        _check_single(removed, shape, several)
    _check_overlaps(removed, added)
    before, after = shapely.union_all([unit.shape for unit in removed]), shapely.union_all(list(added))
    gap, excess = before.difference(after), after.difference(before)
    if is_significant(gap):
        raise topology_fault("gap", removed, "the new zones leave a gap", "新网格之间留有缝隙", gap)
    if is_significant(excess):
        rule, en, zh = "overlap", "the new zones reach into a neighbour", "新网格侵入相邻网格"
        if is_significant(excess.difference(parent)):
            rule, en, zh = "outside_parent", "the new zones leave their community", "新网格超出所属社区"
        raise topology_fault(rule, removed, en, zh, excess)
    before_edges, after_edges = [*(unit.shape for unit in removed), *around], [*added, *noded]
    apart = newly_unshared_edges(before_edges, after_edges, box_around([before, *added]))
    if not apart.is_empty:
        raise topology_fault(
            "edge_not_shared",
            removed,
            "an edge is not shared with the neighbour",
            "与相邻网格的公共边不一致",
            apart,
        )


def is_significant(shape: Any) -> bool:
    """Return whether a gap or excess is more than rounding.

    It is, by its area or by the mean width of a part (in degrees).
    """
    parts = shapely.get_parts(shape)
    area, length = shapely.area(parts), shapely.length(parts)
    wide = 4 * area > ON_EDGE_DEG * length
    return bool((wide & (area > 0)).any()) or local_area_m2(shape) > AREA_TOLERANCE_M2


def _check_overlaps(removed: Sequence[Unit], added: Sequence[Any]) -> None:
    pairs = shapely.STRtree(list(added)).query(list(added), predicate="intersects").T
    for i, j in pairs[pairs[:, 0] < pairs[:, 1]].tolist():
        common = added[i].intersection(added[j])
        if local_area_m2(common) > AREA_TOLERANCE_M2:
            raise topology_fault("overlap", removed, "two of the new zones overlap", "新网格之间重叠", common)


def _check_single(removed: Sequence[Unit], shape: Any, several_parts: bool = False) -> None:
    if not shape.is_valid:
        english, chinese = outline_fault(shape)
        raise topology_fault(
            "invalid", removed, f"a new zone is not valid: {english}", f"新网格图形无效：{chinese}", shape
        )
    if shape.geom_type == "MultiPolygon" and several_parts:
        for part in shapely.get_parts(shape):
            _check_single(removed, part)
        return
    if shape.geom_type != "Polygon":
        raise topology_fault(
            "multipart", removed, "a new zone has several parts", "新网格由多个部分组成", shape
        )
    width, area = width_m(shape), local_area_m2(shape)
    if width < MIN_WIDTH_M or area < MIN_AREA_M2:
        raise topology_fault(
            "sliver",
            removed,
            f"a new zone would be {width:.1f} m wide and {area:.0f} m² large;"
            f" at least {MIN_WIDTH_M:g} m and {MIN_AREA_M2:g} m²",
            f"新网格过于狭小：宽 {width:.1f} 米、面积 {area:.0f} 平方米，"
            f"不得小于 {MIN_WIDTH_M:g} 米、{MIN_AREA_M2:g} 平方米",
            shape,
        )
