"""How fast are stays: raw Parquet to stays, the kernel alone, and trackintel beside it.

Run ``python tests/benchmarks/bench_stays.py TRACKS.parquet [--repeat 5] [--peer-fixes 200000]``. Medians of repeated
runs after compiling; figures are only comparable within one run of one machine.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from spatial_models import kernels as k
from spatial_models.stays import detect_stays

COLUMNS = ["vehicle_id", "t", "lon", "lat"]


def median_s(run: Callable[[], Any], repeat: int) -> float:
    """Median seconds of a call; the first one is not counted."""
    run()
    seconds = []
    for _ in range(repeat):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds)


def read(path: str) -> Any:
    return pq.read_table(path, columns=COLUMNS, read_dictionary=["vehicle_id"])


def sorted_arrays(fixes: pl.DataFrame) -> tuple[Any, ...]:
    ordered = fixes.drop_nulls().sort("vehicle_id", "t")
    sizes = ordered.group_by("vehicle_id", maintain_order=True).len()["len"].to_numpy()
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    t = ordered["t"].dt.epoch("us").to_numpy()
    return starts, t, ordered["lon"].to_numpy(), ordered["lat"].to_numpy()


def kernel(arrays: tuple[Any, ...], *, centroid: bool, outliers: int) -> Callable[[], int]:
    starts, t, lon, lat = arrays
    n_vehicles, room = len(starts) - 1, len(t) // 2 + len(starts)
    out_i, out_f = np.empty((room, 6), np.int64), np.empty((room, 4))

    def run() -> int:
        state_i, state_f, counts = (
            np.zeros((n_vehicles, 7), np.int64),
            np.zeros((n_vehicles, 7)),
            np.zeros(8, np.int64),
        )
        k.scan_vehicles(
            t, lon, lat, starts, starts[1:], state_i, state_f, 150.0**2, 600_000_000, 900_000_000, centroid, outliers,
            out_i, out_f, counts,
        )  # fmt: skip
        return int(counts[k.C_STAYS])

    return run


def trackintel_s(fixes: pl.DataFrame, repeat: int) -> float | None:
    """Seconds of trackintel's stay points on the same fixes, None when it is not installed."""
    try:
        import geopandas as gpd
        import trackintel as ti
    except ImportError:
        return None
    frame = fixes.select(
        pl.col("vehicle_id").cast(pl.String).alias("user_id"), pl.col("t").alias("tracked_at"), "lon", "lat"
    )
    table = frame.to_pandas()
    positions = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(table.lon, table.lat), crs=4326)
    positions = ti.Positionfixes(positions)
    return median_s(
        lambda: positions.generate_staypoints(
            method="sliding", dist_threshold=150, time_threshold=10, gap_threshold=15, include_last=True
        ),
        repeat,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peer-fixes", type=int, default=200_000)
    options = parser.parse_args()
    fixes = pl.from_arrow(read(options.path))
    assert isinstance(fixes, pl.DataFrame)
    n = fixes.height
    print(f"{n:,} fixes, {fixes['vehicle_id'].n_unique()} vehicles; medians of {options.repeat}")
    for name, mode in (
        ("first", {}),
        ("centroid, 1 outlier, spikes", {"anchor": "centroid", "outliers": 1, "max_speed_kmh": 200.0}),
    ):
        seconds = median_s(lambda mode=mode: detect_stays(read(options.path), **mode), options.repeat)
        print(f"raw Parquet -> stays, {name:28s} {seconds:7.3f} s {n / seconds / 1e6:7.1f} M fixes/s")
    shuffled = fixes.sort("t")
    seconds = median_s(lambda: detect_stays(shuffled), options.repeat)
    print(
        f"frame in arrival order -> stays, first            {seconds:7.3f} s {n / seconds / 1e6:7.1f} M fixes/s"
    )
    arrays = sorted_arrays(fixes)
    plain = median_s(lambda: [np.diff(part) for part in arrays[1:]], options.repeat)
    print(
        f"numpy pass (differences of t, lon, lat)           {plain:7.3f} s {n / plain / 1e6:7.1f} M fixes/s"
    )
    for centroid, outliers in ((False, 0), (True, 0), (True, 1)):
        seconds = median_s(kernel(arrays, centroid=centroid, outliers=outliers), options.repeat)
        name = f"kernel, {'centroid' if centroid else 'first'}, {outliers} outliers"
        print(
            f"{name:49s} {seconds:7.3f} s {n / seconds / 1e6:7.1f} M fixes/s {seconds / plain:5.1f} x the numpy pass"
        )
    part = (
        fixes.with_columns(pl.col("vehicle_id").cast(pl.String))
        .sort("vehicle_id", "t")
        .head(options.peer_fixes)
    )
    peer, ours = trackintel_s(part, 1), median_s(lambda: detect_stays(part), options.repeat)
    if peer is None:
        print("trackintel is not installed (extra: bench)")
        return
    print(
        f"{part.height:,} fixes: trackintel {peer:.2f} s ({part.height / peer:,.0f}/s), detect_stays {ours:.4f} s, {peer / ours:,.0f} x"
    )


if __name__ == "__main__":
    main()
