"""Tiles and pages against tipg, on the same data in one PostGIS.

``python tests/benchmarks/bench_serving.py [url]``.

One worker each, access on; the cache of tiles is off where tiles are compared. Medians of three runs that
take turns; the processor time of a tile (server and database) is the measure that other work on the machine
changes least. Needs wrk, and the environment that ``tests/benchmarks/peers.sh`` makes (or
PEERS=/path/to/its/python). ``url`` names a database that :func:`load` has filled before; without it a private
one is made, which takes a minute.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]
import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url

from geo_api.auth.access import create_user
from layers.postgres import SYSTEM, libpq_url, session
from layers.postgres import sessions as database
from layers.private_server import Cluster

HERE = Path(__file__).parent
BOX = (120.2, 31.6, 122.0, 32.7)
RUNS, SECONDS = 3, 2
SLOW_SECONDS = 8
"""For the tiles of zoom 8: on a busy machine the peer makes less than one a second."""
PEER = {"sites": "peer.enterprise", "areas": "peer.grid_zone", "roads": "peer.road"}
SERVERS: list[int] = []
DATABASE: list[int] = []
PASSWORD = "a long password"
TILES = (
    ("sites", 14), ("sites", 12), ("areas", 14), ("areas", 12), ("areas", 8),
    ("roads", 14), ("roads", 13), ("roads", 12), ("roads", 11), ("roads", 10),
)  # fmt: skip
LUA = """
local paths, i = {}, 0
for line in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = line end
wrk.headers["Accept-Encoding"] = "gzip"
wrk.headers["Cookie"] = os.getenv("BENCH_COOKIE")
request = function() i = i % #paths + 1; return wrk.format("GET", paths[i]) end
done = function(s, l, r)
  io.write(string.format('\\nJSON {"n": %d, "us": %d, "bad": %d, "p50_ms": %.3f}\\n', s.requests, s.duration,
    s.errors.status + s.errors.connect + s.errors.read + s.errors.timeout, l:percentile(50) / 1000))
end
"""


def load(url: str) -> None:
    """Migrate the database, and write the city twice: for the peer and for this service."""
    database.migrate(url)
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute((HERE / "serving_city.sql").read_bytes())
        connection.execute("VACUUM ANALYZE")


@contextmanager
def loaded_database() -> Iterator[str]:
    if len(sys.argv) > 1:
        yield sys.argv[1]
        return
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with Cluster(Path(folder) / "c", durable=False) as cluster:
            load(cluster.url)
            yield cluster.url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server(command: list[str], ready: str, **variables: str) -> Iterator[str]:
    """A server with ``{port}`` in its command, from the moment that it answers: its address."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [part.format(port=port) for part in command], env=os.environ | variables, stdout=log, stderr=log
        )
        try:
            end = time.monotonic() + 90
            while True:
                try:
                    urllib.request.urlopen(base + ready, timeout=5).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > end:
                        log.seek(0)
                        raise RuntimeError(log.read().decode()[-3000:]) from None
                    time.sleep(0.2)
            SERVERS.append(process.pid)
            yield base
        finally:
            with suppress(ValueError):
                SERVERS.remove(process.pid)
            process.terminate()
            process.wait(timeout=30)


def ours(url: str, folder: str, cache_mb: int) -> Any:
    command = [sys.executable, "-c", "from geo_api.cli.main import app; app()", "serve", "--port", "{port}"]
    return server(
        command,
        "/health/ready",
        WANGGE_DATABASE_URL=url,
        WANGGE_DATA_DIR=folder,
        WANGGE_RATE_LIMITS="off",
        WANGGE_TILE_CACHE_MB=f"{cache_mb}",
    )


def tipg(url: str, python: str) -> Any:
    found = make_url(url)
    host = quote(str(found.query.get("host") or found.host), safe="")
    port = found.query.get("port") or found.port or 5432
    command = [python, "-m", "uvicorn", "tipg.main:app", "--port", "{port}", "--no-access-log"]
    return server(
        command,
        "/healthz",
        DATABASE_URL=f"postgresql://{found.username}@{host}:{port}/{found.database}",
        TIPG_DB_SCHEMAS='["peer"]',
    )


def tiles(zoom: int, count: int = 50) -> list[tuple[int, int]]:
    """Columns and rows over the city, shuffled, the same each time."""

    def place(lon: float, lat: float) -> tuple[int, int]:
        north = math.asinh(math.tan(math.radians(lat)))
        return int((lon + 180) / 360 * 2**zoom), int((1 - north / math.pi) / 2 * 2**zoom)

    (west, south), (east, north) = place(*BOX[:2]), place(*BOX[2:])
    every = [(x, y) for x in range(west, east + 1) for y in range(north, south + 1)]
    random.Random(7 + zoom).shuffle(every)
    return every[:count]


def wrk(
    base: str, paths: list[str], connections: int, cookie: str = "", seconds: int = SECONDS
) -> dict[str, float]:
    """One run: requests a second and the median time."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "paths").write_text("\n".join(paths) + "\n")
        (Path(folder) / "run.lua").write_text(LUA)
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s"]
        told = subprocess.run(
            [*command, f"{folder}/run.lua", base],
            env=os.environ | {"BENCH_PATHS": f"{folder}/paths", "BENCH_COOKIE": cookie},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    match = re.search(r"JSON (\{.*\})", told)
    assert match is not None, told
    found: dict[str, float] = json.loads(match.group(1))
    assert found["bad"] == 0, f"{found['bad']:.0f} answers of {base}{paths[0]} were no answers"
    return {"per_s": found["n"] / found["us"] * 1e6, "p50_ms": found["p50_ms"]}


def compare(
    sides: list[tuple[str, list[str], str]], connections: int, seconds: int = SECONDS
) -> list[dict[str, float]]:
    """Medians of runs that take turns, after one look at each address."""
    for base, paths, cookie in sides:
        for path in paths:
            urllib.request.urlopen(urllib.request.Request(base + path, headers={"Cookie": cookie})).close()
    runs = [[measured(*side, connections, seconds) for side in sides] for _ in range(RUNS)]
    return [
        {name: statistics.median(run[i][name] for run in runs) for name in runs[0][i]}
        for i in range(len(sides))
    ]


def measured(base: str, paths: list[str], cookie: str, connections: int, seconds: int) -> dict[str, float]:
    """One run, with the processor time of a request in the server and the database, which serve nobody
    else then.
    """
    before = processor_s()
    found = wrk(base, paths, connections, cookie, seconds)
    requests = max(found["per_s"] * seconds, 1.0)
    return found | {"cpu_us": (processor_s() - before) / requests * 1e6}


def processor_s() -> float:
    """Processor time so far of the servers that were started, and of the processes of the database if it
    is here.
    """
    processes = [psutil.Process(pid) for pid in SERVERS]
    for pid in DATABASE:
        processes += psutil.Process(pid).children()
    total = 0.0
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def note_database(url: str) -> None:
    """Remember the postmaster of a database on this machine."""
    with psycopg.connect(libpq_url(url)) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        with suppress(psutil.Error):
            backend = psutil.Process(row[0] if row else 0)
            if "postgres" in backend.name():
                DATABASE.append(backend.ppid())


def log_in(url: str, base: str) -> str:
    with session(SYSTEM, url) as db:
        name = f"bench{db.execute(text('SELECT count(*) FROM users')).scalar_one()}"
        create_user(db, username=name, password=PASSWORD, role="supervisor")
    body = json.dumps({"username": name, "password": PASSWORD}).encode()
    request = urllib.request.Request(f"{base}/v1/login", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return str(answer.headers["Set-Cookie"]).partition(";")[0]


def compare_tiles(plain: str, peer: str) -> None:
    for layer, zoom in TILES:
        places = tiles(zoom)
        our = [f"/collections/{layer}/tiles/WebMercatorQuad/{zoom}/{y}/{x}" for x, y in places]
        their = [f"/collections/{PEER[layer]}/tiles/WebMercatorQuad/{zoom}/{x}/{y}" for x, y in places]
        seconds = SECONDS if zoom > 8 else SLOW_SECONDS
        a, b = compare([(plain, our, ""), (peer, their, "")], 8, seconds)
        show(f"tiles of {layer}, z{zoom}, c=8, no cache", f"{a['per_s']:,.1f}/s", f"{b['per_s']:,.1f}/s",
             a["per_s"] / b["per_s"] if b["per_s"] else math.inf)  # fmt: skip
        if DATABASE:
            show("  processor time of a tile", f"{a['cpu_us'] / 1e3:,.2f} ms", f"{b['cpu_us'] / 1e3:,.2f} ms",
                 b["cpu_us"] / a["cpu_us"])  # fmt: skip


def measure_kept_tiles(base: str) -> None:
    paths = [f"/collections/sites/tiles/WebMercatorQuad/14/{y}/{x}" for x, y in tiles(14)]
    (a,) = compare([(base, paths, "")], 8)
    show("kept tiles, z14, c=8", f"{a['per_s']:,.0f}/s")


def compare_items(base: str, peer: str) -> None:
    query = "limit=100"
    a, b = compare(
        [
            (base, [f"/collections/sites/items?{query}"], ""),
            (peer, [f"/collections/{PEER['sites']}/items?f=geojson&{query}"], ""),
        ],
        1,
    )
    show(
        "items limit=100, c=1, p50",
        f"{a['p50_ms']:.1f} ms",
        f"{b['p50_ms']:.1f} ms",
        b["p50_ms"] / a["p50_ms"],
    )


def measure_deep_page(base: str, cookie: str) -> None:
    """The first page of 2 million rows, and the one after a million, by its cursor."""
    first = "/collections/stays/items?limit=100"
    request = urllib.request.Request(f"{base}{first}&offset=1000000", headers={"Cookie": cookie})
    with urllib.request.urlopen(request) as answer:
        links = json.load(answer)["links"]
    deep = next(link["href"] for link in links if link["rel"] == "next").removeprefix(base)
    a, b = compare([(base, [deep], cookie), (base, [first], cookie)], 1)
    show("page 1 million rows deep / first page, p50", f"{a['p50_ms']:.1f} ms", f"{b['p50_ms']:.1f} ms",
         b["p50_ms"] / a["p50_ms"])  # fmt: skip


def show(what: str, figure: str, other: str = "", ratio: float | None = None) -> None:
    told = "" if ratio is None else f"{ratio:5.1f} x"
    print(f"{what:44} {figure:>11} {other:>11} {told}", flush=True)


def has_tipg(python: str) -> bool:
    if shutil.which(python) is None:
        return False
    return subprocess.run([python, "-c", "import tipg"], capture_output=True, check=False).returncode == 0


def main() -> None:
    """Print one row a case."""
    python = os.environ.get("PEERS", ".setup/peers/bin/python")
    if shutil.which("wrk") is None:
        print("skipped: wrk is not installed (apt-get install wrk)")
        return
    if not has_tipg(python):
        print(f"skipped: {python} has no tipg (tests/benchmarks/peers.sh makes it)")
        return
    print(f"{'case':44} {'wangge':>11} {'tipg':>11}  ratio    (load {os.getloadavg()[0]:.1f})")
    with ExitStack() as stack:
        url = stack.enter_context(loaded_database())
        note_database(url)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        peer = stack.enter_context(tipg(url, python))
        with ours(url, folder, 0) as plain:
            compare_tiles(plain, peer)
        base = stack.enter_context(ours(url, folder, 256))
        measure_kept_tiles(base)
        compare_items(base, peer)
        measure_deep_page(base, log_in(url, base))


if __name__ == "__main__":
    main()
