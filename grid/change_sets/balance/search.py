"""Search of unit grids to transfer, such that the loads of communities come near to each other.

A local search over moves along borders, and over exchanges of two units where no move helps: each keeps both
communities in one piece and at least one unit in each, lowers the spread, and does not make the one that takes the unit
the most loaded of all (what is only passed on helps nobody).

After: Hess et al. (1965), political districting as a location problem; local improvement as in Ricca and
Simeone (2008).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from grid.topology import metres_scale

MIN_BORDER_M = 1.0
"""Units are neighbours when their common border is at least this long."""
MIN_GAIN = 0.01
"""A move, or an exchange of two units, is suggested when it lowers the spread by this share of the mean load."""
MOST_EXCHANGES = 500
"""Exchanges that are looked at in one step, the best first."""


def improve(
    load: NDArray[np.float64],
    zone: NDArray[np.int64],
    borders: NDArray[np.int64],
    n_zones: int,
    max_moves: int,
) -> tuple[NDArray[np.int64], list[tuple[int, int, int, float]]]:
    """Move units along borders between zones until no move evens the loads any more.

    Parameters
    ----------
    load : ndarray of float64, shape (n,)
        Of each unit.
    zone : ndarray of int64, shape (n,)
        The zone of each unit, 0 … n_zones - 1.
    borders : ndarray of int64, shape (m, 2)
        Pairs of neighbouring units.

    Returns
    -------
    zone : ndarray of int64
        After the moves.
    moves : list of (unit, from, to, gain)
        ``gain``: by how much the standard deviation of the zones' loads falls; below 0 it is one half of an exchange.

    Examples
    --------
    Four units in a row, three of them in zone 0:

    >>> pairs = np.array([[0, 1], [1, 2], [2, 3]])
    >>> improve(np.ones(4), np.array([0, 0, 0, 1]), pairs, 2, 5)[0].tolist()
    [0, 0, 1, 1]
    """
    zone = zone.copy()
    moves: list[tuple[int, int, int, float]] = []
    while len(moves) < max_moves:
        moved = {unit for unit, *_ in moves}
        step = _best_move(load, zone, borders, n_zones, moved)
        if not step and len(moves) + 2 <= max_moves:
            step = _best_exchange(load, zone, borders, n_zones, moved)
        if not step:
            break
        for unit, target in step:
            before = float(np.std(np.bincount(zone, load, n_zones)))
            source, zone[unit] = int(zone[unit]), target
            gain = before - float(np.std(np.bincount(zone, load, n_zones)))
            moves.append((unit, source, target, round(gain, 6)))
    return zone, moves


def _best_move(
    load: NDArray[np.float64],
    zone: NDArray[np.int64],
    borders: NDArray[np.int64],
    n_zones: int,
    moved: set[int],
) -> list[tuple[int, int]]:
    """Return the unit and the zone of the move that lowers the spread most; empty when none does."""
    sums = np.bincount(zone, weights=load, minlength=n_zones)
    both = np.vstack([borders, borders[:, ::-1]])
    across = both[zone[both[:, 0]] != zone[both[:, 1]]]
    units, targets = across[:, 0], zone[across[:, 1]]
    # The sum of squares falls by 2 x (a - b - x) when x moves from a zone of a to one of b.
    fall = 2 * load[units] * (sums[zone[units]] - sums[targets] - load[units])
    spread = float(np.std(sums))
    for k in np.argsort(-fall, kind="stable"):
        unit, target = int(units[k]), int(targets[k])
        after = np.sqrt(max(spread**2 - fall[k] / n_zones, 0.0))
        if spread - after < MIN_GAIN * float(sums.mean()):
            return []
        if _is_passed_on(sums, int(zone[unit]), target, float(load[unit])):
            continue
        if unit not in moved and _stays_whole(zone, borders, unit):
            return [(unit, target)]
    return []


def _best_exchange(
    load: NDArray[np.float64],
    zone: NDArray[np.int64],
    borders: NDArray[np.int64],
    n_zones: int,
    moved: set[int],
) -> list[tuple[int, int]]:
    """Return two moves, of a unit of one zone and back of one of its neighbour, that lower the spread most together."""
    sums = np.bincount(zone, weights=load, minlength=n_zones)
    both = np.vstack([borders, borders[:, ::-1]])
    across = both[zone[both[:, 0]] != zone[both[:, 1]]]
    edge = np.unique(np.column_stack([across[:, 0], zone[across[:, 1]]]), axis=0)
    edge = edge[~np.isin(edge[:, 0], list(moved))]
    one, other = np.nonzero(
        (zone[edge[:, 0]][:, None] == edge[:, 1]) & (edge[:, 1][:, None] == zone[edge[:, 0]])
    )
    out, back = edge[one, 0], edge[other, 0]
    less = load[out] - load[back]
    fall = 2 * less * (sums[zone[out]] - sums[zone[back]] - less)
    spread = float(np.std(sums))
    for k in np.argsort(-fall, kind="stable")[:MOST_EXCHANGES]:
        after = np.sqrt(max(spread**2 - fall[k] / n_zones, 0.0))
        if less[k] <= 0 or spread - after < MIN_GAIN * float(sums.mean()):
            continue
        pair = int(out[k]), int(back[k])
        source, target = int(zone[pair[0]]), int(zone[pair[1]])
        if _is_passed_on(sums, source, target, float(less[k])):
            continue
        for steps in ([(pair[0], target), (pair[1], source)], [(pair[1], source), (pair[0], target)]):
            if _keep_whole(zone, borders, steps):
                return steps
    return []


def _keep_whole(zone: NDArray[np.int64], borders: NDArray[np.int64], steps: list[tuple[int, int]]) -> bool:
    """Return whether every zone is in one piece after each of some moves, and each unit lies beside its new zone."""
    now = zone.copy()
    for unit, target in steps:
        beside = borders[(borders == unit).any(axis=1)]
        if not (now[beside[beside != unit]] == target).any() or not _stays_whole(now, borders, unit):
            return False
        now[unit] = target
    return True


def _is_passed_on(sums: NDArray[Any], source: int, target: int, load: float) -> bool:
    """Return whether a zone that takes a load would be the most loaded of all."""
    after = sums.copy()
    after[source] -= load
    after[target] += load
    return bool(after[target] > np.delete(after, target).max(initial=0.0) * (1 + 1e-9))


def _stays_whole(zone: NDArray[np.int64], borders: NDArray[np.int64], unit: int) -> bool:
    """Whether the zone of a unit is not empty and still in one piece (or in as many as before) without it."""
    members = np.flatnonzero(zone == zone[unit])
    if len(members) < 2:
        return False
    return _pieces(members[members != unit], borders) <= _pieces(members, borders)


def _pieces(members: NDArray[np.int64], borders: NDArray[np.int64]) -> int:
    inside = borders[np.isin(borders, members).all(axis=1)]
    ends = np.searchsorted(members, inside)
    graph = coo_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(members),) * 2)
    return int(connected_components(graph, directed=False)[0])


def borders_of(shapes: Any) -> NDArray[np.int64]:
    """Pairs of units with a common border of at least ``MIN_BORDER_M``."""
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects").T
    pairs = pairs[pairs[:, 0] < pairs[:, 1]].astype(np.int64)
    scale = metres_scale(float(shapely.total_bounds(shapes)[1]))
    metres = shapely.transform(shapes, lambda c: c * scale)
    common = shapely.intersection(metres[pairs[:, 0]], metres[pairs[:, 1]])
    return np.asarray(pairs[shapely.length(common) >= MIN_BORDER_M])
