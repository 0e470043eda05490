"""Bulk assignment over HTTP: 100,000 points in requests of 10,000, inside and outside of the unit grids.

``python tests/benchmarks/bench_assign_bulk.py [points]``.

One uvicorn worker in a process of its own and one connection; 10,000 unit grids, of which those of three towns are
taken away. Goal: 3,000 points/s wherever the points lie.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_assign_api import ask, served
from sqlalchemy import text
from ten_thousand import BOX, insert_duties, insert_partition

from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from layers.private_server import Cluster

GOAL_PER_S = 3_000
AT_ONCE = 10_000
ITEMS = 200
MARGIN_DEG = 0.3


def main() -> None:
    """Print points/s for points in grids, and for points of which the most lie outside of them."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Cluster(folder / "c", durable=False) as cluster:
            database.migrate(cluster.url)
            with session(SYSTEM, cluster.url) as db:
                insert_partition(db)
                insert_duties(db)
            with served(cluster.url, folder) as client:
                client.timeout = 600
                _measure(client, 10, "to compile what is compiled", MARGIN_DEG)
                _measure(client, n, "in grids", 0.0)
                with session(SYSTEM, cluster.url) as db:
                    db.execute(text("DELETE FROM areas WHERE kind = 'unit_grid' AND code >= '320601008'"))
                _measure(client, n, "many outside", MARGIN_DEG)
            database.engine(cluster.url).dispose()


def _measure(client, n: int, named: str, margin: float) -> None:
    rng = np.random.default_rng(3)
    lon = rng.uniform(BOX[0] - margin, BOX[2] + margin, n)
    lat = rng.uniform(BOX[1] - margin, BOX[3] + margin, n)
    item = rng.integers(0, ITEMS, n)
    took_s, outcomes = 0.0, dict.fromkeys(("assigned", "nearest_assumed", "no_area"), 0)
    in_grid = 0
    for start in range(0, n, AT_ONCE):
        points = [
            {"lon": lon[k], "lat": lat[k], "item_code": f"I-{item[k]}"}
            for k in range(start, min(start + AT_ONCE, n))
        ]
        begun = time.perf_counter()
        _, content = ask(client, "POST", "/v1/assign/bulk", {"points": points})
        took_s += time.perf_counter() - begun
        for answer in json.loads(content)["assignments"]:
            outcomes[answer["outcome"]] += 1
            in_grid += answer["unit_grid"] is not None
    per_s = n / took_s
    ok = "met" if per_s >= GOAL_PER_S else "NOT MET"
    print(
        f"{n:,} points {named}: {per_s:,.0f}/s (goal {GOAL_PER_S:,}: {ok}); {in_grid:,} with a unit grid; {outcomes}"
    )


if __name__ == "__main__":
    main()
