"""Rows a second of fixes and of imports in this tree against another one (a checkout of before), in turns, in one run.

``python tests/benchmarks/bench_batches.py OTHER_TREE [rounds] [fixes]``. Each measurement is a process of its
own over a durable cluster of its tree: fixes by ``add_fixes`` into fresh days (what COPY costs), tracks and
meters by ``import_file`` from Parquet. It prints the medians and their ratio, of rows a second and of rows a
second of processor time (of this process and of the database's backends), which says more on a machine that
others use too.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parents[2]
FIRST = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
VEHICLES = 2_000
SITES = 1_000


Speeds = tuple[float, float]
"""Rows a second, and rows a second of processor time."""


def fixes_of(day: int, rows: int) -> pl.DataFrame:
    rng = np.random.default_rng(day)
    each = rows // VEHICLES
    start = (FIRST + dt.timedelta(days=day)).replace(tzinfo=None)
    seconds = np.tile(np.arange(each) * (86_000 // each), VEHICLES)
    return pl.DataFrame(
        {
            "vehicle_id": pl.Series(np.repeat(np.arange(VEHICLES), each)),
            "t": pl.Series(np.datetime64(start, "us") + seconds.astype("m8[s]")),
            "lon": rng.uniform(120.2, 121.9, each * VEHICLES).round(6),
            "lat": rng.uniform(31.7, 32.7, each * VEHICLES).round(6),
            "speed_kmh": rng.uniform(0, 80, each * VEHICLES).round(1),
            "heading_deg": rng.integers(0, 360, each * VEHICLES).astype(float),
        }
    ).with_columns(pl.col("t").dt.replace_time_zone("UTC"))


def measure(rows: int, rounds: int) -> dict[str, list[Speeds]]:
    """Rows a second of each kind, with the code of the tree that PYTHONPATH names."""
    import inspect

    from geo_api.imports.import_file import import_file
    from layers.postgres import SYSTEM, migrate, session
    from layers.private_server import Cluster
    from layers.records import tracks
    from layers.records.fix_writing import add_fixes

    batch = (7,) if "batch_id" in inspect.signature(add_fixes).parameters else ()
    found: dict[str, list[Speeds]] = {"fixes by COPY": [], "import tracks": [], "import meters": []}
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Cluster(folder / "c", durable=True) as cluster:
            url = cluster.url
            migrate(url)
            _add_sites(url)
            for turn in range(rounds + 1):
                frame = fixes_of(2 * turn, rows)
                ready = frame.with_columns(
                    h3_9=pl.lit(617848386255585279, dtype=pl.Int64), area_id=pl.lit(7, dtype=pl.Int64)
                )
                with session(SYSTEM, url) as db:
                    tracks.ensure_partitions(db, ready["t"].dt.date().unique().to_list())
                start = _clocks(url)
                with session(SYSTEM, url) as db:
                    add_fixes(db, ready, *batch)
                took = {"fixes by COPY": _speeds(url, start, ready.height)}
                path = folder / "tracks.parquet"
                fixes_of(2 * turn + 1, rows).with_columns(pl.col("vehicle_id").cast(pl.Utf8)).write_parquet(
                    path
                )
                took["import tracks"] = _timed(import_file, "tracks", path, url, ready.height)
                meters = _meters(turn, rows // 4)
                path = folder / "meters.parquet"
                meters.write_parquet(path)
                took["import meters"] = _timed(import_file, "meters", path, url, meters.height)
                if turn:  # the first turn loads libraries
                    for kind, speed in took.items():
                        found[kind].append(speed)
    return found


def _timed(import_file: object, kind: str, path: Path, url: str, rows: int) -> Speeds:
    start = _clocks(url)
    report = import_file(kind, path, crs="wgs84", url=url)  # type: ignore[operator]
    assert report.written.inserted == rows
    return _speeds(url, start, rows)


def _clocks(url: str) -> Speeds:
    """Seconds that went by, and those of the processor for this process and the database's backends."""
    from sqlalchemy import text

    from layers.postgres import SYSTEM, session

    with session(SYSTEM, url) as db:
        pids = db.scalars(
            text("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
        ).all()
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return time.perf_counter(), time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def _speeds(url: str, start: Speeds, rows: int) -> Speeds:
    end = _clocks(url)
    return rows / (end[0] - start[0]), rows / (end[1] - start[1])


def _meters(turn: int, rows: int) -> pl.DataFrame:
    days = rows // SITES
    first = FIRST.date() - dt.timedelta(days=(turn + 1) * days)
    day = pl.date_range(first, first + dt.timedelta(days=days - 1), eager=True)
    return (
        pl.DataFrame({"site_id": [f"S-{i}" for i in range(SITES)]})
        .join(pl.DataFrame({"day": day}), how="cross")
        .with_columns(
            kind=pl.lit("power"), value=pl.int_range(pl.len()).cast(pl.Float64), quality=pl.lit("measured")
        )
    )


def _add_sites(url: str) -> None:
    from sqlalchemy import text

    from layers.postgres import SYSTEM, session

    with session(SYSTEM, url) as db:
        db.execute(
            text(
                "WITH e AS (INSERT INTO enterprises (uscc, name, industry, hazard, status)"
                " VALUES ('u', 'e', 'i', 'none', 'operating') RETURNING id)"
                " INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10)"
                " SELECT 'S-' || i, e.id, 'sales', ST_Point(120.9, 32.1, 4326), 1, 1"
                " FROM e, generate_series(0, :last) i"
            ),
            {"last": SITES - 1},
        )


def run(tree: Path, rows: int, rounds: int) -> dict[str, list[Speeds]]:
    environment = os.environ | {"PYTHONPATH": str(tree)}
    command = [sys.executable, str(Path(__file__).resolve()), "--measure", str(rounds), str(rows)]
    done = subprocess.run(command, env=environment, cwd=tree, capture_output=True, text=True, check=True)
    speeds: dict[str, list[Speeds]] = json.loads(done.stdout.splitlines()[-1])
    return speeds


def main() -> None:
    if sys.argv[1] == "--measure":
        print(json.dumps(measure(int(sys.argv[3]), int(sys.argv[2]))))
        return
    other = Path(sys.argv[1]).resolve()
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows = int(float(sys.argv[3])) if len(sys.argv) > 3 else 400_000
    speeds: dict[str, dict[str, list[Speeds]]] = {"before": {}, "now": {}}
    for _ in range(rounds):
        for name, tree in (("before", other), ("now", ROOT)):
            for kind, found in run(tree, rows, 3).items():
                speeds[name].setdefault(kind, []).extend(found)
    print(f"{rounds} runs of 3 rounds each, {rows:,} rows, load {os.getloadavg()[0]:.1f}")
    for kind in speeds["now"]:
        for place, of in enumerate(("rows/s", "rows/s of processor time")):
            before, now = (
                statistics.median(each[place] for each in speeds[name][kind]) for name in ("before", "now")
            )
            print(f"{kind:14} {before:>9,.0f} → {now:>9,.0f} {of}: {now / before:.2f} ×")


if __name__ == "__main__":
    main()
