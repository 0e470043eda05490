"""Splitting of a zone by a line.

The line is snapped to the zone: a vertex of the line within ``SNAP_M`` of a corner becomes the corner, within
``SNAP_M`` of an edge it moves onto the edge, and a corner within ``SNAP_M`` of the line becomes a vertex of
it. Where the line crosses an edge a new node is made, which the neighbour gets too. Faces are then built from
shared nodes (without overlay), so that the pieces and the neighbours share their edges node by node.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from grid.topology.checks import ON_EDGE_DEG, Unit, insert_nodes, metres_scale, topology_fault
from grid.topology.partition_change import PartitionChange, sort_for_codes

SNAP_M = 2.0
Points = NDArray[np.float64]


def split(unit: Unit, line: Sequence[Sequence[float]] | Points) -> PartitionChange:
    """Split a zone by a line from edge to edge; a line that crosses several times makes several pieces.

    Parameters
    ----------
    unit : Unit
    line : sequence of positions, or ndarray of float64, shape (n, 2)
        Vertices, degrees; heights are ignored.

    Raises
    ------
    TopologyFault
        ``line_does_not_cross``, ``line_crosses_itself`` or ``multipart`` (a zone of several parts cannot be
        split).
    """
    if len(shapely.get_parts(unit.shape)) != 1:
        raise topology_fault(
            "multipart",
            [unit],
            "a zone of several parts cannot be split by a line",
            "多部分网格不能用线拆分",
            unit.shape,
        )
    polygon = shapely.get_parts(unit.shape)[0]
    given = np.array([point[:2] for point in line], dtype=np.float64)
    rings = _Rings(polygon)
    path = rings.cross(rings.through_corners(rings.snap(given)))
    if len(path) < 2:
        raise _not_crossing(unit, shapely.Point(path[0]))
    if not shapely.LineString(path).is_simple:
        raise topology_fault(
            "line_crosses_itself", [unit], "the line crosses itself", "拆分线自相交", shapely.LineString(path)
        )
    noded = insert_nodes(polygon, path)
    faces = _faces(unit, noded, path)
    if len(faces) < 2:
        raise _not_crossing(unit, shapely.LineString(path))
    old = {tuple(point) for point in shapely.get_coordinates(polygon)}
    fresh = [point for point in shapely.get_coordinates(noded) if tuple(point) not in old]
    nodes = np.array(fresh) if fresh else np.empty((0, 2))
    return PartitionChange("split", (unit,), sort_for_codes(faces), np.unique(nodes, axis=0))


def _not_crossing(unit: Unit, place: Any) -> Exception:
    return topology_fault(
        "line_does_not_cross",
        [unit],
        f"the line must run through {unit.label} from edge to edge (ends snap within {SNAP_M:g} m)",
        f"拆分线须从边到边贯穿 {unit.label}（端点 {SNAP_M:g} 米内自动吸附）",
        place,
    )


def _pairs(points: Points) -> set[frozenset[tuple[float, ...]]]:
    return {frozenset((tuple(a), tuple(b))) for a, b in itertools.pairwise(points)}


def _faces(unit: Unit, polygon: Any, path: Points) -> list[Any]:
    """Return the faces of the zone between its rings and the parts of the path inside it."""
    rings = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
    outline = set().union(*(_pairs(ring) for ring in rings))
    cuts = [
        (a, b)
        for a, b in itertools.pairwise(path)
        if frozenset((tuple(a), tuple(b))) not in outline and shapely.contains_xy(polygon, *((a + b) / 2))
    ]
    segments = [np.stack(pair) for ring in rings for pair in itertools.pairwise(ring)]
    segments += [np.stack(cut) for cut in cuts]
    polygons, bridges, dangles, _ = shapely.polygonize_full(
        list(shapely.get_parts(shapely.multilinestrings(segments)))
    )
    loose = shapely.union_all([*shapely.get_parts(bridges), *shapely.get_parts(dangles)])
    if not loose.is_empty:
        raise _not_crossing(unit, loose)
    inside = [face for face in shapely.get_parts(polygons) if polygon.contains(face.representative_point())]
    return inside


class _Rings:
    """Corners and edges of a zone, with lengths in local metres."""

    def __init__(self, polygon: Any) -> None:
        rings = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
        self.start = np.vstack([ring[:-1] for ring in rings])
        self.step = np.vstack([np.diff(ring, axis=0) for ring in rings])
        self.scale = metres_scale(polygon.centroid.y)

    def snap(self, points: Points) -> Points:
        """Move points to a corner, else onto an edge, within ``SNAP_M``."""
        moved = [self._snap_one(point) for point in points]
        return _without_repeats(moved)

    def _snap_one(self, point: Points) -> Points:
        corner_m = np.hypot(*((self.start - point) * self.scale).T)
        nearest = int(np.argmin(corner_m))
        if corner_m[nearest] <= SNAP_M:
            return np.asarray(self.start[nearest])
        step_m = self.step * self.scale
        length2 = np.maximum((step_m**2).sum(axis=1), 1e-18)
        t = np.clip((((point - self.start) * self.scale) * step_m).sum(axis=1) / length2, 0, 1)
        foot = self.start + t[:, None] * self.step
        edge_m = np.hypot(*((foot - point) * self.scale).T)
        nearest = int(np.argmin(edge_m))
        return np.asarray(foot[nearest] if edge_m[nearest] <= SNAP_M else point)

    def through_corners(self, path: Points) -> Points:
        """Bend the path through corners that it passes within ``SNAP_M``."""
        points = [path[0]]
        for a, b in itertools.pairwise(path):
            along_m = (b - a) * self.scale
            length2 = float((along_m**2).sum())
            offset_m = (self.start - a) * self.scale
            t = (offset_m @ along_m) / length2
            distance_m = np.hypot(*(offset_m - t[:, None] * along_m).T)
            passed = np.flatnonzero((distance_m <= SNAP_M) & (t > 0) & (t < 1))
            points += [self.start[k] for k in passed[np.argsort(t[passed])]]
            points.append(b)
        return _without_repeats(points)

    def cross(self, path: Points) -> Points:
        """Insert a node where the path crosses an edge."""
        points = [path[0]]
        for a, b in itertools.pairwise(path):
            points += [self._point(a, b, k) for k in self._crossed(a, b)]
            points.append(b)
        return _without_repeats(points)

    def _solve(self, a: Points, b: Points) -> tuple[Points, Points]:
        along = b - a
        determinant = along[0] * self.step[:, 1] - along[1] * self.step[:, 0]
        offset = self.start - a
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (offset[:, 0] * self.step[:, 1] - offset[:, 1] * self.step[:, 0]) / determinant
            u = (offset[:, 0] * along[1] - offset[:, 1] * along[0]) / determinant
        return t, u

    def _crossed(self, a: Points, b: Points) -> list[int]:
        """Return the edges that the open segment crosses away from its ends and from corners, in order."""
        t, u = self._solve(a, b)
        with np.errstate(invalid="ignore"):
            point = self.start + u[:, None] * self.step
            hit = (t > 0) & (t < 1) & (u > 0) & (u < 1)
            ends = np.vstack([a, b])
            away = (np.abs(point[:, None, :] - ends[None]).max(axis=2) > ON_EDGE_DEG).all(axis=1)
            corners = np.stack([self.start, self.start + self.step], axis=1)
            away &= (np.abs(point[:, None, :] - corners).max(axis=2) > ON_EDGE_DEG).all(axis=1)
        found = np.flatnonzero(hit & away)
        return [int(k) for k in found[np.argsort(t[found])]]

    def _point(self, a: Points, b: Points, edge: int) -> Points:
        _, u = self._solve(a, b)
        return np.asarray(self.start[edge] + u[edge] * self.step[edge])


def _without_repeats(points: list[Points]) -> Points:
    kept = [points[0]]
    for point in points[1:]:
        if not np.array_equal(point, kept[-1]):
            kept.append(point)
    return np.array(kept)
