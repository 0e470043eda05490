"""Units of the partition, local lengths and areas, and faults with rule, zones and position.

Zones are stored and edited in degrees, at full precision: a new node on an edge is the intersection as a
double (an error of about 1e-14 degrees, a nanometre). Straight edges stay straight when degrees are scaled by
constants, so lengths are measured in such local metres, and so are areas that only classify (sliver, gap).
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
from grid.topology.changed_edges import (
    EMPTY_BOX,
    MARGIN_DEG,
    Box,
    changed_box,
    expand_box,
    points_inside,
)
from layers.codes import name_and_code

Points = NDArray[np.float64]
METRES_PER_DEGREE = 111_319.49
AREA_TOLERANCE_M2 = 0.01
"""Gaps and overlaps up to this area are rounding."""
ON_EDGE_DEG = 1e-9
"""A point this near to an edge (0.1 mm) lies on it."""


@dataclass(frozen=True)
class Unit:
    """Area under change, usually a unit grid, with the ids of its row and of its parent's row."""

    key: int
    code: str
    name: str
    parent_id: int | None
    shape: Any
    kind: str = "unit_grid"

    @property
    def label(self) -> str:
        """Name and code."""
        return name_and_code(self.name, self.code)


def metres_scale(lat: float) -> NDArray[np.float64]:
    """Return metres per degree of longitude and latitude at a latitude (sphere of the equatorial radius)."""
    return np.array([METRES_PER_DEGREE * math.cos(math.radians(lat)), METRES_PER_DEGREE])


def to_local_metres(shape: Any) -> Any:
    """Convert a shape to local metres, with the origin at the south-west corner of its box."""
    west, south, _, north = shapely.bounds(shape)
    scale = metres_scale((south + north) / 2)
    return shapely.transform(shape, lambda c: (c - (west, south)) * scale)


def local_area_m2(shape: Any) -> float:
    """Return the area in local square metres; 0 for an empty shape."""
    return 0.0 if shape.is_empty else float(to_local_metres(shape).area)


def width_m(shape: Any) -> float:
    """Return the diameter of the largest circle inside a polygon, to 0.1 m."""
    return 2.0 * float(shapely.maximum_inscribed_circle(to_local_metres(shape), tolerance=0.05).length)


def as_geojson(shape: Any) -> dict[str, Any]:
    """Return a shape as GeoJSON data."""
    data: dict[str, Any] = json.loads(shapely.to_geojson(shape))
    return data


def outlines_differ(before: Any, after: Any) -> bool:
    """Return whether two outlines run along different lines, beyond rounding.

    Further nodes on an edge (within ``ON_EDGE_DEG``) are no difference; a corner off the edges of the other is one,
    however little land it encloses: an area that followed it without a new version could not be taken back.
    Only places where their edges differ are compared.
    """
    changed = changed_box(before, after)
    if changed == EMPTY_BOX:
        return False
    if _has_corner_off(before, after, changed) or _has_corner_off(after, before, changed):
        return True
    box = shapely.box(*expand_box(changed, MARGIN_DEG))
    one, other = (shapely.intersection(shape, box) for shape in (before, after))
    return local_area_m2(shapely.symmetric_difference(one, other)) > AREA_TOLERANCE_M2


def _has_corner_off(shape: Any, other: Any, box: Box) -> bool:
    """Return whether a corner of an outline inside a box lies off the edges of another outline."""
    corners, others = shapely.get_coordinates(shape), shapely.get_coordinates(other)
    own = points_not_in(points_inside(corners, box), others)
    if not len(own):
        return False
    line = shapely.boundary(other)
    shapely.prepare(line)
    return not shapely.dwithin(line, shapely.points(own), ON_EDGE_DEG).all()


def topology_fault(rule: str, units: Sequence[Unit], en: str, zh: str, place: Any = None) -> TopologyFault:
    """Build a ``TopologyFault`` that names units and has a position."""
    shown = None if place is None or place.is_empty else as_geojson(place)
    return TopologyFault(rule, [unit.label for unit in units], en, zh, shown)


def insert_nodes(shape: Any, nodes: Points) -> Any:
    """Insert nodes into the edges of a (multi-)polygon on which they lie; other nodes have no effect.

    Parameters
    ----------
    shape : polygon or multi-polygon
    nodes : ndarray of float64, shape (n, 2)
        Degrees.

    Returns
    -------
    shapely geometry
        The same object when there is nothing to insert.

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
    """Return the nodes on edges that are no corners, in their order on the ring, and the edges' first corners."""
    first = np.flatnonzero(ring[1:] == ring[:-1])
    nodes = points_not_in(_points_in_box_of(nodes, corners), corners)
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


def _points_in_box_of(points: Points, others: Points) -> Points:
    """Return the points inside the box of others."""
    if not len(points) or not len(others):
        return points[:0]
    low, high = others.min(axis=0) - ON_EDGE_DEG, others.max(axis=0) + ON_EDGE_DEG
    return points[((points >= low) & (points <= high)).all(axis=1)]


def points_not_in(points: Points, others: Points) -> Points:
    """Return the points that are not among others, each once, shape (n, 2)."""
    if not len(points):
        return points
    keys = np.unique(_as_complex(points))
    keys = keys[~np.isin(keys, _as_complex(_points_in_box_of(others, points)))]
    return keys.view(np.float64).reshape(-1, 2)


def _as_complex(points: Points) -> NDArray[np.complex128]:
    """Encode points as complex numbers, which sort and compare alike."""
    return np.ascontiguousarray(points, dtype=np.float64).view(np.complex128).ravel()
