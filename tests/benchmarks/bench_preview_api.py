"""Previews of drafts over HTTP on a city of 60,000 unit grids: ``python tests/benchmarks/bench_preview_api.py [repeats]``.

One uvicorn worker in a process of its own, one client with one connection, as a supervisor of the whole city and as the
grid manager of a county that has all of its grids. Goals: one step p95 ≤ 150 ms, a chain of 50 steps ≤ 1.5 s. The
processor time of the server and of the database stands beside: on a machine with other work it says more than the clock.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from bench_assign_api import served
from bench_change_set import hierarchy, operations
from ten_thousand import insert_partition

from geo_api.auth.access import create_user
from grid.areas import read_areas
from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from layers.private_server import Cluster

GRIDS, TOWNS = 60_000, 60
STEP_GOAL_MS, CHAIN_GOAL_MS = 150.0, 1_500.0
PASSWORD = "benchmark-password-1"


def processor_s(folder: Path) -> float:
    """Processor time of this benchmark's server and database so far."""
    ticks = os.sysconf("SC_CLK_TCK")
    told = subprocess.run(
        ["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 2) for line in told.splitlines()]
    postmasters = {pid for pid, _, args in rows if str(folder) in args and "postgres" in args}
    own = {
        pid
        for pid, parent, args in rows
        if parent in postmasters or ("create_app" in args and parent == str(os.getpid()))
    }
    total = 0.0
    for pid in own | postmasters:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total


class Visitor:
    """A client that is logged in."""

    def __init__(self, client: http.client.HTTPConnection, username: str) -> None:
        self.client = client
        self.headers = {"Content-Type": "application/json"}
        answer, content = self.send("/v1/login", {"username": username, "password": PASSWORD})
        cookies = [
            value.partition(";")[0] for name, value in answer.getheaders() if name.lower() == "set-cookie"
        ]
        self.headers |= {"Cookie": "; ".join(cookies), "X-CSRF-Token": content["csrf_token"]}

    def send(self, path: str, body: Any) -> tuple[http.client.HTTPResponse, Any]:
        self.client.request("POST", path, json.dumps(body), self.headers)
        answer = self.client.getresponse()
        content = json.loads(answer.read())
        assert answer.status == 200, content
        return answer, content


def measure(
    visitor: Visitor, wanted: list[dict[str, Any]], repeats: int, folder: Path
) -> tuple[list[float], float]:
    """Return the times of previews in ms, and the processor time of one."""
    took, begun = [], processor_s(folder)
    for _ in range(repeats):
        start = time.perf_counter()
        visitor.send("/v1/change-sets/preview", {"operations": wanted})
        took.append((time.perf_counter() - start) * 1e3)
    return took, (processor_s(folder) - begun) / repeats * 1e3


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Cluster(folder / "c", durable=False) as cluster:
            database.migrate(cluster.url)
            with session(SYSTEM, cluster.url) as db:
                print(f"{insert_partition(db, GRIDS, towns=TOWNS):,} unit grids")
                for user, role, area in (("city", "supervisor", None), ("county", "grid_manager", "320601")):
                    create_user(db, username=user, password=PASSWORD, role=role, area_code=area)
                frame = read_areas(db, kind="unit_grid")
                wanted = operations(frame) | hierarchy(db, frame)
                del wanted["100 splits"]
            for user in ("city", "county"):
                with served(cluster.url, folder) as client:
                    visitor = Visitor(client, user)
                    for kind, steps in wanted.items():
                        n = max(3, repeats // 8) if len(steps) > 10 else repeats
                        measure(visitor, steps, 1, folder)
                        took, own_ms = measure(visitor, steps, n, folder)
                        p95 = float(np.percentile(took, 95))
                        ok = p95 <= (CHAIN_GOAL_MS if len(steps) > 10 else STEP_GOAL_MS)
                        print(
                            f"{user:7}{kind:12} median {np.median(took):7.1f} ms, p95 {p95:7.1f} ms"
                            f" ({'met' if ok else 'NOT MET'}), processor {own_ms:7.1f} ms"
                        )
            database.engine(cluster.url).dispose()


if __name__ == "__main__":
    main()
