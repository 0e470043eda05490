"""A partition of counties into cells, and of cells into larger areas, without gap or overlap.

The finest cells are made first, from one noded set of lines on a grid of 1e-7 degree; everything larger is an
exact union of cells. So every level tiles its parent by construction, and shared edges have equal vertices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from geo_api.demo_city.boundaries import from_metric, to_metric

GRID_DEG = 1e-7
_SCALE = 1e7
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def to_metric_geometry(geometry: Any) -> Any:
    """Return a lon/lat geometry, or an array of them, in metres (EPSG:4549)."""
    return shapely.transform(geometry, lambda xy: np.column_stack(to_metric(xy[:, 0], xy[:, 1])))


def to_lonlat_geometry(geometry: Any) -> Any:
    """Return a geometry in metres (EPSG:4549), or an array of them, in lon/lat."""
    return shapely.transform(geometry, lambda xy: np.column_stack(from_metric(xy[:, 0], xy[:, 1])))


def random_points(polygon: BaseGeometry, count: int, rng: np.random.Generator) -> Floats:
    """``count`` uniform points inside a polygon, shape (count, 2), in its own units."""
    shapely.prepare(polygon)
    west, south, east, north = polygon.bounds
    kept: list[Floats] = []
    have = 0
    while have < count:
        trial = rng.uniform((west, south), (east, north), size=(max(2 * count, 64), 2))
        trial = trial[shapely.contains_xy(polygon, trial[:, 0], trial[:, 1])]
        kept.append(trial)
        have += len(trial)
    return np.concatenate(kept)[:count]


def density_points(
    polygon: BaseGeometry, centres: Floats, count: int, rng: np.random.Generator, *, spread_m: float
) -> Floats:
    """Points (metres), two thirds around the centres and one third anywhere, all inside the polygon."""
    shapely.prepare(polygon)
    near: list[Floats] = []
    wanted, have = count - count // 3, 0
    while have < wanted:
        scale = spread_m * rng.gamma(1.5, 1.0, size=(2 * wanted, 1))
        trial = centres[rng.integers(len(centres), size=2 * wanted)] + scale * rng.normal(
            size=(2 * wanted, 2)
        )
        trial = trial[shapely.contains_xy(polygon, trial[:, 0], trial[:, 1])]
        near.append(trial)
        have += len(trial)
    return np.concatenate([np.concatenate(near)[:wanted], random_points(polygon, count // 3, rng)])


def relaxed_seeds(
    polygon: BaseGeometry, centres: Floats, count: int, rng: np.random.Generator, *, spread_m: float
) -> Floats:
    """Seeds of cells (metres): a density sample, evened out by three k-means steps.

    Each centre gets a dozen.
    """
    around = np.repeat(centres, 12, axis=0)
    around = around + rng.normal(scale=0.3 * spread_m, size=around.shape)
    around = around[shapely.contains_xy(polygon, around[:, 0], around[:, 1])]
    rest = max(count - len(around), 1)
    seeds = np.concatenate([around, density_points(polygon, centres, rest, rng, spread_m=spread_m)])
    cloud = density_points(polygon, centres, 12 * len(seeds), rng, spread_m=spread_m)
    for _ in range(3):
        _, owner = cKDTree(seeds).query(cloud)
        weight = np.bincount(owner, minlength=len(seeds))
        sums = np.column_stack([np.bincount(owner, cloud[:, axis], len(seeds)) for axis in (0, 1)])
        moved = sums / np.maximum(weight, 1)[:, None]
        usable = (weight > 0) & shapely.contains_xy(polygon, moved[:, 0], moved[:, 1])
        seeds = np.where(usable[:, None], moved, seeds)
    return seeds


def cell_lines(polygon_m: BaseGeometry, polygon: BaseGeometry, seeds: Floats) -> BaseGeometry:
    """Edges of the Voronoi cells of the seeds (metres), in lon/lat, clipped to the polygon (lon/lat)."""
    points = shapely.MultiPoint(seeds)
    edges = shapely.voronoi_polygons(points, extend_to=polygon_m, only_edges=True)
    return shapely.intersection(to_lonlat_geometry(edges), polygon)


def faces(lines: list[BaseGeometry]) -> NDArray[np.object_]:
    """All faces of the lines, noded together on the 1e-7 degree grid; coordinates are rounded to it."""
    flat = shapely.get_parts(np.asarray(lines, dtype=object))
    noded = shapely.union_all(flat[shapely.get_dimensions(flat) == 1], grid_size=GRID_DEG)
    found = shapely.get_parts(shapely.polygonize([noded]))
    return np.asarray(shapely.transform(found, lambda xy: np.round(xy * _SCALE) / _SCALE))


def neighbour_graph(cells: NDArray[np.object_]) -> tuple[Ints, Ints, Floats]:
    """Pairs of cells that share an edge, and the length of that edge in degrees.

    Each pair once, first < second.
    """
    xy, owner = shapely.get_coordinates(shapely.get_rings(cells), return_index=True)
    ring_owner = shapely.get_rings(cells, return_index=True)[1]
    steps = np.round(xy * _SCALE).astype(np.int64)
    inner = owner[1:] == owner[:-1]
    start, end = steps[:-1][inner], steps[1:][inner]
    cell = ring_owner[owner[:-1][inner]]
    swap = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    low, high = np.where(swap[:, None], end, start), np.where(swap[:, None], start, end)
    length = np.hypot(*(high - low).T) / _SCALE
    order = np.lexsort((high[:, 1], high[:, 0], low[:, 1], low[:, 0]))
    low, high, cell, length = low[order], high[order], cell[order], length[order]
    same = (low[1:] == low[:-1]).all(axis=1) & (high[1:] == high[:-1]).all(axis=1)
    pair = np.sort(np.column_stack([cell[:-1][same], cell[1:][same]]), axis=1)
    unique, inverse = np.unique(pair, axis=0, return_inverse=True)
    pairs = unique.astype(np.int64)
    return pairs[:, 0], pairs[:, 1], np.bincount(inverse.reshape(-1), length[:-1][same]).astype(np.float64)


def attach(cells: NDArray[np.object_], label: Ints, group: Ints, main: NDArray[np.bool_]) -> Ints:
    """Give every cell that is not a main one the label of the main neighbour in its group with the longest edge.

    What no chain of neighbours reaches (islands) keeps its own label.
    """
    label, done = label.copy(), main.copy()
    a, b, length = neighbour_graph(cells)
    within = group[a] == group[b]
    a, b, length = (
        np.r_[a[within], b[within]],
        np.r_[b[within], a[within]],
        np.r_[length[within], length[within]],
    )
    while True:
        use = np.flatnonzero(~done[a] & done[b])
        if use.size == 0:
            return label
        use = use[np.lexsort((-length[use], a[use]))]
        first = use[np.r_[True, a[use][1:] != a[use][:-1]]]
        label[a[first]], done[a[first]] = label[b[first]], True


def merge(cells: NDArray[np.object_], label: Ints) -> tuple[NDArray[np.object_], Ints]:
    """Unions of the cells by label; returns the unions and their labels in ascending order."""
    labels, inverse = np.unique(label, return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    parts = np.split(cells[order], np.flatnonzero(np.diff(inverse[order])) + 1)
    unions = [shapely.coverage_union_all(part) if len(part) > 1 else part[0] for part in parts]
    return np.asarray(unions, dtype=object), labels


@dataclass(frozen=True)
class Cells:
    """The finest cells: polygons in lon/lat, their county position, inner points in metres, and who adjoins whom."""

    polygons: NDArray[np.object_]
    county: Ints
    points_m: Floats
    first: Ints
    second: Ints

    def graph(self, group: Ints) -> csr_matrix:
        """Distances in metres between adjoining cells of the same group, as a symmetric sparse matrix."""
        within = group[self.first] == group[self.second]
        a, b = self.first[within], self.second[within]
        gap = np.hypot(*(self.points_m[a] - self.points_m[b]).T) + 1.0
        n = len(self.polygons)
        return coo_matrix((np.r_[gap, gap], (np.r_[a, b], np.r_[b, a])), shape=(n, n)).tocsr()


def make_cells(county_polygons: list[BaseGeometry], seeds_m: list[Floats]) -> Cells:
    """Cut counties (lon/lat) into one cell for each seed (metres).

    Slivers between counties go to a neighbour.

    Parameters
    ----------
    county_polygons : list of Polygon or MultiPolygon
        WGS-84 lon/lat.
    seeds_m : list of ndarray, shape (n, 2)
        Seeds of each county, EPSG:4549.

    Returns
    -------
    Cells
        A valid coverage; a cell has several parts only where an island is smaller than a cell.
    """
    lines = [shapely.boundary(polygon) for polygon in county_polygons]
    for polygon, seeds in zip(county_polygons, seeds_m, strict=True):
        lines.append(cell_lines(to_metric_geometry(polygon), polygon, seeds))
    found = faces(lines)
    inner = shapely.point_on_surface(found)
    county = _county_of(found, inner, county_polygons)
    found, inner, county = found[county >= 0], inner[county >= 0], county[county >= 0]
    points = np.column_stack(to_metric(shapely.get_x(inner), shapely.get_y(inner)))
    label = np.zeros(len(found), dtype=np.int64)
    offset = 0
    for index, seeds in enumerate(seeds_m):
        mine = county == index
        label[mine] = offset + cKDTree(seeds).query(points[mine])[1]
        offset += len(seeds)
    area = shapely.area(found)
    largest = np.zeros(len(found), dtype=bool)
    order = np.lexsort((-area, label))
    largest[order[np.r_[True, label[order][1:] != label[order][:-1]]]] = True
    label = attach(found, label, county, largest)
    polygons, _ = merge(found, label)
    return _as_cells(polygons, county[largest][np.argsort(label[largest])])


def _as_cells(polygons: NDArray[np.object_], county: Ints) -> Cells:
    inner = shapely.point_on_surface(polygons)
    points = np.column_stack(to_metric(shapely.get_x(inner), shapely.get_y(inner)))
    first, second, _ = neighbour_graph(polygons)
    return Cells(polygons, county, points, first, second)


def _county_of(found: NDArray[np.object_], inner: NDArray[np.object_], polygons: list[BaseGeometry]) -> Ints:
    """County position of each face; small gaps between counties go to a neighbour, larger holes get -1."""
    county = np.full(len(found), -1, dtype=np.int64)
    for index, polygon in enumerate(polygons):
        shapely.prepare(polygon)
        county[(county < 0) & shapely.contains(polygon, inner)] = index
    gap = (county < 0) & (shapely.area(found) < 1e-5)
    known = county >= 0
    usable = gap | known
    attached = county.copy()
    attached[usable] = attach(
        found[usable], county[usable], np.zeros(int(usable.sum()), dtype=np.int64), known[usable]
    )
    return attached


def grow(cells: Cells, group: Ints, sources: Ints) -> Ints:
    """Label of each cell: position of the source nearest along adjoining cells of its group, so areas are connected.

    Islands that no source reaches go to the nearest source of their group in a straight line.
    """
    graph = cells.graph(group)
    distance, _, origin = dijkstra(graph, indices=sources, min_only=True, return_predecessors=True)
    position = np.full(len(cells.polygons), -1, dtype=np.int64)
    position[sources] = np.arange(len(sources))
    label = np.where(np.isfinite(distance), position[np.clip(origin, 0, None)], -1)
    for cell in np.flatnonzero(label < 0):
        same = np.flatnonzero(group[sources] == group[cell])
        gaps = np.hypot(*(cells.points_m[sources[same]] - cells.points_m[cell]).T)
        label[cell] = same[np.argmin(gaps)]
    return label


def spread_sources(cells: Cells, members: Ints, count: int, rng: np.random.Generator) -> Ints:
    """``count`` different member cells, spread evenly: k-means centres, each snapped to a cell of its own."""
    count = min(count, len(members))
    points = cells.points_m[members]
    centres = points[rng.choice(len(members), size=count, replace=False)]
    for _ in range(4):
        _, owner = cKDTree(centres).query(points)
        weight = np.bincount(owner, minlength=count)
        sums = np.column_stack([np.bincount(owner, points[:, axis], count) for axis in (0, 1)])
        centres = np.where(weight[:, None] > 0, sums / np.maximum(weight, 1)[:, None], centres)
    chosen = np.unique(cKDTree(points).query(centres)[1])
    if len(chosen) < count:
        free = np.setdiff1d(np.arange(len(members)), chosen)
        chosen = np.r_[chosen, rng.choice(free, size=count - len(chosen), replace=False)]
    return members[chosen]
