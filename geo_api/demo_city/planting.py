"""Role of every lot: the planted truth that no model reads."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo_api.demo_city.parks import Lots
from geo_api.demo_city.sizes import CitySize
from geo_api.demo_city.tessellation import Floats, Ints

RESUMPTION = "illegal_resumption"
CLOSED_ROLES = (
    "plain_closed",
    RESUMPTION,
    "guards_only",
    "beside_open",
    "dismantling",
    "missing_meters",
    "shared_meter",
    "gate_queue",
    "petrol",
    "licensed_parking",
)
_NEAR_M = 60.0


@dataclass(frozen=True)
class Plan:
    """Role of every lot and the figures that go with it.

    Attributes
    ----------
    role : ndarray of str
        ``open``, ``suspended``, ``warehouse`` or one of ``CLOSED_ROLES``.
    closed_day : ndarray of int
        Day number before the end day on which a closed plant closed (days ago), else -1.
    resumed : ndarray of int
        Days ago on which use rose (resumptions, dismantling), else -1.
    served : dict
        Closed lot of role ``beside_open`` to the open lot beside it.
    places : list of (kind, x_m, y_m, radius_m)
        Petrol stations, licensed parking and gate queues.
    end_day : date
        The demo's last day.
    """

    role: NDArray[np.str_]
    closed_day: Ints
    resumed: Ints
    served: dict[int, int]
    places: list[tuple[str, float, float, float]]
    end_day: dt.date

    def day_before_end(self, days: int) -> dt.date:
        """Return the date so many days before the demo's last day."""
        return self.end_day - dt.timedelta(days=int(days))

    def lots(self, *roles: str) -> Ints:
        """Lots with one of these roles."""
        return np.flatnonzero(np.isin(self.role, roles))


class _Chooser:
    """Gives roles to lots at random; lots near a resumption are kept free of other closed plants."""

    def __init__(self, lots: Lots, rng: np.random.Generator) -> None:
        self.lots, self.rng = lots, rng
        self.role = np.full(len(lots.polygons), "", dtype="U20")
        self.reserved = np.zeros(len(lots.polygons), dtype=bool)
        self.tree = shapely.STRtree(lots.polygons)

    def near(self, lot: int, reach_m: float = _NEAR_M) -> Ints:
        """Other lots within reach of a lot's fence."""
        found = self.tree.query(self.lots.polygons[lot], predicate="dwithin", distance=reach_m)
        return found[found != lot]

    def pick(
        self, role: str, count: int, allowed: NDArray[np.bool_], *, reserve_near: bool = False
    ) -> list[int]:
        """Give ``role`` to ``count`` free lots; with ``reserve_near`` what lies near them stays open."""
        chosen: list[int] = []
        for lot in self.rng.permutation(np.flatnonzero(allowed)).tolist():
            if len(chosen) == count:
                break
            if self.role[lot] or self.reserved[lot]:
                continue
            near = self.near(lot)
            if reserve_near and (self.role[near] != "").any():
                continue
            self.role[lot] = role
            chosen.append(lot)
            if reserve_near:
                self.reserved[near] = True
        if len(chosen) < count:
            raise ValueError(
                f"demo city: only {len(chosen)} of {count} lots found for {role}; make it larger"
            )
        return chosen


def make_plan(lots: Lots, size: CitySize, rng: np.random.Generator) -> Plan:
    """Choose the role of every lot, and the places beside decoys, by the random generator alone."""
    chooser = _Chooser(lots, rng)
    n = len(lots.polygons)
    in_park, at_gate = lots.park >= 0, lots.gate_rank <= 1
    everywhere = np.ones(n, dtype=bool)
    wanted = size.planted
    queue_lots = _one_per_park(chooser, np.flatnonzero(at_gate), wanted["gate_queue"])
    chooser.pick(RESUMPTION, wanted[RESUMPTION], lots.gate_rank > 3, reserve_near=True)
    petrol = chooser.pick("petrol", wanted["petrol"], ~in_park)
    parking = chooser.pick("licensed_parking", wanted["licensed_parking"], ~in_park)
    served = _beside_open(chooser, wanted["beside_open"], in_park & ~at_gate)
    for role in ("guards_only", "dismantling", "missing_meters", "shared_meter"):
        chooser.pick(role, wanted[role], everywhere & ~at_gate)
    chooser.pick("plain_closed", size.closed - sum(wanted.values()), everywhere & ~at_gate)
    chooser.pick("warehouse", size.warehouses, in_park & ~at_gate)
    free = np.flatnonzero(chooser.role == "")
    chooser.role[free] = "open"
    chooser.role[rng.choice(free[~chooser.reserved[free]], size=max(len(free) // 40, 1), replace=False)] = (
        "suspended"
    )
    places = _places(lots, chooser, petrol, parking, queue_lots, size, rng)
    closed = np.isin(chooser.role, CLOSED_ROLES)
    closed_day = np.where(closed, rng.integers(170, 560, n), -1)
    resumed = np.full(n, -1)
    resumed[chooser.role == RESUMPTION] = rng.integers(21, 56, int((chooser.role == RESUMPTION).sum()))
    resumed[chooser.role == "dismantling"] = rng.integers(18, 50, int((chooser.role == "dismantling").sum()))
    return Plan(chooser.role, closed_day, resumed, served, places, size.end_day)


def _one_per_park(chooser: _Chooser, gate_lots: Ints, count: int) -> list[int]:
    """Return a closed plant right at the gate of ``count`` different parks; the lot across stays open."""
    parks = chooser.rng.permutation(np.unique(chooser.lots.park[gate_lots]))[:count]
    chosen = [int(chooser.rng.choice(gate_lots[chooser.lots.park[gate_lots] == park])) for park in parks]
    chooser.role[chosen] = "gate_queue"
    for lot in chosen:
        chooser.reserved[chooser.near(lot)] = True
    return chosen


def _beside_open(chooser: _Chooser, count: int, allowed: NDArray[np.bool_]) -> dict[int, int]:
    """Choose closed plants with an open neighbour behind the same fence line; that neighbour gets many trucks."""
    served: dict[int, int] = {}
    for lot in chooser.rng.permutation(np.flatnonzero(allowed)).tolist():
        if len(served) == count:
            break
        beside = [o for o in chooser.near(lot, 18.0).tolist() if not chooser.role[o]]
        if chooser.role[lot] or chooser.reserved[lot] or not beside:
            continue
        chooser.role[lot] = "beside_open"
        served[lot] = int(chooser.rng.choice(beside))
        chooser.reserved[served[lot]] = True
    if len(served) < count:
        raise ValueError(
            f"demo city: only {len(served)} of {count} lots found for beside_open; make it larger"
        )
    return served


def _beside(lots: Lots, lot: int, gap_m: float, rng: np.random.Generator) -> Floats:
    """Return a point ``gap_m`` outside a lot's fence."""
    ring = shapely.buffer(lots.polygons[lot], gap_m).exterior
    point = ring.interpolate(rng.uniform(), normalized=True)
    return np.array([point.x, point.y])


def _places(
    lots: Lots,
    chooser: _Chooser,
    petrol: list[int],
    parking: list[int],
    queue_lots: list[int],
    size: CitySize,
    rng: np.random.Generator,
) -> list[tuple[str, float, float, float]]:
    """Places beside the decoys and many more of the same kinds elsewhere, in random order."""
    places: list[tuple[str, float, float, float]] = []
    for lot in petrol:
        places.append(("petrol", *_beside(lots, lot, rng.uniform(55, 100), rng), 45.0))
    for lot in parking:
        places.append(("licensed_parking", *_beside(lots, lot, rng.uniform(90, 130), rng), 80.0))
    hot = set(lots.park[queue_lots].tolist())
    for park in range(len(lots.gates_m)):
        if park in hot or rng.uniform() < 0.5:
            places.append(("gate_queue", *lots.gates_m[park], 95.0))
    ring = shapely.union_all(lots.polygons).buffer(400.0)
    for kind, count, radius in (
        ("petrol", size.petrol - len(petrol), 45.0),
        ("licensed_parking", size.depots - len(parking), 110.0),
        ("service_area", max(size.petrol // 10, 1), 120.0),
    ):
        for _ in range(count):
            places.append((kind, *_away(lots, ring, rng), radius))
    return [places[i] for i in rng.permutation(len(places))]


def _away(lots: Lots, ring: BaseGeometry, rng: np.random.Generator) -> Floats:
    """Return a point 0.6 to 5 km from a random lot but not near any."""
    while True:
        centre = lots.origin[rng.integers(len(lots.origin))]
        turn, reach = rng.uniform(0, 2 * np.pi), rng.uniform(600.0, 5000.0)
        point = centre + reach * np.array([np.cos(turn), np.sin(turn)])
        if not shapely.contains_xy(ring, point[0], point[1]):
            return np.asarray(point)
