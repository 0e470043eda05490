"""Borders of the second city.

Counties, towns, communities and unit grids that tile, a park across a county border, water.

A smooth outline is cut into convex pieces, level by level. The cuts are noded into one planar graph, every
edge of the graph is bent once for both of its sides, and the faces of the bent graph are the unit grids.
Whatever is larger is a union of faces, so neighbours share every vertex.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import rotate
from shapely.geometry import LineString, MultiLineString, Point, Polygon

from geo_api.second_city.land import gazetteer as names
from geo_api.second_city.land.coordinates import metres

Floats = NDArray[np.float64]

VALID_FROM = date(2020, 1, 1)
OLD_TOWNS_FROM = date(2015, 1, 1)
HALF_AXES_M = (13_500.0, 9_500.0)
BEND_M = 130.0
"""Edges get a vertex about this often."""


@dataclass(frozen=True)
class Area:
    """An area with its outline in metres of the zone."""

    code: str
    name: str
    kind: str
    parent_code: str
    valid_from: date
    shape: Any
    predecessor_codes: tuple[str, ...] = ()
    households: int | None = None
    road_length_m: int | None = None


@dataclass(frozen=True)
class Borders:
    """All areas, smallest last, and the shapes that other subjects ask for."""

    areas: tuple[Area, ...]
    city: Any
    park: Any
    reservoir: Any
    water: Any
    towns: dict[str, Any] = field(repr=False)

    def town_of(self, xy: tuple[float, float]) -> str:
        """Code of the town around a point in metres, the nearest one if it lies on the outline."""
        point = Point(xy)
        return min(self.towns, key=lambda code: (self.towns[code].distance(point), code))

    def of_kind(self, kind: str) -> list[Area]:
        """Areas of one kind."""
        return [area for area in self.areas if area.kind == kind]


def make_borders(rng: np.random.Generator) -> Borders:
    """Make all areas of the city."""
    origin = metres(np.array([names.CENTRE_LONLAT]))[0]
    pieces = _cut_into_units(_outline(rng, origin), rng)
    faces = _bent_faces([piece for _, piece in pieces], rng)
    units = _units(pieces, faces, rng)
    areas = _larger_areas(units)
    towns = {
        area.code: area.shape for area in areas if area.kind == "town" and area.valid_from > OLD_TOWNS_FROM
    }
    city = next(area.shape for area in areas if area.kind == "city")
    park = _park(areas, rng)
    reservoir, river = _reservoir(towns["621722101"], rng), _river(city, rng)
    city_code = names.CITY_CODE
    extra = [
        Area(names.PARK_CODE, names.PARK_NAME, "functional_zone", city_code, date(2019, 5, 1), park),
        Area(names.RESERVOIR_CODE, names.RESERVOIR_NAME, "water", city_code, VALID_FROM, reservoir),
        Area(names.RIVER_CODE, names.RIVER_NAME, "water", city_code, VALID_FROM, river),
    ]
    return Borders((*areas, *extra), city, park, reservoir, shapely.union_all([reservoir, river]), towns)


def _outline(rng: np.random.Generator, origin: Floats) -> Polygon:
    """Return a convex outline around the origin."""
    angles = np.linspace(0, 2 * np.pi, 22, endpoint=False) + rng.uniform(-0.08, 0.08, 22)
    reach = rng.uniform(0.93, 1.05, 22)
    points = np.column_stack(
        [np.cos(angles) * HALF_AXES_M[0] * reach, np.sin(angles) * HALF_AXES_M[1] * reach]
    )
    return rotate(shapely.convex_hull(shapely.multipoints(points + origin)), 9)


def _cut(piece: Polygon, weights: Sequence[float], rng: np.random.Generator) -> list[Polygon]:
    """Cut a convex piece into convex pieces with areas by weight, across its longer side first."""
    if len(weights) == 1:
        return [piece]
    half = len(weights) // 2
    share = sum(weights[:half]) / sum(weights)
    box = np.array(piece.minimum_rotated_rectangle.exterior.coords)
    sides = box[1:3] - box[:2]
    along = sides[int(np.argmax(np.hypot(sides[:, 0], sides[:, 1])))]
    angle = np.arctan2(along[1], along[0]) + rng.uniform(-0.22, 0.22)
    direction = np.array([np.cos(angle), np.sin(angle)])
    if (direction @ np.array([1.0, -1.0])) < 0:  # the first part lies west or north
        direction = -direction
    first, second = _cut_by_share(piece, direction, share)
    return _cut(first, weights[:half], rng) + _cut(second, weights[half:], rng)


def _cut_by_share(piece: Polygon, direction: Floats, share: float) -> tuple[Polygon, Polygon]:
    """Return the part of a piece that lies first in a direction and has this share of its area, and the rest."""
    offsets = np.array(piece.exterior.coords) @ direction
    low, high = float(offsets.min()), float(offsets.max())
    across = np.array([-direction[1], direction[0]])
    far = 60_000.0

    def before(offset: float) -> Polygon:
        foot = direction * offset + across * (across @ np.array(piece.centroid.coords[0]))
        corners = [foot - across * far, foot + across * far]
        corners += [foot + across * far - direction * far, foot - across * far - direction * far]
        return Polygon(corners)

    for _ in range(60):
        middle = (low + high) / 2
        if piece.intersection(before(middle)).area < share * piece.area:
            low = middle
        else:
            high = middle
    return piece.intersection(before(low)), piece.difference(before(low))


def _cut_into_units(outline: Polygon, rng: np.random.Generator) -> list[tuple[tuple[str, int], Polygon]]:
    """Pieces of unit grids, each with its town and the number of its community in the town."""
    weights = [sum(town.weight for town in county.towns) for county in names.COUNTIES]
    pieces = []
    for county, of_county in zip(names.COUNTIES, _cut(outline, weights, rng), strict=True):
        towns = _cut(of_county, [town.weight for town in county.towns], rng)
        for town, of_town in zip(county.towns, towns, strict=True):
            communities = _cut(of_town, list(rng.uniform(0.8, 1.3, town.communities)), rng)
            for number, community in enumerate(communities):
                units = _cut(community, list(rng.uniform(0.8, 1.3, int(rng.integers(3, 6)))), rng)
                pieces += [((town.code, number), unit) for unit in units]
    return pieces


def _bent_faces(pieces: list[Polygon], rng: np.random.Generator) -> list[Polygon]:
    """Faces of the graph of all cuts with bent edges, in the order of the pieces."""
    lines = shapely.union_all([piece.exterior for piece in pieces], grid_size=0.01)
    edges = list(shapely.get_parts(shapely.line_merge(lines)))
    edges.sort(key=lambda edge: edge.coords[0] + edge.coords[-1])
    draws = [rng.normal(0, 1, 4096) for _ in edges]
    amplitude = 0.11
    while True:
        bent = [_bend(edge, amplitude, draw) for edge, draw in zip(edges, draws, strict=True)]
        faces = list(shapely.get_parts(shapely.polygonize(bent)))
        noded = shapely.node(MultiLineString(bent))
        if len(faces) == len(pieces) and len(shapely.get_parts(shapely.line_merge(noded))) == len(edges):
            break
        amplitude *= 0.7
    tree = shapely.STRtree(faces)
    order = []
    for piece in pieces:
        near = tree.query(piece, predicate="intersects")
        order.append(int(max(near, key=lambda place: faces[place].intersection(piece).area)))
    assert sorted(order) == list(range(len(faces))), "every piece has one face"
    return [faces[place] for place in order]


def _bend(edge: LineString, amplitude: float, draw: Floats) -> LineString:
    """Return the edge with points moved sideways (midpoint displacement); its own vertices stay, to a millimetre."""
    used = 0
    points: list[Floats] = []
    corners = np.array(edge.coords)
    for start, end in itertools.pairwise(corners):
        chain = [start, end]
        while np.hypot(*(chain[1] - chain[0])) > BEND_M and len(chain) < 40:
            finer = [chain[0]]
            for a, b in itertools.pairwise(chain):
                side = np.array([a[1] - b[1], b[0] - a[0]])
                finer += [(a + b) / 2 + side * amplitude * float(np.clip(draw[used], -1.6, 1.6)), b]
                used += 1
            chain = finer
        points += chain[:-1]
    return LineString(np.round([*points, corners[-1]], 3))


def _units(
    pieces: list[tuple[tuple[str, int], Polygon]], faces: list[Polygon], rng: np.random.Generator
) -> list[tuple[Area, str, int]]:
    """Return unit grids with the code of their town and the number of their community, from the north-west on."""
    towns = {town.code: town for county in names.COUNTIES for town in county.towns}
    of_community: dict[tuple[str, int], list[Polygon]] = {}
    for (key, _), face in zip(pieces, faces, strict=True):
        of_community.setdefault(key, []).append(face)
    units = []
    for (town, number), shapes in of_community.items():
        code = f"{town}{number + 1 if towns[town].is_street else number + 201:03d}"
        shapes.sort(key=lambda shape: (round(-shape.centroid.y, -3), shape.centroid.x))
        for place, shape in enumerate(shapes, start=1):
            households = int(rng.integers(180, 900) * (2 if towns[town].is_street else 1))
            area = Area(
                f"{code}{place:03d}",
                f"{place:03d}号网格",
                "unit_grid",
                code,
                names.MERGED_ON if town == names.MERGED_TOWN else VALID_FROM,
                shape,
                households=households,
                road_length_m=int(shape.length * rng.uniform(0.6, 1.4)),
            )
            units.append((area, town, number))
    return units


def _larger_areas(units: list[tuple[Area, str, int]]) -> list[Area]:
    """City, counties, towns, communities as unions of unit grids, and the unit grids.

    With the two towns of the past.
    """
    village_names = _village_names()
    communities: list[Area] = []
    towns: list[Area] = []
    counties: list[Area] = []
    past: list[Area] = []
    for county in names.COUNTIES:
        for town in county.towns:
            merged = town.code == names.MERGED_TOWN
            since = names.MERGED_ON if merged else VALID_FROM
            own = []
            for number in range(town.communities):
                inside = [unit for unit, code, place in units if (code, place) == (town.code, number)]
                name = next(village_names) + ("社区" if town.is_street else "村")
                own.append(_union(inside, inside[0].parent_code, name, "community", town.code, since))
            communities += own
            before = tuple(code for code, _ in names.MERGED_FROM) if merged else ()
            towns.append(_union(own, town.code, town.name, "town", county.code, since, before))
            if merged:
                for (code, name), parts in zip(names.MERGED_FROM, (own[:3], own[3:]), strict=True):
                    past.append(_union(parts, code, name, "town", county.code, OLD_TOWNS_FROM))
        inside = [town for town in towns if town.parent_code == county.code]
        counties.append(_union(inside, county.code, county.name, "county", names.CITY_CODE, OLD_TOWNS_FROM))
    city = _union(counties, names.CITY_CODE, names.CITY_NAME, "city", "", OLD_TOWNS_FROM)
    return [city, *counties, *past, *towns, *communities, *(unit for unit, _, _ in units)]


def _union(
    parts: list[Area],
    code: str,
    name: str,
    kind: str,
    parent: str,
    since: date,
    predecessors: tuple[str, ...] = (),
) -> Area:
    shape = shapely.coverage_union_all([part.shape for part in parts])
    return Area(
        code,
        name,
        kind,
        parent,
        since,
        shapely.normalize(shape),
        predecessors,
        sum(part.households or 0 for part in parts),
        sum(part.road_length_m or 0 for part in parts),
    )


def _village_names() -> Any:
    """Names that do not repeat."""
    for place in range(len(names.VILLAGE_SYLLABLES) * len(names.VILLAGE_ENDINGS)):
        first = names.VILLAGE_SYLLABLES[place * 7 % len(names.VILLAGE_SYLLABLES)]
        yield first + names.VILLAGE_ENDINGS[(place * 3 + place // 15) % len(names.VILLAGE_ENDINGS)]


def _blob(
    centre: Floats, half_axes: tuple[float, float], turn_deg: float, rng: np.random.Generator
) -> Polygon:
    """Return a wiggly oval."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    each = [rng.uniform(-0.09, 0.09) * np.sin(n * angles + rng.uniform(0, 6)) for n in (2, 3, 5, 8)]
    waves = np.asarray(sum(each))
    points = np.column_stack([np.cos(angles) * half_axes[0], np.sin(angles) * half_axes[1]])
    blob = rotate(Polygon(points * (1 + waves)[:, None] + centre), turn_deg, origin=tuple(centre))
    return Polygon(np.round(np.array(blob.exterior.coords), 3))


def _park(areas: list[Area], rng: np.random.Generator) -> Polygon:
    """Return a functional zone around the middle of the longest common border of two counties."""
    shapes = [area.shape for area in areas if area.kind == "county"]
    borders = [shapely.line_merge(a.boundary.intersection(b.boundary)) for a, b in itertools.pairwise(shapes)]
    longest = max(borders, key=lambda line: line.length)
    middle = longest.interpolate(0.5, normalized=True)
    return _blob(np.array([middle.x, middle.y]), (2_100, 1_500), 25, rng)


def _reservoir(town: Any, rng: np.random.Generator) -> Polygon:
    inside = town.buffer(-900).representative_point()
    return _blob(np.array([inside.x, inside.y]), (1_300, 600), -30, rng)


def _river(city: Any, rng: np.random.Generator) -> Any:
    """Return a river from the western to the eastern outline, about 90 m wide, cut where the city ends."""
    west, south, east, north = city.bounds
    x = np.linspace(west - 500, east + 500, 90)
    wave = 0.46 + 0.05 * np.sin(x / 3_100 + 1.0) + 0.02 * np.sin(x / 900 + rng.uniform(0, 6))
    course = LineString(np.column_stack([x, south + (north - south) * wave]))
    river = course.buffer(45, quad_segs=2).intersection(city)
    return shapely.set_precision(river, 0.001)
