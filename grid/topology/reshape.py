"""Redrawing of the boundary between two neighbours."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import shapely

from grid.topology.checks import Unit, topology_fault
from grid.topology.crossings import Points
from grid.topology.merge import join_zones
from grid.topology.partition_change import PartitionChange, with_parents
from grid.topology.split import split


def reshape(units: Sequence[Unit], line: Sequence[Sequence[float]] | Points) -> PartitionChange:
    """Replace the common boundary of two zones by a line.

    Zones of two communities keep theirs: each new zone belongs to the one with which it has more land in common.

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
    joined = join_zones(units)
    first = units[0]
    names, codes = (", ".join(getattr(unit, name) for unit in units) for name in ("name", "code"))
    whole = dataclasses.replace(first, code=codes, name=names, shape=joined)
    cut = split(whole, line)
    if len(cut.added) != 2:
        raise topology_fault(
            "line_crosses_more",
            units,
            f"the line makes {len(cut.added)} zones of the two",
            f"该线把两个网格分成了 {len(cut.added)} 个",
            cut.added[-1],
        )
    one, other = cut.added
    kept, swapped = (
        sum(shapely.area([a.shape.intersection(one), b.shape.intersection(other)]))
        for a, b in (units, units[::-1])
    )
    first, second = units if kept >= swapped else units[::-1]
    made = [(one, first.parent_id), (other, second.parent_id)]
    return with_parents("reshape", tuple(units), made, cut.nodes)
