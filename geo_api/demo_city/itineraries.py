"""Place and time of every truck.

Duty days between depots, plants, warehouses and petrol stations, night trips.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import shapely

from geo_api.demo_city.parks import Lots
from geo_api.demo_city.planting import RESUMPTION, Plan
from geo_api.demo_city.routes import Router
from geo_api.demo_city.sizes import CitySize
from geo_api.demo_city.tessellation import Floats, Ints

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
_REACH_M = 28_000.0


@dataclass
class Legs:
    """Pieces of journeys, each along a line.

    ``silent`` ones are driven or stood through without any report.
    """

    vehicle: list[int] = field(default_factory=list)
    start_s: list[float] = field(default_factory=list)
    end_s: list[float] = field(default_factory=list)
    lines: list[Floats] = field(default_factory=list)
    silent: list[bool] = field(default_factory=list)

    def add(self, vehicle: int, start_s: float, end_s: float, line: Floats, *, silent: bool = False) -> float:
        """Append a piece along a line, shape (k, 2) with k of 2 or more; returns its end time."""
        self.vehicle.append(vehicle)
        self.start_s.append(start_s)
        self.end_s.append(end_s)
        self.lines.append(line)
        self.silent.append(silent)
        return end_s


@dataclass(frozen=True)
class Network:
    """Places trucks use, in metres: depots, petrol stations, gate queues (park, x, y) and customers' lots."""

    depots: Floats
    petrol: Floats
    petrol_weight: Floats
    queue_parks: Ints
    queue_share: Floats
    customers: Ints
    customer_m: Floats
    demand: Floats


def make_network(plan: Plan, lots: Lots, rng: np.random.Generator) -> Network:
    """Read the places of the plan as places of trucks; open neighbours of closed plants get many visits."""

    def of(kind: str) -> Floats:
        return np.array([(x, y) for k, x, y, _ in plan.places if k == kind]).reshape(-1, 2)

    petrol = of("petrol")
    decoy_m = lots.centres[plan.lots("petrol")]
    near = (
        np.hypot(*(petrol[:, None, :] - decoy_m[None, :, :]).transpose(2, 0, 1)).min(axis=1, initial=np.inf)
        < 400.0
    )
    customers = plan.lots("open", "warehouse")
    demand = rng.lognormal(0.0, 0.6, len(customers))
    busy = np.isin(customers, list(plan.served.values()))
    demand = np.where(busy, np.maximum(demand, 1.5) * 4.0, demand)
    gates = of("gate_queue")
    gap = np.hypot(*(lots.gates_m[:, None, :] - gates[None, :, :]).transpose(2, 0, 1)).min(axis=1)
    parks = np.flatnonzero(gap < 1.0)
    hot = np.isin(parks, lots.park[plan.lots("gate_queue")])
    return Network(
        of("licensed_parking"),
        petrol,
        np.where(near, 5.0, 1.0),
        parks,
        np.where(hot, 0.6, 0.25),
        customers,
        lots.centres[customers],
        demand,
    )


class Planner:
    """Makes the journeys; every random choice comes from one generator."""

    def __init__(
        self, plan: Plan, lots: Lots, router: Router, size: CitySize, rng: np.random.Generator
    ) -> None:
        self.plan, self.lots, self.router, self.size, self.rng = plan, lots, router, size, rng
        self.net = make_network(plan, lots, rng)
        self.home = rng.permutation(np.arange(size.trucks) % len(self.net.depots))
        self.legs = Legs()
        self.slot = self.net.depots[self.home] + rng.uniform(-35, 35, size=(size.trucks, 2))
        self._customer_p: dict[int, Floats] = {}

    def drive(self, truck: int, start_s: float, a: Floats, b: Floats) -> float:
        """Drive along the roads at 42-62 km/h; returns the time of arrival."""
        line = self.router.way(a, b)
        length_m = float(np.hypot(*np.diff(line, axis=0).T).sum())
        speed = self.rng.uniform(42, 62) / 3.6
        return self.legs.add(truck, start_s, start_s + max(length_m / speed, 60.0), line)

    def stand(self, truck: int, start_s: float, seconds: float, at: Floats, *, silent: bool = False) -> float:
        """Stand; a silent stop reports for 3-8 minutes, then mostly again in the last minutes before it leaves."""
        if not silent:
            return self.legs.add(truck, start_s, start_s + seconds, np.stack([at, at]))
        last = self.rng.uniform(60, 150) if self.rng.uniform() < 0.7 else 0.0
        spot = np.stack([at, at])
        seen = self.legs.add(truck, start_s, start_s + self.rng.uniform(180, 480), spot)
        clock = self.legs.add(truck, seen, max(start_s + seconds - last, seen), spot, silent=True)
        return self.legs.add(truck, clock, clock + last, spot) if last else clock

    def customer(self, truck: int) -> int:
        """Return a customer's lot near the truck's depot, by demand and distance."""
        home = int(self.home[truck])
        if home not in self._customer_p:
            gap = np.hypot(*(self.net.customer_m - self.net.depots[home]).T)
            weight = self.net.demand * np.exp(-gap / 9000.0) * (gap < _REACH_M)
            if weight.sum() == 0:
                weight = np.exp(-gap / 30_000.0)
            self._customer_p[home] = weight / weight.sum()
        return int(self.net.customers[self.rng.choice(len(self.net.customers), p=self._customer_p[home])])

    def stop_point(self, lot: int) -> Floats:
        """Choose where a truck stands at a customer.

        Anywhere inside, at busy neighbours near the common fence.
        """
        closed = [c for c, o in self.plan.served.items() if o == lot]
        point = np.asarray(self.lots.inside(np.array([lot]), self.rng)[0])
        if not closed:
            return point
        toward = self.lots.centres[closed[0]] - self.lots.centres[lot]
        trial = point + np.linspace(0.0, 0.9, 40)[:, None] * toward
        inner = shapely.buffer(self.lots.polygons[lot], -12.0)
        inside = trial[shapely.intersects_xy(inner, trial[:, 0], trial[:, 1])]
        return np.asarray(inside[-1] if len(inside) else point)

    def petrol_near(self, at: Floats) -> Floats | None:
        """Return a petrol station within 8 km, near ones and busy ones first."""
        gap = np.hypot(*(self.net.petrol - at).T)
        weight = self.net.petrol_weight * np.exp(-gap / 2500.0) * (gap < 8000.0)
        if weight.sum() == 0:
            return None
        chosen = self.net.petrol[self.rng.choice(len(gap), p=weight / weight.sum())]
        return np.asarray(chosen + self.rng.uniform(-18, 18, 2))

    def queue(self, truck: int, clock: float, here: Floats, lot: int) -> tuple[float, Floats]:
        """Perhaps wait in the queue at the gate of the lot's park."""
        park = int(self.lots.park[lot])
        known = np.flatnonzero(self.net.queue_parks == park)
        if known.size == 0 or self.rng.uniform() > self.net.queue_share[known[0]]:
            return clock, here
        turn = self.lots.gate_angle[park]
        along = np.array([np.cos(turn), np.sin(turn)]) * self.rng.uniform(-65, 55)
        spot = self.lots.gates_m[park] + along
        clock = self.drive(truck, clock, here, spot)
        return self.stand(truck, clock, self.rng.uniform(12, 55) * 60, spot), spot

    def duty_day(self, truck: int, day: int, extra: list[tuple[Floats, float]]) -> None:
        """One day on duty: depot, customers, perhaps queue and petrol, depot; over by 20:00."""
        rng, home = self.rng, self.slot[truck]
        clock = day * DAY_S + rng.uniform(6.0, 8.5) * HOUR_S
        clock, here = self.stand(truck, clock, rng.uniform(5, 35) * 60, home), home
        for spot, seconds in extra:
            clock = self.drive(truck, clock, here, spot)
            clock, here = self.stand(truck, clock, seconds, spot), spot
        for _ in range(rng.integers(2, 5)):
            if clock > day * DAY_S + 15.5 * HOUR_S:
                break
            lot = self.customer(truck)
            clock, here = self.queue(truck, clock, here, lot)
            spot = self.stop_point(lot)
            clock = self.drive(truck, clock, here, spot)
            clock, here = self.stand(truck, clock, rng.uniform(25, 95) * 60, spot), spot
            station = self.petrol_near(here) if rng.uniform() < 0.25 else None
            if station is not None:
                clock = self.drive(truck, clock, here, station)
                clock, here = self.stand(truck, clock, rng.uniform(9, 24) * 60, station), station
        clock = self.drive(truck, clock, here, home)
        self.stand(truck, clock, rng.uniform(8, 40) * 60, home)

    def night_trip(self, truck: int, night: int, spot: Floats, minutes: float, *, silent: bool) -> None:
        """Out of the depot after 20:30, to a lot, back before dawn."""
        clock = night * DAY_S + self.rng.uniform(20.5, 24.4) * HOUR_S
        clock = self.stand(truck, clock, self.rng.uniform(4, 10) * 60, self.slot[truck])
        clock = self.drive(truck, clock, self.slot[truck], spot)
        clock = self.stand(truck, clock, minutes * 60, spot, silent=silent)
        clock = self.drive(truck, clock, spot, self.slot[truck])
        self.stand(truck, clock, self.rng.uniform(5, 20) * 60, self.slot[truck])

    def near_trucks(self, lot: int) -> Ints:
        """Trucks, those of near depots first, in random order within a depot."""
        gap = np.hypot(*(self.slot - self.lots.centres[lot]).T) + self.rng.uniform(0, 4000, self.size.trucks)
        return np.argsort(gap)


def make_legs(plan: Plan, lots: Lots, router: Router, size: CitySize, rng: np.random.Generator) -> Legs:
    """All journeys of all trucks over the window; seconds count from the local midnight that starts it."""
    planner = Planner(plan, lots, router, size, rng)
    used: set[tuple[int, int]] = set()
    _resumption_nights(planner, used)
    _ordinary_nights(planner, used)
    extra = _extra_stops(planner)
    for day in range(size.track_days):
        on_duty = rng.uniform(size=size.trucks) < size.duty_share
        for truck in range(size.trucks):
            if on_duty[truck] or (truck, day) in extra:
                planner.duty_day(truck, day, extra.get((truck, day), []))
    return planner.legs


def _resumption_nights(planner: Planner, used: set[tuple[int, int]]) -> None:
    """Night visits at plants that work again.

    Several trucks, several distinct nights, 30-180 minutes each.
    """
    rng, days = planner.rng, planner.size.track_days
    for lot in planner.plan.lots(RESUMPTION).tolist():
        ranked = planner.near_trucks(lot)
        near = ranked[: max(planner.size.trucks // 12, 5)]
        crew = rng.choice(near, size=min(int(rng.integers(2, 5)), len(near)), replace=False)
        nights = rng.choice(days - 1, size=min(int(rng.integers(8, 14)), days - 3), replace=False)
        for night in nights.tolist():
            free = [t for t in [*rng.permutation(crew).tolist(), *ranked.tolist()] if (t, night) not in used]
            for truck in free[: 1 + int(rng.uniform() < 0.4)]:
                used.add((truck, night))
                _resumption_visit(planner, lot, truck, night)


def _resumption_visit(planner: Planner, lot: int, truck: int, night: int) -> None:
    """One night visit: mostly inside, else on the road at the gate; every third terminal falls silent."""
    rng, one = planner.rng, np.array([lot])
    inside = rng.uniform() < 0.75
    where = planner.lots.inside(one, rng) if inside else planner.lots.before_gate(one, rng)
    silent = bool(rng.uniform() < 0.35)
    planner.night_trip(truck, night, where[0], rng.uniform(35, 175), silent=silent)


def _ordinary_nights(planner: Planner, used: set[tuple[int, int]]) -> None:
    """Plan nightly deliveries of a few trucks to working plants: night alone means nothing."""
    rng = planner.rng
    for night in range(planner.size.track_days - 1):
        for truck in rng.choice(
            planner.size.trucks, size=max(planner.size.trucks // 50, 1), replace=False
        ).tolist():
            if (truck, night) in used:
                continue
            used.add((truck, night))
            lot = planner.customer(truck)
            silent = bool(rng.uniform() < 0.15)
            planner.night_trip(truck, night, planner.stop_point(lot), rng.uniform(30, 120), silent=silent)


def _extra_stops(planner: Planner) -> dict[tuple[int, int], list[tuple[Floats, float]]]:
    """Day stops of the decoys.

    Scrap removal inside lots being dismantled, short waits before plants without data.
    """
    rng, days = planner.rng, planner.size.track_days
    extra: dict[tuple[int, int], list[tuple[Floats, float]]] = defaultdict(list)
    for lot in planner.plan.lots("dismantling").tolist():
        crew = planner.near_trucks(lot)[:6]
        for day in rng.choice(days, size=min(int(rng.integers(5, 10)), days - 2), replace=False).tolist():
            spot = planner.lots.inside(np.array([lot]), rng)[0]
            extra[int(rng.choice(crew)), day].append((spot, rng.uniform(40, 150) * 60))
    for lot in planner.plan.lots("missing_meters").tolist():
        crew = planner.near_trucks(lot)[:6]
        for day in rng.choice(days, size=min(int(rng.integers(2, 5)), days - 2), replace=False).tolist():
            spot = planner.lots.before_gate(np.array([lot]), rng)[0]
            extra[int(rng.choice(crew)), day].append((spot, rng.uniform(15, 30) * 60))
    return extra
