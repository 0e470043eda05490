"""Territory balance (负载均衡): the load of each community, and unit grids to transfer to a neighbour.

The load of a unit grid is the weighted sum of its shares of the whole: households, enterprises, open cases,
area and road length, each divided by its sum over the territory, so that weights compare. A measure that
nobody recorded has no weight. The suggestion is the partition of the units among the communities that has the
smallest spread of loads plus a price for every unit that moves (``grid.change_sets.balance.search``).

One enterprise or one open case makes a tenth of a community's mean load at most: where there are few, their measure
weighs less. Units without a value of a measure, and communities without a grid worker, are counted and told.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.areas import read_areas
from grid.change_sets.balance.search import borders_of, improve
from grid.change_sets.operations import Transfer
from grid.errors import GridError, UnknownArea
from layers.local_time import local_zone

MEASURES = ("households", "enterprises", "cases", "area_m2", "road_length_m")
WEIGHTS: Mapping[str, float] = {
    "households": 0.4,
    "enterprises": 0.2,
    "cases": 0.2,
    "area_m2": 0.1,
    "road_length_m": 0.1,
}
COUNTED = ("enterprises", "cases")
"""Measures of single things, of which one must not decide."""
MOST_OF_ONE = 0.1
"""Share of a community's mean load that one enterprise or one case makes at most."""


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
    """The ``MEASURES`` of one community, its load (1 is the mean) before and after the moves, and its grid workers.

    Attributes
    ----------
    workers : int
        Grid workers on duty for the community or one of its unit grids.
    households_per_worker : float or None
        None: it has no grid worker.
    """

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
    workers: int
    households_per_worker: float | None


@dataclass(frozen=True)
class MissingData:
    """A measure that was not recorded everywhere.

    Attributes
    ----------
    measure : str
        One of ``MEASURES``, or ``workers``.
    missing, of : int
        Unit grids (of ``workers``: communities) without a value, and all of them.
    """

    measure: str
    missing: int
    of: int


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
        The weights used: measures without any value have none, and those of few enterprises or cases less.
    missing : list of MissingData
        What was not recorded everywhere; areas, enterprises and cases are always known.
    """

    zones: list[CommunityLoad]
    spread: float
    spread_after: float
    moves: list[Move] = field(default_factory=list)
    weights: dict[str, float] = field(default_factory=dict)
    missing: list[MissingData] = field(default_factory=list)

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
    zones, zone = np.unique(units["parent_id"], return_inverse=True)
    used = _weights(chosen, {name: float(units[name].sum()) for name in MEASURES}, len(zones))
    if not used:
        raise GridError("weights: no measure with a value has a weight", "没有可用的指标")
    shares = sum(weight * units[name] / units[name].sum() for name, weight in used.items())
    load = np.asarray(shares) * len(zones)
    after, found = improve(load, zone, borders_of(units["geometry"]), len(zones), max_moves)
    return _balance(db, units, load, zones, zone, after, found, used)


def _weights(chosen: Mapping[str, float], sums: Mapping[str, float], n_zones: int) -> dict[str, float]:
    """Return the weights that are used, which sum up to 1: none for what nobody recorded, less for few things.

    Examples
    --------
    >>> _weights({"households": 0.5, "cases": 0.5}, {"households": 900.0, "cases": 1.0}, 5)
    {'households': 0.98, 'cases': 0.02}
    """
    known = {name: weight for name, weight in chosen.items() if weight > 0 and sums.get(name, 0.0) > 0}
    most = {name: MOST_OF_ONE * sums[name] / n_zones for name in known if name in COUNTED}
    capped: dict[str, float] = {}
    while True:
        free = {name: weight for name, weight in known.items() if name not in capped}
        rest = (1 - sum(capped.values())) / sum(free.values()) if free else 0.0
        over = {name: most[name] for name, weight in free.items() if weight * rest > most.get(name, 1.0)}
        if not over or len(over) == len(free):
            break
        capped |= over
    found = {name: capped.get(name, weight * rest) for name, weight in known.items()}
    return {name: round(weight, 12) for name, weight in found.items()}


_UNITS = text("""
WITH RECURSIVE below AS (
    SELECT id FROM areas WHERE id = :area
    UNION SELECT a.id FROM areas a JOIN below b ON a.parent_id = b.id
    WHERE holds_at(a.valid_from, a.valid_to) AND a.kind IN ('county', 'town', 'community')
)
SELECT u.id, u.code, u.parent_id, households_of(u, :day), u.area_m2, u.road_length_m,
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

    The columns are ``id``, ``code``, ``parent_id``, ``geometry``, the ``MEASURES`` (0 where unknown) and ``has_…``.
    """
    rows = db.execute(_UNITS, {"area": area_id, "day": _today()}).all()
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
        columns[f"has_{name}"] = ~np.isnan(columns[name])
        columns[name] = np.nan_to_num(columns[name])
    for name in ("id", "parent_id"):
        columns[name] = columns[name].astype(np.int64)
    columns["geometry"] = shapely.from_wkb(np.array([bytes(wkb) for wkb in columns.pop("wkb")], dtype=object))
    return columns


_WORKERS = text("""
SELECT c.id, count(DISTINCT h.worker_no)
FROM (SELECT w.worker_no, unnest(w.area_codes) AS code FROM grid_workers w
      WHERE w.on_duty AND w.valid_from <= :day AND (w.valid_to IS NULL OR w.valid_to > :day)) h
JOIN areas a ON a.code = h.code AND a.kind IN ('unit_grid', 'community') AND holds_at(a.valid_from, a.valid_to)
JOIN areas c ON c.id = CASE a.kind WHEN 'community' THEN a.id ELSE a.parent_id END
WHERE c.id = ANY(:communities) GROUP BY c.id
""")


def _today() -> dt.date:
    return dt.datetime.now(local_zone()).date()


def _workers(db: Session, communities: Sequence[int]) -> dict[int, int]:
    """Return the number of grid workers on duty in each community that has any, by its id."""
    rows = db.execute(_WORKERS, {"day": _today(), "communities": list(communities)})
    return {community: int(number) for community, number in rows}


def _missing(
    units: dict[str, NDArray[Any]], zones: NDArray[np.int64], workers: Mapping[int, int]
) -> list[MissingData]:
    """Return what was not recorded everywhere."""
    lacking = {name: int((~units[f"has_{name}"]).sum()) for name in MEASURES}
    found = [MissingData(name, number, len(units["id"])) for name, number in lacking.items() if number]
    without = len(zones) - len(workers)
    return [*found, MissingData("workers", without, len(zones))] if without else found


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
    workers = _workers(db, zones.tolist())
    before_sum, after_sum = (np.bincount(z, weights=load, minlength=len(zones)) for z in (zone, after))
    loads_of = []
    for k, community_id in enumerate(zones.tolist()):
        row = names.loc[community_id]
        sums = {name: round(float(units[name][zone == k].sum()), 1) for name in MEASURES}
        loads = {"load": round(float(before_sum[k]), 4), "load_after": round(float(after_sum[k]), 4)}
        staff = workers.get(community_id, 0)
        per_worker = round(sums["households"] / staff, 1) if staff else None
        loads_of.append(
            CommunityLoad(
                community_id,
                row["code"],
                row["name"],
                **sums,
                **loads,
                workers=staff,
                households_per_worker=per_worker,
            )
        )
    codes = [community.code for community in loads_of]
    moves = [
        Move(int(units["id"][unit]), units["code"][unit], codes[a], int(zones[b]), codes[b], gain)
        for unit, a, b, gain in found
    ]
    spread, spread_after = (round(float(np.std(sums)), 6) for sums in (before_sum, after_sum))
    return Balance(loads_of, spread, spread_after, moves, weights, _missing(units, zones, workers))
