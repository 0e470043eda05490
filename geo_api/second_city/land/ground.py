"""Places where things can stand: positions inside the city, off the water, at a distance from each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from shapely.geometry import Point

from geo_api.second_city.land.borders import Borders

XY = tuple[float, float]


class Ground:
    """Hands out positions in metres of the zone and remembers how much room each of them wants around it.

    Parameters
    ----------
    borders
        The areas of the city.
    rng
        The source of chance.
    """

    def __init__(self, borders: Borders, rng: np.random.Generator) -> None:
        self.borders = borders
        self._rng = rng
        self._taken: list[tuple[float, float, float]] = []
        self._dry = shapely.difference(borders.city.buffer(-250), borders.water.buffer(160))
        shapely.prepare(self._dry)

    def take(self, xy: XY, room_m: float) -> XY:
        """Note a position that something stands at."""
        self._taken.append((*xy, room_m))
        return xy

    def free(self, room_m: float, inside: Any = None) -> XY:
        """Return a free position with this much room around it, inside a shape if one is named.

        The room shrinks if it must.
        """
        shape = self._dry if inside is None else inside.intersection(self._dry)
        west, south, east, north = shape.bounds
        shapely.prepare(shape)
        room = room_m
        while True:
            for _ in range(250):
                xy = (float(self._rng.uniform(west, east)), float(self._rng.uniform(south, north)))
                if self._is_free(xy, room) and shape.contains(Point(xy)):
                    return self.take(xy, room_m)
            room *= 0.9

    def beside(self, xy: XY, distance_m: float) -> XY:
        """Return a dry position at a distance from another one."""
        for _ in range(200):
            angle = float(self._rng.uniform(0, 2 * np.pi))
            near = (xy[0] + distance_m * np.cos(angle), xy[1] + distance_m * np.sin(angle))
            if self._dry.contains(Point(near)):
                return (float(near[0]), float(near[1]))
        raise ValueError("no dry place beside it")

    def _is_free(self, xy: XY, room_m: float) -> bool:
        if not self._taken:
            return True
        taken = np.array(self._taken)
        distance = np.hypot(taken[:, 0] - xy[0], taken[:, 1] - xy[1])
        return bool((distance > np.maximum(room_m, taken[:, 2])).all())
