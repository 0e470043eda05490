"""Result of one operation on a partition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid.topology.checks import Unit


@dataclass(frozen=True)
class PartitionChange:
    """Zones that end, shapes that begin, and new nodes on the edges of the neighbours.

    Attributes
    ----------
    op : str
        Name of the operation.
    removed : tuple of Unit
    added : tuple of polygons
        In the order of their codes: from west to east, then from north to south.
    nodes : ndarray of float64, shape (n, 2)
        Degrees, EPSG:4326.
    parts_reason : str
        Reason why a new zone may have several parts (islands); empty: it may not.
    """

    op: str
    removed: tuple[Unit, ...]
    added: tuple[Any, ...]
    nodes: NDArray[np.float64]
    parts_reason: str = ""


def sort_for_codes(shapes: list[Any]) -> tuple[Any, ...]:
    """Sort shapes from west to east, then from north to south, by a point inside."""
    return tuple(sorted(shapes, key=lambda s: (s.representative_point().x, -s.representative_point().y)))
