"""What one operation does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grid.topology.checks import Unit


@dataclass(frozen=True)
class Change:
    """Zones that end, shapes that begin, and new nodes that the neighbours need in their edges too.

    Attributes
    ----------
    removed : tuple of Unit
    added : tuple of polygons
        In the order in which they get their codes: from west to east, then from north to south.
    nodes : ndarray of float64, shape (n, 2)
    parts_reason : str
        Why a new zone may have several parts (islands); empty: it may not.
    """

    op: str
    removed: tuple[Unit, ...]
    added: tuple[Any, ...]
    nodes: NDArray[np.float64]
    parts_reason: str = ""


def in_code_order(shapes: list[Any]) -> tuple[Any, ...]:
    """Shapes from west to east, then from north to south, by a point inside."""
    return tuple(sorted(shapes, key=lambda s: (s.representative_point().x, -s.representative_point().y)))
