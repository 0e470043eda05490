"""Durable fixes a second of ``POST /v1/tracks`` against a bare COPY into the same table, in turns, in one run.

``python tests/benchmarks/bench_ingest.py [rows a batch] [rounds]``. The server is one uvicorn worker in a
process of its own, access on (API key), over a durable cluster (fsync, synchronous commit). Each batch is
another day of 2,000 vehicles. The bare COPY gets rows that are ready: vehicle numbers, H3 cells and areas
known, as CSV text or already in COPY's binary form in the order of the key (what the service sends at best),
committed once. After each round the number of rows in the table is checked.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import geopandas as gpd
import numpy as np
import polars as pl
import psycopg
import shapely
from sqlalchemy import text

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from grid.areas import cells_of, load_community_index
from layers.postgres import SYSTEM, libpq_url, session
from layers.postgres import sessions as database
from layers.private_server import Cluster
from layers.records.fix_writing import encode, in_key_order
from layers.records.tracks import ensure_partitions

VEHICLES = 2_000
BOX = (120.2, 31.7, 121.9, 32.7)
FIRST_DAY = dt.date.today() - dt.timedelta(days=300)
NDJSON, PARQUET = "application/x-ndjson", "application/vnd.apache.parquet"
COLUMNS = "vehicle_id, t, lon, lat, speed_kmh, heading_deg, h3_9, area_id"


def communities(n: int = 300) -> gpd.GeoSeries:
    points = shapely.MultiPoint(np.random.default_rng(1).uniform(BOX[:2], BOX[2:], (n, 2)))
    cells = shapely.voronoi_polygons(points, extend_to=shapely.box(*BOX))
    return gpd.GeoSeries([shapely.MultiPolygon([g]) for g in cells.geoms])


def prepare(url: str) -> str:
    """Communities, vehicles and the key of a service."""
    with session(SYSTEM, url) as db:
        for i, shape in enumerate(communities()):
            db.execute(
                text(
                    "INSERT INTO areas (code, name, kind, valid_from, geom, label_point, area_m2) VALUES"
                    " (:code, :code, 'community', '2020-01-01', ST_SetSRID(CAST(:wkb AS geometry), 4326),"
                    " ST_SetSRID(ST_MakePoint(0, 0), 4326), 1)"
                ),
                {"code": f"c{i}", "wkb": shape.wkb_hex},
            )
        db.execute(
            text(
                "INSERT INTO vehicles (vehicle_id, kind) SELECT 'V-' || i, 'other' FROM generate_series(1, :n) i"
            ),
            {"n": VEHICLES},
        )
        create_user(db, username="svc", password="not needed here", role="service")
        return create_key(db, "svc")


def batch(day: int, n: int) -> pl.DataFrame:
    rng = np.random.default_rng(day)
    each = n // VEHICLES
    start = dt.datetime.combine(FIRST_DAY + dt.timedelta(days=day), dt.time(), dt.UTC)
    seconds = np.repeat(np.arange(each) * (86_000 // each), VEHICLES)
    vehicle = np.tile(np.arange(1, VEHICLES + 1), each)
    return pl.DataFrame(
        {
            "vehicle_id": pl.Series(vehicle).cast(pl.Utf8).str.replace("^", "V-"),
            "t": pl.Series(np.datetime64(start.replace(tzinfo=None), "us") + seconds.astype("m8[s]")),
            "lon": rng.uniform(BOX[0], BOX[2], n).round(6),
            "lat": rng.uniform(BOX[1], BOX[3], n).round(6),
            "speed_kmh": rng.uniform(0, 80, n).round(1),
            "heading_deg": rng.integers(0, 360, n).astype(float),
        }
    ).with_columns(pl.col("t").dt.replace_time_zone("UTC"))


def encoded(frame: pl.DataFrame, media: str) -> bytes:
    buffer = io.BytesIO()
    if media == PARQUET:
        frame.write_parquet(buffer)
    else:
        frame.with_columns(t=pl.col("t").dt.strftime("%Y-%m-%dT%H:%M:%SZ")).write_ndjson(buffer)
    return buffer.getvalue()


def ready(frame: pl.DataFrame, url: str, form: str) -> bytes:
    lon, lat = frame["lon"].to_numpy(), frame["lat"].to_numpy()
    with session(SYSTEM, url) as db:
        area = load_community_index(db).locate(lon, lat)
        numbers = dict(db.execute(text("SELECT vehicle_id, id FROM vehicles")).all())
    rows = frame.with_columns(
        vehicle_id=pl.col("vehicle_id").replace_strict(numbers),
        h3_9=pl.Series(cells_of(lon, lat, 9).astype(np.int64)),
        area_id=pl.Series(area),
    )
    if form == "binary":
        return b"".join(encode(in_key_order(rows)))
    return rows.write_csv(include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%:z").encode()


def bare_copy(url: str, day: int, rows: bytes, form: str) -> float:
    with session(SYSTEM, url) as db:
        ensure_partitions(db, [FIRST_DAY + dt.timedelta(days=day)])
    with psycopg.connect(libpq_url(url, "wangge")) as connection, connection.cursor() as cursor:
        start = time.perf_counter()
        with cursor.copy(
            f"COPY fixes ({COLUMNS}{', batch_id' if form == 'binary' else ''}) FROM STDIN (FORMAT {form})"
        ) as copy:
            for at in range(0, len(rows), 2**18):
                copy.write(rows[at : at + 2**18])
        connection.commit()
        return time.perf_counter() - start


def post(address: str, key: str, media: str, body: bytes, expected: int) -> float:
    request = urllib.request.Request(
        f"{address}/v1/tracks?crs=wgs84",
        data=body,
        headers={"Authorization": f"Bearer {key}", "Content-Type": media},
    )
    start = time.perf_counter()
    with urllib.request.urlopen(request) as answer:
        told = json.load(answer)
    seconds = time.perf_counter() - start
    assert told["accepted"] == expected and told["rejected"] == 0, told
    return seconds


def serve(url: str, folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "WANGGE_DATABASE_URL": url,
        "WANGGE_DATA_DIR": str(folder),
        "WANGGE_LOG_LEVEL": "error",
    }
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "uvicorn",
            "geo_api.server.app:create_app",
            "--factory",
            "--port",
            str(port),
            "--log-level",
            "error",
        ],
        env=environment,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/health/live")
            return server, address
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server did not start")


def measure(url: str, address: str, key: str, n: int, rounds: int) -> None:
    speeds: dict[str, list[float]] = {"COPY csv": [], "COPY binary": [], "Parquet": [], "NDJSON": []}
    rows = 0
    for turn in range(rounds + 1):
        for i, name in enumerate(speeds):
            day = len(speeds) * turn + i
            frame = batch(day, n)
            if name.startswith("COPY"):
                form = name.split()[1]
                seconds = bare_copy(url, day, ready(frame, url, form), form)
            else:
                media = PARQUET if name == "Parquet" else NDJSON
                seconds = post(address, key, media, encoded(frame, media), frame.height)
            rows += frame.height
            if turn:  # the first turn loads libraries
                speeds[name].append(frame.height / seconds)
    with session(SYSTEM, url) as db:
        assert db.scalar(text("SELECT count(*) FROM fixes")) == rows
    again = encoded(batch(2, n), PARQUET)
    start = time.perf_counter()
    post(address, key, PARQUET, again, 0)
    repeated = n / (time.perf_counter() - start)
    csv, binary = (statistics.median(speeds[name]) for name in ("COPY csv", "COPY binary"))
    for name, found in speeds.items():
        middle = statistics.median(found)
        each = ", ".join(f"{v:,.0f}" for v in found)
        print(
            f"{name:11} {middle:>9,.0f} fixes/s (of {each}), {middle / csv:.2f} × COPY csv,"
            f" {middle / binary:.2f} × COPY binary"
        )
    print(f"the same Parquet batch again: {repeated:,.0f} duplicates/s")


def main() -> None:
    n = int(float(sys.argv[1])) if len(sys.argv) > 1 else 400_000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    n -= n % VEHICLES
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Cluster(folder / "c", durable=True) as cluster:
            database.migrate(cluster.url)
            key = prepare(cluster.url)
            server, address = serve(cluster.url, folder / "data")
            try:
                print(f"batches of {n:,} fixes, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
                measure(cluster.url, address, key, n, rounds)
            finally:
                server.terminate()
                server.wait(timeout=20)


if __name__ == "__main__":
    main()
