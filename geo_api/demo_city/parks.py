"""Lots of chemical plants and warehouses.

Rows along roads in industrial parks, and single ones in the country.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_api.demo_city.areas import CityAreas
from geo_api.demo_city.sizes import CitySize
from geo_api.demo_city.tessellation import Floats, Ints

ROAD_HALF_M = 12.0
_MAX_DEPTH_M = 220.0


@dataclass(frozen=True)
class Lots:
    """Lots in metres (EPSG:4549); row i is lot i.

    Attributes
    ----------
    polygons : ndarray of Polygon
    frame : ndarray, shape (n, 4)
        Local rectangle: x from, x to, y near the road, y far from it (signed).
    origin, angle : ndarray, shapes (n, 2), (n,)
        Where the local frame lies.
    park : ndarray of int
        Park number, -1 for a single lot.
    gate_rank : ndarray of int
        0 and 1 for the two lots beside the park's gate, else larger.
    gates_m : ndarray, shape (parks, 2)
        Middle of the queue before each park's gate.
    """

    polygons: NDArray[np.object_]
    frame: Floats
    origin: Floats
    angle: Floats
    park: Ints
    gate_rank: Ints
    gates_m: Floats
    gate_angle: Floats

    def place(self, lots: Ints, x: Floats, y: Floats) -> Floats:
        """Local coordinates of lots to metres: x, y of shape (k,)."""
        cos, sin = np.cos(self.angle[lots]), np.sin(self.angle[lots])
        return self.origin[lots] + np.column_stack([cos * x - sin * y, sin * x + cos * y])

    def inside(self, lots: Ints, rng: np.random.Generator, *, margin: float = 0.2) -> Floats:
        """Return a random point well inside each lot; ``margin`` is the share kept free on each side."""
        share = rng.uniform(margin, 1.0 - margin, size=(len(lots), 2))
        low_x, high_x, low_y, high_y = self.frame[lots].T
        return self.place(
            lots, low_x + share[:, 0] * (high_x - low_x), low_y + share[:, 1] * (high_y - low_y)
        )

    def before_gate(self, lots: Ints, rng: np.random.Generator) -> Floats:
        """Return a random point on the road in front of each lot."""
        low_x, high_x, low_y, _ = self.frame[lots].T
        x = (low_x + high_x) / 2 + rng.uniform(-30, 30, len(lots))
        return self.place(lots, x, np.sign(low_y) * rng.uniform(2.0, 6.0, len(lots)))

    @property
    def centres(self) -> Floats:
        """Middle of each lot, shape (n, 2)."""
        middle = shapely.centroid(self.polygons)
        return np.column_stack([shapely.get_x(middle), shapely.get_y(middle)])


def _row_frames(count: int, rng: np.random.Generator) -> tuple[Floats, Floats, Ints]:
    """Local frames of a park's lots, the y of each lot's road, and the rank from the gate (0 and 1 at the gate)."""
    per_row = max(int(np.ceil(np.sqrt(count / 2.0) * 0.9)), 2)
    frames: list[tuple[float, float, float, float]] = []
    roads: list[float] = []
    ranks: list[int] = []
    row = 0
    while len(frames) < count:
        road, side = divmod(row, 2)
        x = 0.0
        for position in range(min(per_row, count - len(frames))):
            width, depth = rng.uniform(110.0, 280.0), rng.uniform(120.0, _MAX_DEPTH_M)
            sign = 1.0 if side == 0 else -1.0
            frames.append((x, x + width, sign * ROAD_HALF_M, sign * (ROAD_HALF_M + depth)))
            roads.append(road * 2.0 * (ROAD_HALF_M + _MAX_DEPTH_M + 8.0))
            ranks.append(row + 2 * position)
            x += width + rng.uniform(10.0, 16.0)
        row += 1
    return np.array(frames), np.array(roads), np.array(ranks)


def _sites_for(
    areas: CityAreas, count: int, clear_m: float, apart_m: float, taken: Floats, rng: np.random.Generator
) -> Floats:
    """Places on land at the outskirts of towns, ``apart_m`` from each other and from those taken."""
    land = areas.city_m if areas.water_m is None else shapely.difference(areas.city_m, areas.water_m)
    land = shapely.buffer(shapely.simplify(land, 50.0), -clear_m)
    shapely.prepare(land)
    found = list(taken)
    tries = 0
    while len(found) < len(taken) + count:
        tries += 1
        town = areas.town_centres_m[rng.integers(len(areas.town_centres_m))]
        turn, reach = rng.uniform(0, 2 * np.pi), rng.uniform(1800.0, 4200.0 + 20.0 * tries)
        point = town + reach * np.array([np.cos(turn), np.sin(turn)])
        if not shapely.contains_xy(land, point[0], point[1]):
            continue
        gap = np.hypot(*(np.array(found).reshape(-1, 2) - point).T)
        if (gap[: len(taken)] > 2200.0).all() and (
            gap[len(taken) :] > max(apart_m * 0.998**tries, 400.0)
        ).all():
            found.append(point)
    return np.array(found[len(taken) :]).reshape(-1, 2)


def make_lots(areas: CityAreas, size: CitySize, rng: np.random.Generator) -> Lots:
    """Lots for every chemical plant and warehouse: 15 % of the plants stand alone, the rest in parks."""
    single = int(0.15 * size.chemical)
    in_parks = size.chemical + size.warehouses - single
    parks = _sites_for(areas, size.parks, 1400.0, 5000.0, np.zeros((0, 2)), rng)
    singles = _sites_for(areas, single, 500.0, 1200.0, parks, rng)
    frames, origins, angles, numbers, ranks, gates, gate_angles = [], [], [], [], [], [], []
    for number, (centre, count) in enumerate(zip(parks, _shares(in_parks, len(parks)), strict=True)):
        frame, road, rank = _row_frames(count, rng)
        angle = rng.uniform(0, 2 * np.pi)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        middle = np.array([frame[:, 1].max() / 2, road.max() / 2])
        corner = centre - turn @ middle
        frames.append(frame)
        origins.append(corner + np.column_stack([np.zeros(count), road]) @ turn.T)
        angles.append(np.full(count, angle))
        numbers.append(np.full(count, number))
        ranks.append(rank)
        gates.append(corner + turn @ np.array([-70.0, 0.0]))
        gate_angles.append(angle)
    width, depth = rng.uniform(110.0, 280.0, single), rng.uniform(120.0, _MAX_DEPTH_M, single)
    frames.append(np.column_stack([-width / 2, width / 2, np.full(single, ROAD_HALF_M), ROAD_HALF_M + depth]))
    origins.append(singles)
    angles.append(rng.uniform(0, 2 * np.pi, single))
    numbers.append(np.full(single, -1))
    ranks.append(np.full(single, 99))
    frame, origin, angle_all = np.concatenate(frames), np.concatenate(origins), np.concatenate(angles)
    return Lots(
        _rectangles(frame, origin, angle_all),
        frame,
        origin,
        angle_all,
        np.concatenate(numbers),
        np.concatenate(ranks),
        np.array(gates),
        np.array(gate_angles),
    )


def _shares(total: int, parts: int) -> list[int]:
    return [total // parts + (1 if i < total % parts else 0) for i in range(parts)]


def _rectangles(frame: Floats, origin: Floats, angle: Floats) -> NDArray[np.object_]:
    x = frame[:, [0, 1, 1, 0]]
    y = frame[:, [2, 2, 3, 3]]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    xy = np.stack([origin[:, :1] + cos * x - sin * y, origin[:, 1:] + sin * x + cos * y], axis=-1)
    return np.asarray(shapely.normalize(shapely.polygons(xy)))
