"""The rule of ownership in rational numbers: slow, exact, and written apart from the code that it checks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import shapely

Edge = tuple[Fraction, Fraction, Fraction, Fraction]


def owner(shapes: Sequence[Any], lon: float, lat: float) -> int:
    """Position of the area that owns a point; the first that touches it when none does; -1 without one."""
    point = Fraction(lon), Fraction(lat)
    inside = [i for i, shape in enumerate(shapes) if owns(shape, *point)]
    touching = [i for i, shape in enumerate(shapes) if on_edge(shape, *point)]
    return (inside + touching + [-1])[0]


def owns(shape: Any, x: Fraction, y: Fraction) -> bool:
    """Whether an odd number of edges lies strictly east of the point, counting edges with ``y1 <= y <
    y2``.
    """
    return sum(y1 <= y < y2 and x < _x_at(y, (x1, y1, x2, y2)) for x1, y1, x2, y2 in edges(shape)) % 2 == 1


def on_edge(shape: Any, x: Fraction, y: Fraction) -> bool:
    """Whether the point lies exactly on an edge."""
    for x1, y1, x2, y2 in edges(shape):
        if y1 == y2 == y and min(x1, x2) <= x <= max(x1, x2):
            return True
        if y1 < y2 and y1 <= y <= y2 and x == _x_at(y, (x1, y1, x2, y2)):
            return True
    return False


def edges(shape: Any) -> Iterator[Edge]:
    """Edges of all rings, each from its lower end to its upper one."""
    for ring in shapely.get_rings(shapely.get_parts(shape)):
        points = [(Fraction(x), Fraction(y)) for x, y in shapely.get_coordinates(ring).tolist()]
        for a, b in itertools.pairwise(points):
            (x1, y1), (x2, y2) = (a, b) if a[1] <= b[1] else (b, a)
            yield x1, y1, x2, y2


def _x_at(y: Fraction, edge: Edge) -> Fraction:
    x1, y1, x2, y2 = edge
    return x1 + (x2 - x1) * (y - y1) / (y2 - y1)
