"""Stays by other libraries, in their own environment (see peers.sh): prints the seconds of each call as JSON.

``python peer_stays.py fastmob|trackintel FIXES.parquet``; reads one line from standard input before each
timed call, so that calls of two libraries can take turns. Parameters are ours: 150 m, 10 min, gap 15 min, the
last stay kept.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any


def fastmob_call(path: str) -> Callable[[], Any]:
    import fastmob
    import polars as pl

    def call() -> Any:
        frame = pl.read_parquet(path, columns=["vehicle_id", "t", "lon", "lat"])
        return fastmob.stay_locations(
            frame,
            minutes_for_a_stop=10,
            spatial_radius_km=0.15,
            no_data_for_minutes=15,
            include_last=True,
            datetime_col="t",
            lat_col="lat",
            lng_col="lon",
            uid_col="vehicle_id",
        )

    return call


def trackintel_call(path: str) -> Callable[[], Any]:
    import geopandas as gpd
    import pandas as pd
    import trackintel as ti

    def call() -> Any:
        table = pd.read_parquet(path, columns=["vehicle_id", "t", "lon", "lat"])
        table = table.rename(columns={"vehicle_id": "user_id", "t": "tracked_at"})
        points = gpd.GeoDataFrame(
            table[["user_id", "tracked_at"]],
            geometry=gpd.points_from_xy(table["lon"], table["lat"]),
            crs=4326,
        )
        return ti.Positionfixes(points).generate_staypoints(
            method="sliding", dist_threshold=150, time_threshold=10, gap_threshold=15, include_last=True
        )

    return call


def main() -> None:
    name, path = sys.argv[1:3]
    call = {"fastmob": fastmob_call, "trackintel": trackintel_call}[name](path)
    for _ in sys.stdin:
        begin = time.perf_counter()
        found = call()
        found = found[1] if isinstance(found, tuple) else found
        print(json.dumps({"seconds": time.perf_counter() - begin, "stays": len(found)}), flush=True)


if __name__ == "__main__":
    main()
