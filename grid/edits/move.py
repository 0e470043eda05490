"""Move a corner or an edge that zones share: every zone that has it moves with it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from grid.edits.change import Change, in_code_order
from grid.edits.split import SNAP_M
from grid.topology import Unit, fault, insert_nodes, metres_scale

Points = NDArray[np.float64]


def nearest_corner(unit: Unit, point: Points) -> Points:
    """The corner of a zone that is meant by a point: the nearest, within ``SNAP_M``.

    Raises
    ------
    TopologyFault
        ``no_such_corner``.
    """
    corners = shapely.get_coordinates(unit.shape)
    distance_m = np.hypot(*((corners - point) * metres_scale(float(point[1]))).T)
    nearest = int(np.argmin(distance_m))
    if distance_m[nearest] > SNAP_M:
        raise fault(
            "no_such_corner",
            [unit],
            f"{unit.label} has no corner within {SNAP_M:g} m of the point",
            f"{unit.label} 在该点 {SNAP_M:g} 米内没有顶点",
            shapely.Point(point),
        )
    return np.asarray(corners[nearest])


def move(
    op: str, units: Sequence[Unit], old: Points, new: Points, edges: Sequence[Points] | None = None
) -> Change:
    """Move corners, in all the zones that touch them at once.

    Parameters
    ----------
    op : str
        ``move_vertex`` or ``move_edge``.
    edges : sequence of ndarray of float64, shape (2, 2), optional
        Which of the corners must be the ends of edges; of ``move_edge`` all of them when left out.
    units : sequence of Unit
        Every zone that touches one of the corners.
    old, new : ndarray of float64, shape (n, 2)
        Corners as they are and where they go, degrees.

    Raises
    ------
    TopologyFault
        ``outside_parent``: the corner lies on the border of two communities; ``no_such_edge``: the corners of an edge
        do not follow each other in any zone.
    """
    if len({unit.community_id for unit in units}) > 1:
        raise fault(
            "outside_parent",
            units,
            "the corner lies on the border of two communities: transfer zones instead",
            "该顶点位于社区边界上：请改用网格划转",
            shapely.MultiPoint(old),
        )
    corners = shapely.get_coordinates([unit.shape for unit in units])
    shapes = [insert_nodes(unit.shape, corners) for unit in units]
    for edge in [old] if edges is None and op == "move_edge" else edges or ():
        _check_edge(units, shapes, edge)
    moved = [shapely.remove_repeated_points(_moved(shape, old, new)) for shape in shapes]
    for shape in moved:
        if not shape.is_valid:
            reason = shapely.is_valid_reason(shape)
            raise fault(
                "invalid", units, f"a zone would cross itself: {reason}", f"网格将自相交：{reason}", shape
            )
    return Change(op, tuple(units), in_code_order(moved), np.asarray(old, dtype=np.float64))


def _check_edge(units: Sequence[Unit], shapes: Sequence[Any], edge: Points) -> None:
    if not any(_has_edge(shape, edge) for shape in shapes):
        raise fault(
            "no_such_edge",
            units,
            "the two points are not the ends of one edge",
            "两点不是同一条边的端点",
            shapely.LineString(edge),
        )


def _moved(shape: Any, old: Points, new: Points) -> Any:
    def replace(points: Points) -> Points:
        out = points.copy()
        for before, after in zip(old, new, strict=True):
            out[(points == before).all(axis=1)] = after
        return out

    return shapely.transform(shape, replace)


def _has_edge(shape: Any, ends: Points) -> bool:
    wanted = {tuple(point) for point in ends}
    for part in shapely.get_parts(shape):
        for ring in (part.exterior, *part.interiors):
            points = [tuple(point) for point in shapely.get_coordinates(ring)]
            if any({a, b} == wanted for a, b in itertools.pairwise(points)):
                return True
    return False
