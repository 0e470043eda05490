"""Where outlines have changed, and whether they share their edges there: what lies elsewhere is as it was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; west is above east when it is empty."""
NOWHERE: Box = (np.inf, np.inf, -np.inf, -np.inf)
MARGIN_DEG = 1e-6
"""Nodes this near to a change (0.1 m) are looked at too."""


def changed_box(old: Any, new: Any) -> Box:
    """The box of the edges that only one of two outlines has.

    Examples
    --------
    >>> changed_box(shapely.box(0, 0, 4, 1), shapely.Polygon([(0, 0), (3, 0), (3, 1), (0, 1)]))
    (0.0, 0.0, 4.0, 1.0)
    >>> changed_box(shapely.box(0, 0, 4, 1), shapely.box(0, 0, 4, 1)) == NOWHERE
    True
    """
    (old_ends, old_keys), (new_ends, new_keys) = _edges(old), _edges(new)
    gone = old_ends[~np.isin(old_keys, new_keys)].reshape(-1, 2)
    made = new_ends[~np.isin(new_keys, old_keys)].reshape(-1, 2)
    return box_of(np.vstack([gone, made]))


def box_of(points: NDArray[np.float64]) -> Box:
    """The box of points, shape (n, 2)."""
    if not len(points):
        return NOWHERE
    (west, south), (east, north) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return west, south, east, north


def joined(boxes: Iterable[Box]) -> Box:
    """The box around boxes."""
    every = np.array([NOWHERE, *boxes])
    (west, south), (east, north) = every[:, :2].min(axis=0).tolist(), every[:, 2:].max(axis=0).tolist()
    return west, south, east, north


def grown(box: Box, by_deg: float) -> Box:
    """A box with more on every side."""
    return box[0] - by_deg, box[1] - by_deg, box[2] + by_deg, box[3] + by_deg


def box_around(shapes: Any) -> Box:
    """The box of shapes with ``MARGIN_DEG`` more on every side."""
    return grown(box_of(shapely.get_coordinates(shapes)), MARGIN_DEG)


def inside(points: NDArray[np.float64], box: Box) -> NDArray[np.float64]:
    """The points within a box, its edges included."""
    return points[((points >= box[:2]) & (points <= box[2:])).all(axis=1)]


def meets(shape: Any, box: Box) -> bool:
    """Whether the box of a shape and a box have a point in common."""
    west, south, east, north = shapely.bounds(shape)
    return bool(west <= box[2] and east >= box[0] and south <= box[3] and north >= box[1])


def unshared_edges(shapes: Sequence[Any], box: Box) -> Any:
    """Edges within a box that the polygons of a coverage do not share; empty when they agree there.

    Parameters
    ----------
    shapes : sequence of polygons
        Each valid. Edges that reach over the box do not count, but every edge that one of their sides has inside does.

    Returns
    -------
    MultiLineString
    """
    reach = max(MARGIN_DEG, 0.05 * max(box[2] - box[0], box[3] - box[1]))
    west, south, east, north = outer = grown(box, reach)
    polygons = shapely.get_parts(shapes)
    bounds = shapely.bounds(polygons)
    near = ((bounds[:, :2] <= (east, north)) & (bounds[:, 2:] >= (west, south))).all(axis=1)
    whole = ((bounds[:, :2] >= (west, south)) & (bounds[:, 2:] <= (east, north))).all(axis=1)
    cut = shapely.get_parts(shapely.intersection(polygons[near & ~whole], shapely.box(*outer)))
    pieces = np.concatenate([polygons[whole], cut[shapely.get_dimensions(cut) == 2]])
    if shapely.coverage_is_valid(pieces) or not len(_apart(pieces, outer)):
        return shapely.MultiLineString()
    # Where an edge is cut its new ends can differ in the last digit: what the pieces say is asked of the whole.
    return shapely.union_all(shapely.linestrings(_apart(polygons[near], outer)))


def newly_unshared(before: Sequence[Any], after: Sequence[Any], box: Box) -> Any:
    """Edges within a box that polygons do not share after a change although they shared all before; else empty."""
    apart = unshared_edges(after, box)
    if apart.is_empty or unshared_edges(before, box).is_empty:
        return apart
    return shapely.MultiLineString()


def _apart(polygons: NDArray[np.object_], box: Box) -> NDArray[np.float64]:
    """Ends of the edges inside of a box that polygons do not share, shape (n, 2, 2)."""
    ends, _ = _segments(shapely.get_parts(shapely.coverage_invalid_edges(polygons)))
    return ends[((ends > box[:2]) & (ends < box[2:])).all(axis=(1, 2))]


def _segments(lines: Any) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Ends of the segments of lines, shape (n, 2, 2), and the number of the line of each."""
    corners, of = shapely.get_coordinates(lines, return_index=True)
    first = np.flatnonzero(of[1:] == of[:-1])
    return np.stack([corners[first], corners[first + 1]], axis=1), of[first]


def _edges(shape: Any) -> tuple[NDArray[np.float64], NDArray[np.uint64]]:
    """Ends of the edges of an outline, shape (n, 2, 2), and a number of each that does not depend on its direction."""
    ends, _ = _segments(shapely.get_rings(shapely.get_parts(shape)))
    bits = (ends + 0.0).view(np.uint64)  # -0.0 is 0.0
    numbers = _mixed(_mixed(bits[:, :, 0]) + bits[:, :, 1])
    return ends, numbers.sum(axis=1, dtype=np.uint64)


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finalizer of splitmix64 (Steele, Lea, Flood 2014): every bit of the input changes half of the output's."""
    mixed = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
