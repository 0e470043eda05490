"""Splitting of a zone by a line.

The line is taken as it was drawn; only its ends, and the places where it crosses an edge, are moved: within
``SNAP_M`` onto a corner of the crossed edge, and an end within ``SNAP_M`` of the outline onto it. So each crossing
has one entry and one exit, which the neighbours get as nodes too. Where the line runs inside the zone and never
further than ``SNAP_M`` from its outline it follows a bank or a border, and cuts nothing off. Faces are then built
from shared nodes (without overlay), so that the pieces and the neighbours share their edges node by node.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from grid.topology.checks import Unit, insert_nodes, topology_fault
from grid.topology.crossings import SNAP_M, LooseEnd, Points, crossings
from grid.topology.partition_change import PartitionChange, sort_for_codes


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
    given = _without_repeats([np.array(point[:2], dtype=np.float64) for point in line])
    if len(given) < 2:
        raise _not_crossing(unit, shapely.Point(given[0]))
    drawn = shapely.LineString(given)
    if not drawn.is_simple:
        raise topology_fault("line_crosses_itself", [unit], "the line crosses itself", "拆分线自相交", drawn)
    try:
        cuts = crossings(polygon, given)
    except LooseEnd as fault:
        raise _not_crossing(unit, shapely.Point(fault.place)) from None
    if not cuts:
        raise _not_crossing(unit, drawn)
    noded = insert_nodes(polygon, np.array([node for cut in cuts for node in (cut[0], cut[-1])]))
    faces = _faces(unit, noded, cuts)
    if len(faces) < 2:
        raise _not_crossing(unit, drawn)
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


def _faces(unit: Unit, polygon: Any, cuts: Sequence[Points]) -> list[Any]:
    """Return the faces of the zone between its rings and the cuts inside it."""
    rings = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
    segments = [np.stack(pair) for ring in (*rings, *cuts) for pair in itertools.pairwise(ring)]
    polygons, bridges, dangles, _ = shapely.polygonize_full(
        list(shapely.get_parts(shapely.multilinestrings(segments)))
    )
    loose = shapely.union_all([*shapely.get_parts(bridges), *shapely.get_parts(dangles)])
    if not loose.is_empty:
        raise _not_crossing(unit, loose)
    return [face for face in shapely.get_parts(polygons) if polygon.contains(face.representative_point())]


def _without_repeats(points: Sequence[Points]) -> Points:
    kept = [points[0]]
    for point in points[1:]:
        if not np.array_equal(point, kept[-1]):
            kept.append(point)
    return np.array(kept)
