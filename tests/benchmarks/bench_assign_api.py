"""Single assignment over HTTP with 10,000 zones and 2,000 items.

``python tests/benchmarks/bench_assign_api.py [questions]``.

One uvicorn worker in a process of its own, one client with one connection, questions at random places and
items. Goal: p99 ≤ 15 ms. The round trip of ``/health/live`` in the same run tells what HTTP alone costs here.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from ten_thousand import BOX, insert_duties, insert_partition

from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from layers.private_server import Cluster

GOAL_MS = 15.0


@contextmanager
def served(url: str, folder: Path) -> Iterator[http.client.HTTPConnection]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {
        "WANGGE_DATABASE_URL": url,
        "WANGGE_DATA_DIR": str(folder),
        "WANGGE_LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "uvicorn", "geo_api.server.app:create_app", "--factory", "--port", str(port), "--no-access-log", "--log-level", "error"]  # fmt: skip
    server = subprocess.Popen(command, env=env)
    try:
        deadline = time.monotonic() + 300
        while True:
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            try:
                client.request("GET", "/health/live")
                client.getresponse().read()
                break
            except OSError:
                assert time.monotonic() < deadline and server.poll() is None
                time.sleep(0.1)
        yield client
    finally:
        server.terminate()
        server.wait(timeout=20)


def ask(
    client: http.client.HTTPConnection, method: str, path: str, body: object = None
) -> tuple[float, bytes]:
    data = None if body is None else json.dumps(body)
    start = time.perf_counter()
    client.request(method, path, data, {"Content-Type": "application/json"})
    answer = client.getresponse()
    content = answer.read()
    took = time.perf_counter() - start
    assert answer.status == 200, content
    return took * 1e3, content


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Cluster(folder / "c", durable=False) as cluster:
            database.migrate(cluster.url)
            with session(SYSTEM, cluster.url) as db:
                zones = insert_partition(db)
                insert_duties(db)
            rng = np.random.default_rng(3)
            lon, lat = rng.uniform(BOX[0], BOX[2], n), rng.uniform(BOX[1], BOX[3], n)
            item = rng.integers(0, 2_000, n)
            with served(cluster.url, folder) as client:
                for accuracy_m in (0.0, 30.0):
                    took, plain = [], []
                    for k in range(n):
                        body = {
                            "lon": lon[k],
                            "lat": lat[k],
                            "item_code": f"I-{item[k]}",
                            "accuracy_m": accuracy_m,
                        }
                        ms, content = ask(client, "POST", "/v1/assign", body)
                        assert json.loads(content)["outcome"] in ("assigned", "ambiguous")
                        took.append(ms)
                        plain.append(ask(client, "GET", "/health/live")[0])
                    took, plain = took[50:], plain[50:]
                    p50, p95, p99 = np.quantile(took, (0.5, 0.95, 0.99))
                    ok = "met" if p99 <= GOAL_MS else "NOT MET"
                    print(
                        f"{zones:,} zones, 2,000 items, accuracy {accuracy_m:g} m, {len(took):,} questions:"
                        f" p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms (goal {GOAL_MS:g}: {ok});"
                        f" HTTP alone p99 {np.quantile(plain, 0.99):.1f} ms"
                    )
            database.engine(cluster.url).dispose()


if __name__ == "__main__":
    main()
