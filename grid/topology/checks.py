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
from grid.topology.changed_edges import MARGIN_DEG, NOWHERE, box_of, changed_box, grown, unshared_edges

Points = NDArray[np.float64]
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
    """An area under change, mostly a unit grid: ``key`` is the id of its row, ``parent_id`` the id of its parent's."""

    key: int
    code: str
    name: str
    parent_id: int | None
    shape: Any
    kind: str = "unit_grid"

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


def differs(before: Any, after: Any) -> bool:
    """Whether two outlines hold other land, by more than rounding; looks only where their edges differ."""
    changed = changed_box(before, after)
    if changed == NOWHERE:
        return False
    box = shapely.box(*grown(changed, MARGIN_DEG))
    one, other = (shapely.intersection(shape, box) for shape in (before, after))
    return local_area_m2(shapely.symmetric_difference(one, other)) > AREA_TOLERANCE_M2


def fault(rule: str, units: Sequence[Unit], en: str, zh: str, place: Any = None) -> TopologyFault:
    """A ``TopologyFault`` that names units and shows the place."""
    shown = None if place is None or place.is_empty else as_geojson(place)
    return TopologyFault(rule, [unit.label for unit in units], en, zh, shown)


def insert_nodes(shape: Any, nodes: Points) -> Any:
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
    rings, part = shapely.get_rings(shapely.get_parts(shape), return_index=True)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    before, added = _on_edges(corners, ring, nodes)
    if not len(before):
        return shape
    noded = np.insert(corners, before + 1, added, axis=0)
    made: Any = shapely.linearrings(noded, indices=np.insert(ring, before + 1, ring[before]))
    polygons: Any = shapely.polygons(made, indices=part)
    return polygons[0] if shape.geom_type == "Polygon" else shapely.multipolygons(polygons)


def _on_edges(
    corners: Points, ring: NDArray[np.int64], nodes: Points
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Nodes that lie on edges and are no corners, in the order in which they lie there, with the edges' first corners."""
    first = np.flatnonzero(ring[1:] == ring[:-1])
    nodes = without_points(_around(nodes, corners), corners)
    low = np.minimum(corners[first], corners[first + 1]) - ON_EDGE_DEG
    high = np.maximum(corners[first], corners[first + 1]) + ON_EDGE_DEG
    near = np.full(len(first), len(nodes) > 0)
    for axis in (0, 1) if len(nodes) else ():
        ordered = np.sort(nodes[:, axis])
        near &= np.searchsorted(ordered, low[:, axis]) < np.searchsorted(ordered, high[:, axis], "right")
    first = first[near]
    if not len(first):
        return np.empty(0, dtype=np.int64), np.empty((0, 2))
    lines = shapely.linestrings(np.stack([corners[first], corners[first + 1]], axis=1))
    points: Any = shapely.points(nodes)
    edge, node = shapely.STRtree(points).query(lines, predicate="dwithin", distance=2 * ON_EDGE_DEG)
    start = corners[first[edge]]
    step, offset = corners[first[edge] + 1] - start, nodes[node] - start
    length2 = (step**2).sum(axis=1)
    t = (offset * step).sum(axis=1) / np.where(length2 > 0, length2, 1.0)
    away = np.abs(offset[:, 0] * step[:, 1] - offset[:, 1] * step[:, 0])
    on_edge = (away <= ON_EDGE_DEG * np.sqrt(length2)) & (t > 0) & (t < 1) & (length2 > 0)
    edge, node, t = edge[on_edge], node[on_edge], t[on_edge]
    order = np.lexsort((t, edge))
    return first[edge[order]], nodes[node[order]]


def _around(points: Points, others: Points) -> Points:
    """Points in the box of others."""
    if not len(points) or not len(others):
        return points[:0]
    low, high = others.min(axis=0) - ON_EDGE_DEG, others.max(axis=0) + ON_EDGE_DEG
    return points[((points >= low) & (points <= high)).all(axis=1)]


def without_points(points: Points, others: Points) -> Points:
    """Points that are not among others, each once, shape (n, 2)."""
    if not len(points):
        return points
    keys = np.unique(_as_complex(points))
    keys = keys[~np.isin(keys, _as_complex(_around(others, points)))]
    return keys.view(np.float64).reshape(-1, 2)


def _as_complex(points: Points) -> NDArray[np.complex128]:
    """One number a point, which sorts and compares like it."""
    return np.ascontiguousarray(points, dtype=np.float64).view(np.complex128).ravel()


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
    box = grown(box_of(shapely.get_coordinates([before, *added])), MARGIN_DEG)
    apart = unshared_edges([*added, *noded], box)
    if not apart.is_empty and unshared_edges([*(unit.shape for unit in removed), *around], box).is_empty:
        raise fault(
            "edge_not_shared",
            removed,
            "an edge is not shared with the neighbour",
            "与相邻网格的公共边不一致",
            apart,
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
