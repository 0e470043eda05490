"""Areas of the demo city.

City, counties, towns, communities, unit grids, a functional zone and a water area.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from geo_api.demo_city.boundaries import (
    CITY_CODE,
    CITY_NAME,
    County,
    Settlement,
    Town,
    read_counties,
    read_settlements,
    read_towns,
    to_metric,
)
from geo_api.demo_city.sizes import CitySize
from geo_api.demo_city.tessellation import (
    Cells,
    Floats,
    Ints,
    grow,
    make_cells,
    merge,
    random_points,
    relaxed_seeds,
    spread_sources,
    to_lonlat_geometry,
    to_metric_geometry,
)
from layers.codes import next_grid_codes

AREA_COLUMNS = ("code", "name", "kind", "parent_code", "valid_from", "geometry")
_COMMUNITY_WORDS = "安平和乐兴旺丰裕瑞祥福康宁泰清明远达文德仁义礼信荣华春晖景秀新民永盛同庆长青东升金桥银杏"
_ZONES = {"320671": "南通经济技术开发区", "320682401": "如皋高新技术产业开发区"}
_VALID = {"city": "2020-07-23", "county": "2020-07-23", "town": "2023-06-30"}


@dataclass(frozen=True)
class CityAreas:
    """The areas as a frame in import columns, and what the other parts of the generator need to place things.

    Attributes
    ----------
    frame : GeoDataFrame
        Columns ``AREA_COLUMNS``, EPSG:4326.
    towns : list of Town
        Position in it is what ``town_of_cell`` holds.
    town_centres_m : ndarray, shape (t, 2)
        EPSG:4549.
    """

    frame: gpd.GeoDataFrame
    counties: list[County]
    towns: list[Town]
    town_centres_m: Floats
    cells: Cells
    town_of_cell: Ints
    city_m: BaseGeometry
    water_m: BaseGeometry | None


def town_centres(
    county: County, towns: list[Town], settlements: list[Settlement], rng: np.random.Generator
) -> Floats:
    """Centre points (metres) of a county's towns.

    GeoNames where the name is inside the county, else drawn.
    """
    polygon = to_metric_geometry(county.polygon)
    lonlat = np.array([(one.lon, one.lat) for one in settlements]).reshape(-1, 2)
    points = np.column_stack(to_metric(lonlat[:, 0], lonlat[:, 1]))
    inside = shapely.contains_xy(shapely.buffer(polygon, -150.0), points[:, 0], points[:, 1])
    centres = np.full((len(towns), 2), np.nan)
    for position, town in enumerate(towns):
        match = [
            i
            for i, settlement in enumerate(settlements)
            if inside[i] and town.place_name and town.place_name in settlement.names
        ]
        if match and not np.isin(points[match[0]], centres).all():
            centres[position] = points[match[0]]
    seat = np.array(to_metric(*county.seat))
    reach = 0.18 * np.sqrt(polygon.area)
    for position in np.flatnonzero(np.isnan(centres[:, 0])).tolist():
        trial = np.concatenate(
            [seat + rng.normal(scale=reach, size=(80, 2)), random_points(polygon, 20, rng)]
        )
        trial = trial[shapely.contains_xy(shapely.buffer(polygon, -800.0), trial[:, 0], trial[:, 1])]
        have = centres[~np.isnan(centres[:, 0])]
        gap = cKDTree(have).query(trial)[0] if len(have) else np.ones(len(trial))
        centres[position] = trial[np.argsort(gap)[int(0.85 * len(gap))]]
    return centres


def _choose(size: CitySize) -> tuple[list[County], list[Town]]:
    counties = [c for c in read_counties() if not size.county_codes or c.code in size.county_codes]
    codes = {c.code for c in counties}
    towns = [t for t in read_towns() if t.county_code in codes]
    return counties, [t for t in towns if not size.town_codes or t.code in size.town_codes]


def make_areas(size: CitySize, rng: np.random.Generator) -> CityAreas:
    """Return the whole partition.

    Cells first, then towns grown from their centres, then communities inside towns.
    """
    counties, towns = _choose(size)
    by_county = [[t for t in towns if t.county_code == c.code] for c in counties]
    towns = [t for group in by_county for t in group]
    settlements = read_settlements(tuple(shapely.total_bounds([c.polygon for c in counties]).tolist()))
    centres = [town_centres(c, group, settlements, rng) for c, group in zip(counties, by_county, strict=True)]
    polygons_m = [to_metric_geometry(c.polygon) for c in counties]
    counts = _cell_counts(size.grids, polygons_m, by_county)
    seeds = [
        relaxed_seeds(p, c, n, rng, spread_m=900.0)
        for p, c, n in zip(polygons_m, centres, counts, strict=True)
    ]
    cells = make_cells([c.polygon for c in counties], seeds)
    all_centres = np.concatenate(centres)
    county_of_town = np.repeat(np.arange(len(counties)), [len(group) for group in by_county])
    town_of_cell = grow(cells, cells.county, _central_cells(cells, all_centres, county_of_town))
    community = _communities(cells, town_of_cell, len(towns), size.communities, rng)
    city_m = to_metric_geometry(shapely.coverage_union_all(cells.polygons))
    frame, water_m = _frame(counties, towns, cells, town_of_cell, community, city_m, rng)
    return CityAreas(frame, counties, towns, all_centres, cells, town_of_cell, city_m, water_m)


def _cell_counts(grids: int, polygons_m: list[BaseGeometry], by_county: list[list[Town]]) -> list[int]:
    """Cells of each county: half by area, half by number of towns (as built-up density goes)."""
    area = np.array([p.area for p in polygons_m])
    towns = np.array([len(group) for group in by_county], dtype=float)
    share = 0.5 * area / area.sum() + 0.5 * towns / towns.sum()
    counts = np.floor(share * grids).astype(int)
    counts[np.argsort(-(share * grids - counts))[: grids - counts.sum()]] += 1
    return [int(n) for n in counts]


def _central_cells(cells: Cells, centres: Floats, county_of_town: Ints) -> Ints:
    """Return a different cell for each town: the nearest of its county to the town's centre."""
    chosen: list[int] = []
    for centre, county in zip(centres, county_of_town, strict=True):
        gaps = np.hypot(*(cells.points_m - centre).T) + np.where(cells.county == county, 0.0, 1e9)
        gaps[chosen] = np.inf
        chosen.append(int(np.argmin(gaps)))
    return np.array(chosen, dtype=np.int64)


def _communities(cells: Cells, town: Ints, towns: int, total: int, rng: np.random.Generator) -> Ints:
    """Community of each cell, numbered over the city: shares of ``total`` go by the number of cells."""
    size = np.bincount(town, minlength=towns)
    counts = np.clip(np.round(total * size / size.sum()).astype(int), 1, size)
    sources = [spread_sources(cells, np.flatnonzero(town == t), int(counts[t]), rng) for t in range(towns)]
    return grow(cells, town, np.concatenate(sources))


def _row_order(points_m: Floats, group: Ints) -> NDArray[np.intp]:
    """Order by group, then rows from north to south, in each row west to east (rows of about equal height)."""
    row = np.zeros(len(points_m), dtype=np.int64)
    for value in np.unique(group):
        mine = np.flatnonzero(group == value)
        rows = max(int(np.sqrt(len(mine))), 1)
        north = points_m[mine, 1].max() - points_m[mine, 1]
        row[mine] = np.minimum((north / max(north.max(), 1e-9) * rows).astype(int), rows - 1)
    return np.lexsort((points_m[:, 0], row, group))


def _community_names(count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Last three digits and name of a town's communities: residents' committees first, then villages."""
    residents = min(max(1, count // 3), 199)
    pairs = [a + b for a in _COMMUNITY_WORDS for b in _COMMUNITY_WORDS if a != b]
    words = [pairs[i] for i in rng.choice(len(pairs), size=count, replace=False)]
    return [
        (f"{i + 1:03d}", f"{word}社区") if i < residents else (f"{200 + i - residents:03d}", f"{word}村")
        for i, word in enumerate(words)
    ]


def _frame(
    counties: list[County],
    towns: list[Town],
    cells: Cells,
    town_of_cell: Ints,
    community: Ints,
    city_m: BaseGeometry,
    rng: np.random.Generator,
) -> tuple[gpd.GeoDataFrame, BaseGeometry | None]:
    rows: list[tuple[str, str, str, str | None, BaseGeometry]] = []
    communities, labels = merge(cells.polygons, community)
    town_of = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    town_of[community] = town_of_cell
    town_polygons, _ = merge(communities, town_of[labels])
    county_of_town = np.array(
        [[c.code for c in counties].index(t.county_code) for t in towns], dtype=np.int64
    )
    county_polygons, _ = merge(town_polygons, county_of_town)
    rows.append((CITY_CODE, CITY_NAME, "city", None, shapely.coverage_union_all(county_polygons)))
    rows += [(c.code, c.name, "county", CITY_CODE, p) for c, p in zip(counties, county_polygons, strict=True)]
    rows += [(t.code, t.name, "town", t.county_code, p) for t, p in zip(towns, town_polygons, strict=True)]
    code_of = _community_rows(rows, towns, communities, labels, town_of[labels], rng)
    _grid_rows(rows, cells, community, code_of)
    rows += _zone_rows(towns, town_polygons)
    water_m = _southern_strip(city_m)
    if water_m is not None:
        water = shapely.set_precision(to_lonlat_geometry(water_m), 1e-7)
        rows.append((f"{CITY_CODE}W01", "长江南通段（示意）", "water", CITY_CODE, water))
    frame = gpd.GeoDataFrame(
        rows, columns=["code", "name", "kind", "parent_code", "geometry"], crs="EPSG:4326"
    )
    frame["valid_from"] = frame["kind"].map(_VALID).fillna("2024-01-01")
    return frame[list(AREA_COLUMNS)], water_m


def _community_rows(
    rows: list[tuple[str, str, str, str | None, BaseGeometry]],
    towns: list[Town],
    polygons: NDArray[np.object_],
    labels: Ints,
    town: Ints,
    rng: np.random.Generator,
) -> dict[int, str]:
    """Append the communities; returns code by label."""
    inner = shapely.point_on_surface(polygons)
    points = np.column_stack(to_metric(shapely.get_x(inner), shapely.get_y(inner)))
    order = _row_order(points, town)
    names = [pair for t in range(len(towns)) for pair in _community_names(int((town == t).sum()), rng)]
    code_of: dict[int, str] = {}
    for position, (digits, name) in zip(order, names, strict=True):
        parent = towns[town[position]].code
        code_of[int(labels[position])] = parent + digits
        rows.append((parent + digits, name, "community", parent, polygons[position]))
    return code_of


def _grid_rows(
    rows: list[tuple[str, str, str, str | None, BaseGeometry]],
    cells: Cells,
    community: Ints,
    code_of: dict[int, str],
) -> None:
    """Append the unit grids, numbered west to east, north to south inside their community."""
    order = _row_order(cells.points_m, community)
    starts = np.flatnonzero(np.r_[True, np.diff(community[order]) != 0])
    for members in np.split(order, starts[1:]):
        parent = code_of[int(community[members[0]])]
        for cell, code in zip(members, next_grid_codes(parent, [], len(members)), strict=True):
            rows.append((code, f"第{int(code[-3:])}网格", "unit_grid", parent, cells.polygons[cell]))


def _zone_rows(
    towns: list[Town], polygons: NDArray[np.object_]
) -> list[tuple[str, str, str, str | None, BaseGeometry]]:
    """Functional zones: the union of the towns whose statistical code starts with the zone's."""
    rows: list[tuple[str, str, str, str | None, BaseGeometry]] = []
    for prefix, name in _ZONES.items():
        parts = [p for t, p in zip(towns, polygons, strict=True) if t.code.startswith(prefix)]
        if parts and not rows:
            rows.append(
                (prefix, f"{name}（示意）", "functional_zone", CITY_CODE, shapely.coverage_union_all(parts))
            )
    return rows


def _southern_strip(city_m: BaseGeometry, width_m: float = 2500.0) -> BaseGeometry | None:
    """Return a strip along the southern edge of the city, where its boundary runs in the river.

    None when there is none.
    """
    strip = shapely.difference(city_m, shapely.affinity.translate(city_m, 0.0, width_m))
    parts = shapely.get_parts(strip)
    centre = shapely.centroid(parts)
    corner_m = np.array(to_metric([120.35, 121.95], [32.16, 31.75]))
    slope = (corner_m[1, 1] - corner_m[1, 0]) / (corner_m[0, 1] - corner_m[0, 0])
    line = corner_m[1, 0] + slope * (shapely.get_x(centre) - corner_m[0, 0])
    parts = parts[(shapely.get_y(centre) < line) & (shapely.area(parts) > 2e6)]
    return shapely.union_all(parts) if len(parts) else None
