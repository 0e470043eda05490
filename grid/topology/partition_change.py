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
    parents : tuple of int or None
        Id of the parent of each new zone; empty: all have the parent of the first that ends.
    """

    op: str
    removed: tuple[Unit, ...]
    added: tuple[Any, ...]
    nodes: NDArray[np.float64]
    parts_reason: str = ""
    parents: tuple[int | None, ...] = ()

    @property
    def added_parents(self) -> tuple[int | None, ...]:
        """Id of the parent of each new zone."""
        return self.parents or (self.removed[0].parent_id,) * len(self.added)


def with_parents(
    op: str, removed: tuple[Unit, ...], made: list[tuple[Any, int | None]], nodes: NDArray[np.float64]
) -> PartitionChange:
    """Make a change of zones of any parents from pairs of a new shape and its parent's id."""
    parent_of = {id(shape): parent for shape, parent in made}
    added = sort_for_codes([shape for shape, _ in made])
    return PartitionChange(op, removed, added, nodes, parents=tuple(parent_of[id(one)] for one in added))


def sort_for_codes(shapes: list[Any]) -> tuple[Any, ...]:
    """Sort shapes from west to east, then from north to south, by a point inside."""
    return tuple(sorted(shapes, key=lambda s: (s.representative_point().x, -s.representative_point().y)))
