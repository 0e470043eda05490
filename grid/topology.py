"""What must hold of zones: measured in metres around the place, answered with the rule, the zones and the place.

Zones are stored in degrees and edited in degrees, at full precision: a new node on an edge is the intersection as a
double (an error of about 1e-14 degrees, a nanometre). Straight edges stay straight when degrees are scaled by
constants, so all lengths are taken in such local metres; areas that decide nothing (sliver, gap) likewise.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from grid.errors import TopologyFault

METRES_PER_DEGREE = 111_319.49
AREA_TOLERANCE_M2 = 0.01
"""Gaps and overlaps up to this area are rounding."""
MIN_WIDTH_M = 5.0
"""Diameter of the largest circle inside a zone; a zone with less is a sliver."""
MIN_AREA_M2 = 100.0
ON_EDGE_DEG = 1e-9
"""A point this near to an edge (0.1 mm) lies on it."""


@dataclass(frozen=True)
class Unit:
    """A unit grid: ``key`` is the id of its row, ``community_id`` the id of its parent."""

    key: int
    code: str
    name: str
    community_id: int
    shape: Any

    @property
    def label(self) -> str:
        """Name and code."""
        return f"{self.name} ({self.code})"


def metres_scale(lat: float) -> NDArray[np.float64]:
    """Metres per degree of longitude and latitude at a latitude (sphere through the equator's radius)."""
    return np.array([METRES_PER_DEGREE * math.cos(math.radians(lat)), METRES_PER_DEGREE])


def in_metres(shape: Any) -> Any:
    """The shape in local metres, origin at the south-west corner of its box."""
    west, south, _, north = shapely.bounds(shape)
    scale = metres_scale((south + north) / 2)
    return shapely.transform(shape, lambda c: (c - (west, south)) * scale)


def local_area_m2(shape: Any) -> float:
    """Area in local metres; 0 for an empty shape."""
    return 0.0 if shape.is_empty else float(in_metres(shape).area)


def width_m(shape: Any) -> float:
    """Diameter of the largest circle inside a polygon, to 0.1 m."""
    return 2.0 * float(shapely.maximum_inscribed_circle(in_metres(shape), tolerance=0.05).length)


def as_geojson(shape: Any) -> dict[str, Any]:
    """A shape as GeoJSON data."""
    data: dict[str, Any] = json.loads(shapely.to_geojson(shape))
    return data


def fault(rule: str, units: Sequence[Unit], en: str, zh: str, place: Any = None) -> TopologyFault:
    """A ``TopologyFault`` that names units and shows the place."""
    shown = None if place is None or place.is_empty else as_geojson(place)
    return TopologyFault(rule, [unit.label for unit in units], en, zh, shown)


def insert_nodes(shape: Any, nodes: NDArray[np.float64]) -> Any:
    """Put nodes that lie on edges of a (multi-)polygon into these edges; the others do nothing.

    Parameters
    ----------
    nodes : ndarray of float64, shape (n, 2)
        Degrees.

    Returns
    -------
    shapely geometry
        The same object when no node lies on an edge or all are there already.

    Examples
    --------
    >>> insert_nodes(shapely.box(0, 0, 1, 1), np.array([[0.5, 0.0], [0.5, 0.5]])).wkt
    'POLYGON ((1 0, 1 1, 0 1, 0 0, 0.5 0, 1 0))'
    """
    west, south, east, north = shapely.bounds(shape)
    near = (
        (nodes[:, 0] >= west - ON_EDGE_DEG)
        & (nodes[:, 0] <= east + ON_EDGE_DEG)
        & (nodes[:, 1] >= south - ON_EDGE_DEG)
        & (nodes[:, 1] <= north + ON_EDGE_DEG)
    )
    nodes = nodes[near]
    if len(nodes):
        nodes = _new_on_outline(shape, np.unique(nodes, axis=0))
    if not len(nodes):
        return shape
    changed = False
    polygons = []
    for polygon in shapely.get_parts(shape):
        rings = [polygon.exterior, *polygon.interiors]
        noded = [_insert_in_ring(shapely.get_coordinates(ring), nodes) for ring in rings]
        changed = changed or any(ring is not None for ring in noded)
        done = [r if n is None else n for r, n in zip(rings, noded, strict=True)]
        polygons.append(shapely.Polygon(done[0], done[1:]))
    if not changed:
        return shape
    return polygons[0] if shape.geom_type == "Polygon" else shapely.MultiPolygon(polygons)


def _new_on_outline(shape: Any, nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nodes that are no vertex of a shape and lie on its outline, or may do so."""
    vertices = {tuple(point) for point in shapely.get_coordinates(shape).tolist()}
    nodes = nodes[[tuple(node) not in vertices for node in nodes.tolist()]]
    if not len(nodes):
        return nodes
    outline = shapely.boundary(shape)
    shapely.prepare(outline)
    return nodes[shapely.dwithin(outline, shapely.points(nodes), 2 * ON_EDGE_DEG)]


def _insert_in_ring(ring: NDArray[np.float64], nodes: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The ring with the nodes on its edges; None when there are none to add."""
    start, step = ring[:-1], np.diff(ring, axis=0)
    length2 = (step**2).sum(axis=1)
    offset = nodes[:, None, :] - start[None, :, :]
    t = (offset * step).sum(axis=2) / np.where(length2 > 0, length2, 1.0)
    distance = np.abs(offset[:, :, 0] * step[:, 1] - offset[:, :, 1] * step[:, 0]) / np.sqrt(
        np.where(length2 > 0, length2, 1.0)
    )
    is_vertex = (nodes[:, None, :] == ring[None, :, :]).all(axis=2).any(axis=1)
    on_edge = (distance <= ON_EDGE_DEG) & (t > 0) & (t < 1) & (length2 > 0) & ~is_vertex[:, None]
    if not on_edge.any():
        return None
    points: list[NDArray[np.float64]] = []
    for k in range(len(start)):
        points.append(start[k])
        here = np.flatnonzero(on_edge[:, k])
        points += [nodes[i] for i in here[np.argsort(t[here, k])]]
    return np.array([*points, ring[-1]])


def check_replacement(
    removed: Sequence[Unit],
    added: Sequence[Any],
    around: Sequence[Any],
    noded: Sequence[Any],
    parent: Any,
    parts_allowed: Sequence[bool] | None = None,
) -> None:
    """Refuse zones that do not take exactly the place of those that they replace.

    Parameters
    ----------
    removed : sequence of Unit
    added : sequence of polygons
        What takes their place.
    around, noded : sequence of polygons
        The neighbours as they were and with the new nodes.
    parent : polygon
        The community.
    parts_allowed : sequence of bool, optional
        Which of the new zones may have several parts.

    Raises
    ------
    TopologyFault
        ``invalid``, ``multipart``, ``sliver``, ``overlap``, ``gap``, ``outside_parent`` or ``edge_not_shared``.
    """
    for shape, several in zip(added, parts_allowed or [False] * len(added), strict=True):
        _check_single(removed, shape, several)
    _check_overlaps(removed, added)
    before, after = shapely.union_all([unit.shape for unit in removed]), shapely.union_all(list(added))
    gap, excess = before.difference(after), after.difference(before)
    if _counts(gap):
        raise fault("gap", removed, "the new zones leave a gap", "新网格之间留有缝隙", gap)
    if _counts(excess):
        rule, en, zh = "overlap", "the new zones reach into a neighbour", "新网格侵入相邻网格"
        if _counts(excess.difference(parent)):
            rule, en, zh = "outside_parent", "the new zones leave their community", "新网格超出所属社区"
        raise fault(rule, removed, en, zh, excess)
    old = [*(unit.shape for unit in removed), *around]
    new = [*added, *noded]
    if shapely.coverage_is_valid(old) and not shapely.coverage_is_valid(new):
        edges = shapely.union_all(shapely.coverage_invalid_edges(new))
        raise fault(
            "edge_not_shared",
            removed,
            "an edge is not shared with the neighbour",
            "与相邻网格的公共边不一致",
            edges,
        )


def _counts(shape: Any) -> bool:
    """Whether a gap or excess is more than rounding: by its area, or by the mean width of a part (in degrees)."""
    parts = shapely.get_parts(shape)
    area, length = shapely.area(parts), shapely.length(parts)
    wide = 4 * area > ON_EDGE_DEG * length
    return bool((wide & (area > 0)).any()) or local_area_m2(shape) > AREA_TOLERANCE_M2


def _check_overlaps(removed: Sequence[Unit], added: Sequence[Any]) -> None:
    pairs = shapely.STRtree(list(added)).query(list(added), predicate="intersects").T
    for i, j in pairs[pairs[:, 0] < pairs[:, 1]].tolist():
        common = added[i].intersection(added[j])
        if local_area_m2(common) > AREA_TOLERANCE_M2:
            raise fault("overlap", removed, "two of the new zones overlap", "新网格之间重叠", common)


def _check_single(removed: Sequence[Unit], shape: Any, several_parts: bool = False) -> None:
    if not shape.is_valid:
        reason = shapely.is_valid_reason(shape)
        raise fault(
            "invalid", removed, f"a new zone is not valid: {reason}", f"新网格图形无效：{reason}", shape
        )
    if shape.geom_type == "MultiPolygon" and several_parts:
        for part in shapely.get_parts(shape):
            _check_single(removed, part)
        return
    if shape.geom_type != "Polygon":
        raise fault("multipart", removed, "a new zone has several parts", "新网格由多个部分组成", shape)
    width, area = width_m(shape), local_area_m2(shape)
    if width < MIN_WIDTH_M or area < MIN_AREA_M2:
        raise fault(
            "sliver",
            removed,
            f"a new zone would be {width:.1f} m wide and {area:.0f} m² large; at least {MIN_WIDTH_M:g} m and {MIN_AREA_M2:g} m²",
            f"新网格过于狭小：宽 {width:.1f} 米、面积 {area:.0f} 平方米，不得小于 {MIN_WIDTH_M:g} 米、{MIN_AREA_M2:g} 平方米",
            shape,
        )
