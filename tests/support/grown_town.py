"""Partitions of any polygons: two counties of three towns of two communities each, with responsibility grids.

``voronoi_zones`` makes zones with slanting edges, T-junctions, nodes on straight edges and one zone inside
another.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from tests.support.square_town import insert_area

TOWNS = {"320601001": "320601", "320601002": "320601", "320602001": "320602"}
GRID_DEG = 1e-7


def voronoi_zones(seed: int, n: int = 26) -> list[Any]:
    """Zones of about 100 m that tile a rectangle, vertices shared exactly."""
    rng = np.random.default_rng(seed)
    box = shapely.box(120.8, 32.0, 120.806, 32.004)
    points = shapely.multipoints(rng.uniform((120.8, 32.0), (120.806, 32.004), (n, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=box))
    cells = shapely.intersection(shapely.segmentize(cells, 0.0005), box)
    whole = shapely.get_parts(shapely.coverage_simplify(_shared(cells), 0.0))
    largest = int(np.argmax(shapely.area(whole)))
    around = whole[largest]
    island = shapely.set_precision(
        shapely.centroid(around).buffer(0.25 * np.sqrt(around.area), quad_segs=2), GRID_DEG
    )
    ring = shapely.Polygon(around.exterior, [island.exterior])
    return [*np.delete(whole, largest), ring, island]


def _shared(cells: Any) -> list[Any]:
    """Polygons on a raster, each with every vertex of the others that lies on its edges."""
    snapped = shapely.set_precision(cells, GRID_DEG)
    noded = shapely.node(shapely.union_all(shapely.boundary(snapped), grid_size=GRID_DEG))
    return list(shapely.get_parts(shapely.polygonize(shapely.get_parts(noded))))


def insert_zones(db: Session, zones: list[Any]) -> bool:
    """Write unit grids and the areas above them.

    False, with nothing written, when one would have several parts.
    """
    groups = _grouped(zones)
    unions = {code: shapely.coverage_union_all(zones) for code, zones in groups.items()}
    towns = {
        town: shapely.coverage_union_all([u for code, u in unions.items() if code[:9] == town])
        for town in TOWNS
    }
    counties = {
        county: shapely.coverage_union_all([towns[t] for t, c in TOWNS.items() if c == county])
        for county in dict.fromkeys(TOWNS.values())
    }
    if any(shape.geom_type != "Polygon" for part in (unions, towns, counties) for shape in part.values()):
        return False
    ids = {"320600": insert_area(db, "320600", "市", "city", None, shapely.coverage_union_all(list(zones)))}
    for code, shape in counties.items():
        ids[code] = insert_area(db, code, f"{code}区", "county", ids["320600"], shape)
    for code, shape in towns.items():
        ids[code] = insert_area(db, code, f"{code}镇", "town", ids[TOWNS[code]], shape)
    for code, own in groups.items():
        ids[code] = insert_area(db, code, f"{code}社区", "community", ids[code[:9]], unions[code])
        for kind in ("responsibility_grid", "evaluation_grid"):
            insert_area(db, f"{code}{kind[0]}", "管理网格", kind, ids[code], unions[code])
        for number, zone in enumerate(own, start=1):
            insert_area(db, f"{code}{number:03d}", f"第{number}网格", "unit_grid", ids[code], zone)
    return True


def _grouped(zones: list[Any]) -> dict[str, list[Any]]:
    """Zones by community: three strips from west to east, each with a southern and a northern half."""
    points = shapely.get_coordinates(shapely.point_on_surface(list(zones)))
    groups: dict[str, list[Any]] = {}
    for town, column in zip(TOWNS, np.array_split(np.argsort(points[:, 0]), 3), strict=True):
        halves = np.array_split(column[np.argsort(points[column, 1])], 2)
        for number, half in enumerate(halves, start=1):
            groups[f"{town}{number:03d}"] = [zones[i] for i in half]
    return groups
