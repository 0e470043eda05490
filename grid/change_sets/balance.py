"""Territory balance (负载均衡): the load of each community, and unit grids to transfer to a neighbour.

The load of a unit grid is the weighted sum of its shares of the whole: households, enterprises, open cases,
area and road length, each divided by its sum over the territory, so that weights compare. A measure that
nobody recorded has no weight. The suggestion is the partition of the units among the communities that has the
smallest spread of loads plus a price for every unit that moves; found by a local search over moves along
borders, of which each keeps both communities in one piece, keeps at least one unit in each, and lowers the
spread.

After: Hess et al. (1965), political districting as a location problem; local improvement as in Ricca and
Simeone (2008).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import read_areas
from grid.change_sets.operations import Transfer
from grid.errors import GridError, UnknownArea
from grid.topology import metres_scale

MEASURES = ("households", "enterprises", "cases", "area_m2", "road_length_m")
WEIGHTS: Mapping[str, float] = {
    "households": 0.4,
    "enterprises": 0.2,
    "cases": 0.2,
    "area_m2": 0.1,
    "road_length_m": 0.1,
}
MIN_BORDER_M = 1.0
"""Units are neighbours when their common border is at least this long."""
MIN_GAIN = 0.01
"""A move is suggested when it lowers the spread by at least this share of the mean load."""


@dataclass(frozen=True)
class Move:
    """The transfer of one unit grid to another community."""

    area_id: int
    code: str
    from_code: str
    to_id: int
    to_code: str
    gain: float


@dataclass(frozen=True)
class CommunityLoad:
    """The ``MEASURES`` of one community, and its load (1 is the mean) before and after the moves."""

    id: int
    code: str
    name: str
    households: float
    enterprises: float
    cases: float
    area_m2: float
    road_length_m: float
    load: float
    load_after: float


@dataclass
class Balance:
    """The loads of a territory and the moves that even them out.

    Attributes
    ----------
    zones : list of CommunityLoad
    spread, spread_after : float
        Standard deviation of the loads.
    moves : list of Move
        In the order in which they are to be made.
    weights : dict
        The weights used: measures without any value have none.
    """

    zones: list[CommunityLoad]
    spread: float
    spread_after: float
    moves: list[Move] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)

    @property
    def operations(self) -> list[Transfer]:
        """The moves as operations that can be drafted as a change set."""
        by_pair: dict[tuple[str, int], list[int]] = defaultdict(list)
        for move in self.moves:
            by_pair[move.from_code, move.to_id].append(move.area_id)
        return [Transfer(op="transfer", area_ids=ids, community_id=to) for (_, to), ids in by_pair.items()]


def balance_of(
    db: Session, area_id: int, *, weights: Mapping[str, float] | None = None, max_moves: int = 10
) -> Balance:
    """Compute the loads of the communities of a town (or of all towns of a county), and units to transfer between them.

    Parameters
    ----------
    area_id : int
        A town, county or city that holds now.
    weights : mapping, optional
        Of ``MEASURES``; missing ones are 0.

    Raises
    ------
    UnknownArea
        No such area, or one without unit grids.
    GridError
        Weights that are negative or of no measure.
    """
    chosen = dict(WEIGHTS if weights is None else weights)
    if set(chosen) - set(MEASURES) or any(not value >= 0 for value in chosen.values()):
        raise GridError(f"weights: not negative, of {', '.join(MEASURES)}", "权重无效")
    units = _units(db, area_id)
    if units["id"].size == 0:
        raise UnknownArea(f"area {area_id} has no communities with unit grids", f"区域 {area_id} 内没有网格")
    used = {name: chosen.get(name, 0.0) for name in MEASURES if units[name].sum() > 0}
    used = {name: weight / sum(used.values()) for name, weight in used.items() if weight > 0}
    if not used:
        raise GridError("weights: no measure with a value has a weight", "没有可用的指标")
    load = sum(weight * units[name] / units[name].sum() for name, weight in used.items())
    zones, zone = np.unique(units["parent_id"], return_inverse=True)
    after, found = improve(
        np.asarray(load) * len(zones), zone, _borders(units["geometry"]), len(zones), max_moves
    )
    return _balance(db, units, np.asarray(load) * len(zones), zones, zone, after, found, used)


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
        ``gain``: by how much the standard deviation of the zones' loads falls.

    Examples
    --------
    Four units in a row, three of them in zone 0:

    >>> pairs = np.array([[0, 1], [1, 2], [2, 3]])
    >>> improve(np.ones(4), np.array([0, 0, 0, 1]), pairs, 2, 5)[0].tolist()
    [0, 0, 1, 1]
    """
    zone = zone.copy()
    moves: list[tuple[int, int, int, float]] = []
    moved: set[int] = set()
    while len(moves) < max_moves:
        best = _best_move(load, zone, borders, n_zones, moved)
        if best is None:
            break
        unit, target, gain = best
        moves.append((unit, int(zone[unit]), target, gain))
        zone[unit] = target
        moved.add(unit)
    return zone, moves


def _best_move(
    load: NDArray[np.float64],
    zone: NDArray[np.int64],
    borders: NDArray[np.int64],
    n_zones: int,
    moved: set[int],
) -> tuple[int, int, float] | None:
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
            return None
        if unit not in moved and _stays_whole(zone, borders, unit):
            return unit, target, round(spread - float(after), 6)
    return None


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


_UNITS = text("""
WITH RECURSIVE below AS (
    SELECT id FROM areas WHERE id = :area
    UNION SELECT a.id FROM areas a JOIN below b ON a.parent_id = b.id
    WHERE holds_at(a.valid_from, a.valid_to) AND a.kind IN ('county', 'town', 'community')
)
SELECT u.id, u.code, u.parent_id, COALESCE(u.households, 0), u.area_m2, COALESCE(u.road_length_m, 0),
    ST_AsBinary(u.geom),
    (SELECT count(DISTINCT s.enterprise_id) FROM sites s
     WHERE s.geom && u.geom AND owning_area(s.geom, '{unit_grid}') = u.id),
    (SELECT count(*) FROM cases c
     WHERE c.closed_at IS NULL AND c.state <> 'merged' AND c.geom && u.geom
       AND owning_area(c.geom, '{unit_grid}') = u.id)
FROM areas u WHERE u.kind = 'unit_grid' AND holds_at(u.valid_from, u.valid_to) AND u.parent_id IN (SELECT id FROM below)
ORDER BY u.code
""")


def _units(db: Session, area_id: int) -> dict[str, NDArray[Any]]:
    """Return the unit grids of a territory by column.

    The columns are ``id``, ``code``, ``parent_id``, ``geometry`` and the ``MEASURES``.
    """
    rows = db.execute(_UNITS, {"area": area_id}).all()
    names = (
        "id",
        "code",
        "parent_id",
        "households",
        "area_m2",
        "road_length_m",
        "wkb",
        "enterprises",
        "cases",
    )
    columns = {name: np.array([row[i] for row in rows], dtype=object) for i, name in enumerate(names)}
    for name in MEASURES:
        columns[name] = columns[name].astype(np.float64)
    for name in ("id", "parent_id"):
        columns[name] = columns[name].astype(np.int64)
    columns["geometry"] = shapely.from_wkb(np.array([bytes(wkb) for wkb in columns.pop("wkb")], dtype=object))
    return columns


def _borders(shapes: Any) -> NDArray[np.int64]:
    """Pairs of units with a common border of at least ``MIN_BORDER_M``."""
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects").T
    pairs = pairs[pairs[:, 0] < pairs[:, 1]].astype(np.int64)
    scale = metres_scale(float(shapely.total_bounds(shapes)[1]))
    metres = shapely.transform(shapes, lambda c: c * scale)
    common = shapely.intersection(metres[pairs[:, 0]], metres[pairs[:, 1]])
    return np.asarray(pairs[shapely.length(common) >= MIN_BORDER_M])


def _balance(
    db: Session,
    units: dict[str, NDArray[Any]],
    load: NDArray[np.float64],
    zones: NDArray[np.int64],
    zone: NDArray[np.int64],
    after: NDArray[np.int64],
    found: Sequence[tuple[int, int, int, float]],
    weights: dict[str, float],
) -> Balance:
    names = read_areas(db, kind="community").set_index("id")
    before_sum, after_sum = (np.bincount(z, weights=load, minlength=len(zones)) for z in (zone, after))
    loads_of = []
    for k, community_id in enumerate(zones.tolist()):
        row = names.loc[community_id]
        sums = {name: round(float(units[name][zone == k].sum()), 1) for name in MEASURES}
        loads = {"load": round(float(before_sum[k]), 4), "load_after": round(float(after_sum[k]), 4)}
        loads_of.append(CommunityLoad(community_id, row["code"], row["name"], **sums, **loads))
    codes = [community.code for community in loads_of]
    moves = [
        Move(int(units["id"][unit]), units["code"][unit], codes[a], int(zones[b]), codes[b], gain)
        for unit, a, b, gain in found
    ]
    spread, spread_after = (round(float(np.std(sums)), 6) for sums in (before_sum, after_sum))
    return Balance(loads_of, spread, spread_after, moves, weights)
