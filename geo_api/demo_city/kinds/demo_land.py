"""The demo city as ground for planted kinds."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import shapely

from geo_api.demo_city.areas import CityAreas
from geo_api.demo_city.enterprises import invented_code, lonlat
from geo_api.demo_city.kinds.weather import Floats
from geo_api.demo_city.parks import Lots
from geo_api.demo_city.planting import Plan
from geo_api.demo_city.routes import Router

_TRIES = 300


class DemoLand:
    """Free places, ways and customers of a demo city.

    Parameters
    ----------
    areas : CityAreas
    lots : Lots
        Open lots are the customers; nothing is put near any lot.
    plan : Plan
    router : Router
    used_codes : iterable of str
        Credit codes that the register has.
    rng : Generator
    """

    def __init__(
        self,
        areas: CityAreas,
        lots: Lots,
        plan: Plan,
        router: Router,
        used_codes: Iterable[str],
        rng: np.random.Generator,
    ) -> None:
        land = areas.city_m if areas.water_m is None else shapely.difference(areas.city_m, areas.water_m)
        self._dry = shapely.buffer(shapely.simplify(land, 50.0), -500.0)
        shapely.prepare(self._dry)
        self._towns, self._router, self._rng = areas.town_centres_m, router, rng
        self._taken = [*lots.centres]
        self._rooms = [420.0] * len(self._taken)
        self._counties = [county.code for county in areas.counties]
        self._codes = set(used_codes)
        self.customers: Floats = lots.centres[plan.lots("open", "warehouse")]

    @property
    def to_lonlat(self) -> Callable[[Floats], Floats]:
        """Metres to lon and lat, to 1e-7 degree."""
        return lonlat

    @property
    def code(self) -> Callable[[np.random.Generator], str]:
        """Draws an invented credit code that nobody has yet."""
        return self._draw_code

    def _draw_code(self, rng: np.random.Generator) -> str:
        while True:
            code = invented_code(str(rng.choice(self._counties)), rng)
            if code not in self._codes:
                self._codes.add(code)
                return code

    def free(self, room_m: float) -> Floats:
        """Find a free dry place about the towns; the room shrinks when there is none."""
        room, reach = room_m, 3500.0
        while True:
            for _ in range(_TRIES):
                town = self._towns[self._rng.integers(len(self._towns))]
                turn, far = self._rng.uniform(0, 2 * np.pi), self._rng.uniform(900.0, reach)
                point = town + far * np.array([np.cos(turn), np.sin(turn)])
                if self._is_free(point, room):
                    self._taken.append(point)
                    self._rooms.append(room_m)
                    return np.asarray(point)
            room, reach = room * 0.95, reach + 900.0

    def _is_free(self, point: Floats, room_m: float) -> bool:
        gap = np.hypot(*(np.array(self._taken) - point).T)
        return bool(
            (gap > np.maximum(np.minimum(self._rooms, room_m), 250.0)).all()
            and shapely.contains_xy(self._dry, point[0], point[1])
        )

    def beside(self, place: Floats, distance_m: float) -> Floats:
        """Find a dry place at a distance from another one."""
        for _ in range(_TRIES):
            turn = self._rng.uniform(0, 2 * np.pi)
            point = np.asarray(place + distance_m * np.array([np.cos(turn), np.sin(turn)]))
            if shapely.contains_xy(self._dry, point[0], point[1]):
                return point
        raise ValueError("demo city: no dry place beside a site; make it larger")

    def way(self, a: Floats, b: Floats) -> Floats:
        """Return the quickest way along the roads."""
        return self._router.way(a, b)
