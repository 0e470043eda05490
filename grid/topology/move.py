"""Moving of a corner or edge together with every zone that shares it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from grid.topology.checks import (
    METRES_PER_DEGREE,
    ON_EDGE_DEG,
    Unit,
    insert_nodes,
    metres_scale,
    topology_fault,
)
from grid.topology.crossings import SNAP_M
from grid.topology.merge import union_zones
from grid.topology.partition_change import PartitionChange, with_parents

Points = NDArray[np.float64]
OUTER_BORDER_WORDS = (
    "the corner lies on the outer border: no grid lies beyond it, and it comes with the file of areas",
    "该顶点位于外边界上：边界以外没有网格，外边界只随区域文件更新",
)
"""Reason in English and Chinese."""


def nearest_corner(unit: Unit, point: Points) -> Points:
    """Return the corner of a zone nearest to a point, within ``SNAP_M``.

    Raises
    ------
    TopologyFault
        ``no_such_corner``.
    """
    corners = shapely.get_coordinates(unit.shape)
    distance_m = np.hypot(*((corners - point) * metres_scale(float(point[1]))).T)
    nearest = int(np.argmin(distance_m))
    if distance_m[nearest] > SNAP_M:
        raise topology_fault(
            "no_such_corner",
            [unit],
            f"{unit.label} has no corner within {SNAP_M:g} m of the point",
            f"{unit.label} 在该点 {SNAP_M:g} 米内没有顶点",
            shapely.Point(point),
        )
    return np.asarray(corners[nearest])


def adjacent_corners(units: Sequence[Unit], corner: Points) -> Points:
    """Return the corners that an edge joins with a corner, in any of the zones, shape (n, 2)."""
    found: set[tuple[float, float]] = set()
    for unit in units:
        shape = insert_nodes(unit.shape, corner[None])
        for ring in shapely.get_rings(shapely.get_parts(shape)):
            points = shapely.get_coordinates(ring)[:-1]
            for at in np.flatnonzero((points == corner).all(axis=1)):
                found |= {tuple(points[at - 1].tolist()), tuple(points[(at + 1) % len(points)].tolist())}
    return np.array(sorted(found)).reshape(-1, 2)


def removed_corner_target(units: Sequence[Unit], corner: Points) -> Points:
    """Return the neighbour onto which a corner is drawn so that it is gone: two edges become one.

    Raises
    ------
    TopologyFault
        ``corner_needed``: more than two edges meet there.
    """
    beside = adjacent_corners(units, corner)
    if len(beside) != 2:
        raise topology_fault(
            "corner_needed",
            units,
            f"{len(beside)} edges meet in this corner: only one between two edges can be taken away",
            f"该顶点连着 {len(beside)} 条边，只有连着两条边的顶点可以删除",
            shapely.Point(corner),
        )
    return np.asarray(beside[0])


def edge_middle(unit: Unit, edge: Points) -> Points:
    """Return the middle of an edge of a zone, given by its ends.

    Raises
    ------
    TopologyFault
        ``no_such_corner``, ``no_such_edge``.
    """
    ends = np.array([nearest_corner(unit, end) for end in edge])
    _check_edge([unit], [unit.shape], ends)
    return np.asarray(ends.mean(axis=0))


def slides(units: Sequence[Unit], corner: Points, to: Points) -> bool:
    """Return whether a corner on the outline of zones would stay on it (within ``SNAP_M``)."""
    border = _Border([insert_nodes(unit.shape, corner[None]) for unit in units])
    return border.keeps(corner, to)


def move(
    op: str, units: Sequence[Unit], old: Points, new: Points, edges: Sequence[Points] | None = None
) -> PartitionChange:
    """Move corners in all the zones that touch them, of whatever community.

    A corner on the common outline of the zones stays on it: beyond it is land of nobody, or zones that do not change.

    Parameters
    ----------
    op : str
        ``move_vertex`` or ``move_edge``.
    units : sequence of Unit
        Every zone that touches one of the corners; those beyond an outline along which it moves are left out.
    old, new : ndarray of float64, shape (n, 2)
        Corners before and after, degrees.
    edges : sequence of ndarray of float64, shape (2, 2), optional
        Pairs of corners that must be ends of edges; default for ``move_edge``: all corners.

    Raises
    ------
    TopologyFault
        ``border_frozen``: the corner would leave the outline of the zones; ``no_such_edge``: the corners of an edge
        are not consecutive in any zone; ``invalid``.
    """
    corners = np.vstack([shapely.get_coordinates([unit.shape for unit in units]), old])
    shapes = [insert_nodes(unit.shape, corners) for unit in units]
    for edge in [old] if edges is None and op == "move_edge" else edges or ():
        _check_edge(units, shapes, edge)
    border = _Border(shapes)
    _check_frozen(units, border, old, new)
    new = np.array([border.snap(before, after) for before, after in zip(old, new, strict=True)])
    moved = [shapely.remove_repeated_points(_move_corners(shape, old, new, border)) for shape in shapes]
    for shape in moved:
        if not shape.is_valid or shape.is_empty:
            raise topology_fault("invalid", units, "a zone would cross itself", "网格将自相交", shape)
    made = list(zip(moved, (unit.parent_id for unit in units), strict=True))
    return with_parents(op, tuple(units), made, np.vstack([old, new]))


def _check_frozen(units: Sequence[Unit], border: _Border, old: Points, new: Points) -> None:
    for before, after in zip(old, new, strict=True):
        if not border.keeps(before, after):
            raise topology_fault("border_frozen", units, *OUTER_BORDER_WORDS, shapely.Point(before))


def _check_edge(units: Sequence[Unit], shapes: Sequence[Any], edge: Points) -> None:
    if not any(_has_edge(shape, edge) for shape in shapes):
        raise topology_fault(
            "no_such_edge",
            units,
            "the two points are not the ends of one edge",
            "两点不是同一条边的端点",
            shapely.LineString(edge),
        )


class _Border:
    """Common outline of the moved zones, which does not change.

    Beyond it there is no zone that could move with them.
    """

    def __init__(self, shapes: Sequence[Any]) -> None:
        self.line = shapely.boundary(union_zones(list(shapes)))
        self._of = [{tuple(point) for point in shapely.get_coordinates(shape).tolist()} for shape in shapes]
        lines = [shapely.get_coordinates(line).tolist() for line in shapely.get_parts(self.line)]
        self._edges = {frozenset(map(tuple, pair)) for line in lines for pair in itertools.pairwise(line)}
        self._corners = {tuple(point) for point in shapely.get_coordinates(self.line).tolist()}

    def meets(self, corner: Points) -> bool:
        """Return whether the corner is the end of an edge between two of the zones on the outline."""
        point = tuple(corner.tolist())
        return point in self._corners and sum(point in own for own in self._of) > 1

    def keeps(self, old: Points, new: Points) -> bool:
        """Return whether a corner is not on the outline, or would stay on it."""
        if tuple(old.tolist()) not in self._corners:
            return True
        near_m = SNAP_M if self.meets(old) else ON_EDGE_DEG * METRES_PER_DEGREE
        return float(np.hypot(*((self._foot(new) - new) * metres_scale(float(new[1]))))) <= near_m

    def _foot(self, place: Points) -> Points:
        point = shapely.Point(place)
        return np.asarray(shapely.get_coordinates(self.line.interpolate(self.line.project(point)))[0])

    def snap(self, old: Points, new: Points) -> Points:
        """Return the new corner; one that lies on the outline is snapped to it."""
        if tuple(old.tolist()) not in self._corners:
            return new
        foot = self._foot(new)
        return np.asarray(old if np.abs(foot - old).max() <= ON_EDGE_DEG else foot)

    def left(self, old: Points, new: Points, beside: Points) -> bool:
        """Return whether a corner moved off the outline's edge towards the vertex beside it."""
        if not self.meets(old) or frozenset((tuple(old.tolist()), tuple(beside.tolist()))) not in self._edges:
            return False
        return bool(
            shapely.Point(new).distance(self.line) <= ON_EDGE_DEG
            and shapely.LineString([old, beside]).distance(shapely.Point(new)) > ON_EDGE_DEG
        )


def _move_corners(shape: Any, old: Points, new: Points, border: _Border) -> Any:
    """Return a zone with moved corners.

    Where one moved along the outline, the outline keeps its own corner.
    """

    def ring(points: Points) -> Points:
        out = points.copy()
        for before, after in zip(old, new, strict=True):
            out[(points == before).all(axis=1)] = after
        return _keep(points[:-1], out[:-1])

    def _keep(points: Points, out: Points) -> Points:
        kept: list[Points] = []
        for k, (before, after) in enumerate(zip(points, out, strict=True)):
            gone = not np.array_equal(before, after)
            if gone and border.left(before, after, points[k - 1]):
                kept.append(before)
            kept.append(after)
            if gone and border.left(before, after, points[(k + 1) % len(points)]):
                kept.append(before)
        return np.array([*kept, kept[0]])

    polygons = [
        shapely.Polygon(
            ring(shapely.get_coordinates(p.exterior)), [ring(shapely.get_coordinates(r)) for r in p.interiors]
        )
        for p in shapely.get_parts(shape)
    ]
    return polygons[0] if len(polygons) == 1 else shapely.MultiPolygon(polygons)


def _has_edge(shape: Any, ends: Points) -> bool:
    wanted = {tuple(point) for point in ends}
    for part in shapely.get_parts(shape):
        for ring in (part.exterior, *part.interiors):
            points = [tuple(point) for point in shapely.get_coordinates(ring)]
            if any({a, b} == wanted for a, b in itertools.pairwise(points)):
                return True
    return False
