"""Changed edges of outlines, and a check that neighbours share them; the rest is unchanged."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; west is above east when it is empty."""
EMPTY_BOX: Box = (np.inf, np.inf, -np.inf, -np.inf)
MARGIN_DEG = 1e-6
"""Nodes this near to a change (0.1 m) are looked at too."""


def changed_box(old: Any, new: Any) -> Box:
    """Return the box of the edges that only one of two outlines has.

    Parameters
    ----------
    old, new : polygons
        Degrees, EPSG:4326.

    Examples
    --------
    >>> changed_box(shapely.box(0, 0, 4, 1), shapely.Polygon([(0, 0), (3, 0), (3, 1), (0, 1)]))
    (0.0, 0.0, 4.0, 1.0)
    >>> changed_box(shapely.box(0, 0, 4, 1), shapely.box(0, 0, 4, 1)) == EMPTY_BOX
    True
    """
    (old_ends, old_keys), (new_ends, new_keys) = _edges(old), _edges(new)
    gone = old_ends[~np.isin(old_keys, new_keys)].reshape(-1, 2)
    made = new_ends[~np.isin(new_keys, old_keys)].reshape(-1, 2)
    return bounding_box(np.vstack([gone, made]))


def bounding_box(points: NDArray[np.float64]) -> Box:
    """Return the box of points, shape (n, 2)."""
    if not len(points):
        return EMPTY_BOX
    (west, south), (east, north) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return west, south, east, north


def union_box(boxes: Iterable[Box]) -> Box:
    """Return the box around boxes."""
    every = np.array([EMPTY_BOX, *boxes])
    (west, south), (east, north) = every[:, :2].min(axis=0).tolist(), every[:, 2:].max(axis=0).tolist()
    return west, south, east, north


def expand_box(box: Box, by_deg: float) -> Box:
    """Return a box with a margin on every side, degrees."""
    return box[0] - by_deg, box[1] - by_deg, box[2] + by_deg, box[3] + by_deg


def box_around(shapes: Any) -> Box:
    """Return the box of shapes with ``MARGIN_DEG`` more on every side."""
    return expand_box(bounding_box(shapely.get_coordinates(shapes)), MARGIN_DEG)


def points_inside(points: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """Return the points inside a box, its edges included."""
    return points[((points >= box[:2]) & (points <= box[2:])).all(axis=1)]


def box_intersects(shape: Any, box: Box) -> bool:
    """Return whether the box of a shape intersects a box."""
    west, south, east, north = shapely.bounds(shape)
    return bool(west <= box[2] and east >= box[0] and south <= box[3] and north >= box[1])


def unshared_edges(shapes: Sequence[Any], box: Box) -> Any:
    """Return the edges inside a box that the polygons of a coverage do not share; empty when all are shared.

    Parameters
    ----------
    shapes : sequence of polygons
        Each valid. Edges that cross the box count only if one of their sides lies inside it.
    box : Box

    Returns
    -------
    MultiLineString
    """
    reach = max(MARGIN_DEG, 0.05 * max(box[2] - box[0], box[3] - box[1]))
    west, south, east, north = outer = expand_box(box, reach)
    polygons = shapely.get_parts(shapes)
    bounds = shapely.bounds(polygons)
    near = ((bounds[:, :2] <= (east, north)) & (bounds[:, 2:] >= (west, south))).all(axis=1)
    whole = ((bounds[:, :2] >= (west, south)) & (bounds[:, 2:] <= (east, north))).all(axis=1)
    cut = shapely.get_parts(shapely.intersection(polygons[near & ~whole], shapely.box(*outer)))
    pieces = np.concatenate([polygons[whole], cut[shapely.get_dimensions(cut) == 2]])
    if shapely.coverage_is_valid(pieces) or not len(_unshared_segments(pieces, outer)):
        return shapely.MultiLineString()
    # The new ends of a cut edge can differ in the last digit, so the whole polygons decide.
    return shapely.union_all(shapely.linestrings(_unshared_segments(polygons[near], outer)))


def newly_unshared_edges(before: Sequence[Any], after: Sequence[Any], box: Box) -> Any:
    """Return the edges inside a box that are unshared after a change but were all shared before."""
    apart = unshared_edges(after, box)
    if apart.is_empty or unshared_edges(before, box).is_empty:
        return apart
    return shapely.MultiLineString()


def _unshared_segments(polygons: NDArray[np.object_], box: Box) -> NDArray[np.float64]:
    """Return the ends of unshared edges inside a box, shape (n, 2, 2)."""
    ends, _ = _segments(shapely.get_parts(shapely.coverage_invalid_edges(polygons)))
    return ends[((ends > box[:2]) & (ends < box[2:])).all(axis=(1, 2))]


def _segments(lines: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the ends of the segments of lines, shape (n, 2, 2), and the line number of each."""
    corners, of = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(of[1:] == of[:-1])
    return np.stack([corners[first], corners[first + 1]], axis=1), of[first]


def _edges(shape: Any) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Return the ends of the edges of an outline, shape (n, 2, 2), and a direction-independent hash of each."""
    ends, _ = _segments(shapely.get_rings(shapely.get_parts(shape)))
    bits = (ends + 0.0).view(np.uint64)  # -0.0 is 0.0
    numbers = _mix_bits(_mix_bits(bits[:, :, 0]) + bits[:, :, 1])
    return ends, numbers.sum(axis=1, dtype=np.uint64)


def _mix_bits(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finalize a hash with splitmix64 (Steele, Lea, Flood 2014)."""
    mixed = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
