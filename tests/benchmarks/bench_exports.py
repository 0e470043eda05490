"""Memory and speed of exports from 1 thousand to 2 million rows.

``python tests/benchmarks/bench_exports.py [rows]``.

Each export runs in a process of its own: one of a thousand rows to load the libraries, then the measured one.
Growth is the peak of the resident memory above what the process held before. PMTiles is measured with a tenth
of the rows: its cost is tiles, not rows.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from geo_api.features.exports import FORMATS
from layers.collections import COLLECTIONS, Selection
from layers.exports import ExportSource
from layers.postgres import PUBLIC, SYSTEM, session
from layers.postgres import sessions as database
from layers.private_server import Cluster

SMALL = 1_000
KINDS = {"small": ["registered"], "tenth": ["registered", "storage"]}


def load(url: str, n: int) -> None:
    with session(SYSTEM, url) as db:
        db.execute(
            text(
                "INSERT INTO enterprises (uscc, name, industry, hazard, status, status_since) SELECT 'U' ||"
                " i, '企业 ' || i,"
                " 'trade', 'none', 'operating', '2020-01-01' FROM generate_series(1, 10000) i"
            )
        )
        db.execute(
            text(
                "INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10) SELECT 'S-' || i, 1 + i"
                " % 10000, CASE WHEN i <= :small THEN 'registered' WHEN i % 10 = 0 THEN 'storage' ELSE"
                " 'sales' END, ST_SetSRID(ST_MakePoint(120.2 + 1.7 * random(), 31.7 + random()), 4326), i, i"
                " FROM generate_series(1, CAST(:n AS int)) i"
            ),
            {"n": n, "small": SMALL},
        )
    with database.engine(url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE sites"))


def resident_kib(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(field)).split()[1])


def export(url: str, name: str, size: str) -> tuple[int, float]:
    values = {"kind": KINDS[size]} if size in KINDS else {}
    source = ExportSource(url, PUBLIC, COLLECTIONS["sites"], Selection(values=values), 1_800)
    start = time.perf_counter()
    n_bytes = sum(map(len, FORMATS[name].blocks(source)))
    return n_bytes, time.perf_counter() - start


def measure(url: str, name: str, size: str) -> dict[str, float]:
    export(url, name, "small")
    Path("/proc/self/clear_refs").write_text("5")
    before = resident_kib("VmRSS")
    n_bytes, seconds = export(url, name, size)
    return {"growth_mib": (resident_kib("VmHWM") - before) / 1024, "bytes": n_bytes, "seconds": seconds}


def main() -> None:
    if len(sys.argv) > 2:
        print(json.dumps(measure(*sys.argv[1:4])))
        return
    n = int(float(sys.argv[1])) if len(sys.argv) > 1 else 2_000_000
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with Cluster(Path(folder) / "c", durable=False) as cluster:
            database.migrate(cluster.url)
            load(cluster.url, n)
            for name in FORMATS:
                for size in ("small", "tenth" if name == "pmtiles" else "all"):
                    rows = {"small": SMALL, "tenth": n // 10}.get(size, n)
                    told = subprocess.run(
                        [sys.executable, __file__, cluster.url, name, size], capture_output=True, check=True
                    )
                    found = json.loads(told.stdout)
                    print(
                        f"{name:10} {rows:>9,} rows: peak +{found['growth_mib']:.0f} MiB,"
                        f" {found['bytes'] / 2**20:.1f} MiB in"
                        f" {found['seconds']:.1f} s ({rows / found['seconds']:,.0f} rows/s)",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
