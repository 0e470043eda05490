"""Reads while somebody sends hundreds of megabytes that nobody asked for.

``python tests/benchmarks/bench_large_bodies.py [megabytes] [rounds]``: ``wangge serve`` over a small city of
its own. Rounds without and with senders follow each other, so that a machine that is busy otherwise is so for
both. Senders are not logged in and send without end, with the length told and in chunks, to ``/v1/login`` and
``/v1/tracks``; a connection that is cut is opened again until all is sent or refused. Prints p50 and p99 of a
page of features, quiet and meanwhile, their ratio, and what was sent.
"""

from __future__ import annotations

import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from tests.support.ports import free_port
from tests.support.small_town import seed_town
from tests.support.waiting import wait_until

PAGE = "/collections/sites/items?limit=10"
READERS = 4
ROUND_S = 10.0
BLOCK = b'{"username": "' + b"0," * 32_000
PATHS = ("/v1/login", "/v1/tracks?crs=wgs84")


def send(address: str, path: str, chunked: bool, most_bytes: int, told: Counter[str], until: float) -> None:
    """Send bodies until all bytes are sent or the time is over; what is answered is counted."""
    parts = urlsplit(address)
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {most_bytes}"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
    )
    frame = f"{len(BLOCK):x}\r\n".encode() + BLOCK + b"\r\n" if chunked else BLOCK
    sent = 0
    while sent < most_bytes and time.monotonic() < until:
        told["requests"] += 1
        try:
            with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=5) as connection:
                connection.sendall(head.encode())
                while sent < most_bytes and time.monotonic() < until:
                    connection.sendall(frame)
                    sent += len(frame)
                    told["bytes"] += len(frame)
                told[connection.recv(20)[9:12].decode()] += 1
        except OSError:
            told["cut"] += 1


async def read(address: str, seconds: float) -> list[float]:
    """Milliseconds of every page that the readers got."""
    took: list[float] = []

    async def reader(client: httpx2.AsyncClient) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            started = time.perf_counter()
            answer = await client.get(address + PAGE)
            assert answer.status_code == 200, answer.text
            took.append((time.perf_counter() - started) * 1_000)

    async with httpx2.AsyncClient(timeout=60) as client:
        await asyncio.gather(*(reader(client) for _ in range(READERS)))
    return took


def percentiles(took: list[float]) -> tuple[float, float]:
    """p50 and p99."""
    cuts = statistics.quantiles(took, n=100)
    return cuts[49], cuts[98]


def measure(address: str, megabytes: int, rounds: int) -> None:
    """Quiet and busy rounds in turn, and what they say."""
    quiet: list[float] = []
    busy: list[float] = []
    told: Counter[str] = Counter()
    asyncio.run(read(address, 3))
    for _ in range(rounds):
        quiet += asyncio.run(read(address, ROUND_S))
        until = time.monotonic() + ROUND_S
        most = megabytes * 2**20 // (2 * len(PATHS) * rounds)
        senders = [
            threading.Thread(target=send, args=(address, path, chunked, most, told, until))
            for path in PATHS
            for chunked in (False, True)
        ]
        for sender in senders:
            sender.start()
        busy += asyncio.run(read(address, ROUND_S))
        for sender in senders:
            sender.join()
    (q50, q99), (b50, b99) = percentiles(quiet), percentiles(busy)
    print(f"quiet p50 {q50:.1f} p99 {q99:.1f} ms ({len(quiet):,} pages)")
    print(
        f"busy  p50 {b50:.1f} p99 {b99:.1f} ms ({len(busy):,} pages); p99 {b99 / q99:.2f} times the quiet one"
    )
    print(
        f"sent {told.pop('bytes') / 2**20:,.0f} MiB in {told.pop('requests'):,} requests, answered"
        f" {dict(told)}"
    )


def main() -> None:
    """Serve a city and measure."""
    megabytes, rounds = (int(each) for each in (*sys.argv[1:3], *("600", "3")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        with Cluster(Path(folder) / "data") as cluster:
            from layers.postgres import migrate

            migrate(cluster.url)
            with session(SYSTEM, cluster.url) as db:
                seed_town(db)
            port = free_port()
            environment = {**os.environ, "WANGGE_DATABASE_URL": cluster.url, "WANGGE_LOG_LEVEL": "error",
                           "WANGGE_DATA_DIR": str(Path(folder) / "service"), "WANGGE_RATE_LIMITS": "off"}  # fmt: skip
            command = [sys.executable, "-m", "geo_api.cli", "serve", "--port", str(port)]
            with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as service:
                address = f"http://127.0.0.1:{port}"
                wait_until(
                    lambda: httpx2.get(f"{address}/health/ready").status_code == 200,
                    "the service is ready",
                    120,
                    despite=(httpx2.HTTPError,),
                )
                try:
                    measure(address, megabytes, rounds)
                finally:
                    service.terminate()


if __name__ == "__main__":
    main()
