"""Redrawing of the boundary between two neighbours."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from grid.topology.checks import Unit, topology_fault
from grid.topology.merge import merge
from grid.topology.partition_change import PartitionChange
from grid.topology.split import Points, split


def reshape(units: Sequence[Unit], line: Sequence[Sequence[float]] | Points) -> PartitionChange:
    """Replace the common boundary of two zones of a community by a line.

    Parameters
    ----------
    units : sequence of Unit
        The two zones.
    line : sequence of positions, or ndarray of float64, shape (n, 2)
        From edge to edge of the two zones together, degrees; its ends snap to corners and edges.

    Raises
    ------
    TopologyFault
        As in ``merge`` and ``split``, or ``line_crosses_more``: the line makes more than two zones.
    """
    joined = merge(units)
    first = units[0]
    names, codes = (", ".join(getattr(unit, name) for unit in units) for name in ("name", "code"))
    whole = dataclasses.replace(first, code=codes, name=names, shape=joined.added[0])
    cut = split(whole, line)
    if len(cut.added) != 2:
        raise topology_fault(
            "line_crosses_more",
            units,
            f"the line makes {len(cut.added)} zones of the two",
            f"该线把两个网格分成了 {len(cut.added)} 个",
            cut.added[-1],
        )
    return PartitionChange("reshape", tuple(units), cut.added, cut.nodes)
