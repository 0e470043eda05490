"""Ground under the planted sites: free places, ways between them, coordinates; each city brings its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import shapely
from shapely.affinity import rotate, translate
from shapely.geometry import box
from shapely.geometry.base import BaseGeometry

from geo_api.demo_city.kinds.stories import Kind
from geo_api.demo_city.kinds.use import draw, draw_days
from geo_api.demo_city.kinds.weather import Days, Floats

APART_M = 600.0
SHARE_IN_GROUPS = 0.3
"""Share of the sites without anything beside that lie 230 to 420 m from another one, as in a small park."""


class Land(Protocol):
    """A city as the planted sites need it; positions are metres, shape (2,)."""

    @property
    def customers(self) -> Floats:
        """Open sites at which trucks have ordinary jobs, shape (k, 2)."""
        ...

    @property
    def to_lonlat(self) -> Callable[[Floats], Floats]:
        """From metres, shape (n, 2), to lon and lat in degrees."""
        ...

    @property
    def code(self) -> Callable[[np.random.Generator], str]:
        """A credit code that no enterprise has yet."""
        ...

    def free(self, room_m: float) -> Floats:
        """Find a free place with so much room around it."""
        ...

    def beside(self, place: Floats, distance_m: float) -> Floats:
        """Find a place on dry land at a distance from another one."""
        ...

    def way(self, a: Floats, b: Floats) -> Floats:
        """Return the line along the roads, shape (n, 2)."""
        ...


@dataclass(frozen=True)
class Site:
    """A site on which a kind is told."""

    site_id: str
    kind: Kind
    place: Floats
    yard: BaseGeometry
    closed: int
    start: int
    beside: Floats | None = None
    beside_id: str = ""
    number: int = 0

    @property
    def reach_m(self) -> float:
        """From the middle to the farthest corner of the yard."""
        return float(shapely.minimum_bounding_radius(self.yard))

    def spot(self, where: str, rng: np.random.Generator) -> Floats:
        """Draw a place where a vehicle stands: ``inside``, ``gate``, ``beside`` or ``road``."""
        if where == "beside" and self.beside is not None:
            return np.asarray(self.beside + rng.uniform(-22, 22, 2))
        if where == "inside":
            inner = shapely.buffer(self.yard, -15.0)
            west, south, east, north = inner.bounds
            while True:
                point = rng.uniform((west, south), (east, north))
                if shapely.contains_xy(inner, point[0], point[1]):
                    return np.asarray(point)
        gap = 7.0 if where == "gate" else float(rng.uniform(30, 120))
        ring = shapely.buffer(self.yard, gap).exterior
        at = ring.interpolate(0.1 if where == "gate" else float(rng.uniform()), normalized=True)
        return np.array([at.x, at.y])


def make_yard(
    place: Floats, rng: np.random.Generator, *, length_m: tuple[float, float] = (110, 220)
) -> BaseGeometry:
    """Make a rectangle around a place, turned at random."""
    length = draw(rng, length_m)
    width = length * draw(rng, (0.55, 0.9))
    yard = rotate(box(-length / 2, -width / 2, length / 2, width / 2), draw(rng, (0, 180)))
    return translate(yard, float(place[0]), float(place[1]))


def place_sites(kinds: list[Kind], land: Land, days: Days, seed: int, rng: np.random.Generator) -> list[Site]:
    """Give every kind of the list a place, days and an id that says nothing.

    Parameters
    ----------
    kinds : list of Kind
        One entry a site.
    land : Land
    days : Days
    seed : int
    rng : Generator
    """
    numbers = rng.permutation(len(kinds) * 2) + 1
    alone = [kind.beside is not None or rng.uniform() > SHARE_IN_GROUPS for kind in kinds]
    places: list[Floats] = []
    sites: list[Site] = []
    for place in np.argsort([not single for single in alone], kind="stable").tolist():
        kind, own = kinds[place], np.random.default_rng([seed, place, 7])
        middle = land.free(APART_M) if alone[place] or not places else _in_group(places, land, own)
        places.append(middle)
        yard = make_yard(middle, own)
        closed = days.before_end(draw_days(own, kind.closed_days))
        start = max(days.before_end(draw_days(own, kind.start_days)), closed + 3)
        site = Site(f"T{numbers[place]:05d}", kind, middle, yard, closed, start, number=place)
        sites.append(_with_beside(site, land, numbers[len(kinds) + place], own))
    return sorted(sites, key=lambda site: site.number)


def _in_group(places: list[Floats], land: Land, rng: np.random.Generator) -> Floats:
    for _ in range(60):
        middle = land.beside(places[int(rng.integers(len(places)))], draw(rng, (230, 420)))
        if all(np.hypot(*(middle - other)) > 215 for other in places):
            return middle
    return land.free(APART_M)


def _with_beside(site: Site, land: Land, number: int, rng: np.random.Generator) -> Site:
    if site.kind.beside is None:
        return site
    gap = draw(rng, site.kind.beside.distance_m)
    beside = land.beside(site.place, site.reach_m + gap)
    name = f"T{number:05d}" if site.kind.beside.what == "open_site" else ""
    return Site(
        site.site_id, site.kind, site.place, site.yard, site.closed, site.start, beside, name, site.number
    )
