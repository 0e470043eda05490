"""A storm: many viewers and open streams while zones change and the database restarts.

``python tests/benchmarks/storm.py [seconds] [viewers] [streams]``: ``wangge serve --workers 2`` over 10,000
zones of its own. Allowed answers are 200, 304, 429 and 503, the last two with ``Retry-After``. Prints what
was answered, the time to recover, what the streams heard afterwards, the sessions that are left and the
memory of the workers.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2
import psutil  # type: ignore[import-untyped]
import psycopg
from ten_thousand import BOX, insert_duties, insert_partition

from geo_api.auth.access import create_user
from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from layers.private_server import Cluster
from layers.private_server.start_stop import start_server, stop_server
from tests.support.drills.crowd import Seen, listen, view

PASSWORD = "storm storm storm"
PORT = 8_093


async def change(address: str, units: list[tuple[int, float, float]], until: float, seen: Seen) -> None:
    """A supervisor who splits one zone after the other."""
    async with httpx2.AsyncClient(base_url=address, timeout=40) as client:
        answer = await client.post("/v1/login", json={"username": "storm", "password": PASSWORD})
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        for unit, x, y in units:
            if time.monotonic() > until:
                return
            line = {"type": "LineString", "coordinates": [[x - 0.2, y - 0.003], [x + 0.2, y + 0.004]]}
            body = {"operations": [{"op": "split", "area_id": unit, "line": line}]}
            try:
                draft = await client.post("/v1/change-sets", json=body)
                seen.answers[("draft", draft.status_code)] += 1
                if draft.status_code == 201:
                    applied = await client.post(f"/v1/change-sets/{draft.json()['id']}/apply")
                    seen.answers[("apply", applied.status_code)] += 1
                    if applied.status_code == 200:
                        seen.changes.append(time.monotonic())
            except httpx2.HTTPError as error:
                seen.lost[f"change {type(error).__name__}"] += 1
            await asyncio.sleep(1)


async def restart(cluster: Cluster, after_s: float) -> tuple[float, float]:
    """Stop and start the database; when it went and when it was back."""
    await asyncio.sleep(after_s)
    gone = time.monotonic()
    await asyncio.to_thread(stop_server, cluster.pgdata, cluster.binaries())
    await asyncio.sleep(2)
    await asyncio.to_thread(
        start_server, cluster.pgdata, cluster.socket_dir, cluster.binaries(), durable=False
    )
    return gone, time.monotonic()


async def storm(
    address: str, cluster: Cluster, units: list[tuple[int, float, float]], seconds: float, viewers: int, streams: int
) -> tuple[Seen, float, float]:  # fmt: skip
    """Everything at once; what was seen, and when the database went and was back."""
    seen = Seen(heard=[[] for _ in range(streams)])
    until = time.monotonic() + seconds

    def ended() -> bool:
        return time.monotonic() > until

    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(base_url=address, timeout=40, limits=limits) as client:
        tasks = [view(client, BOX, ended, seen) for _ in range(viewers)]
        tasks += [listen(client, ended, heard, seen) for heard in seen.heard]
        tasks.append(change(address, units, until, seen))
        running = asyncio.gather(*tasks)
        gone, back = await restart(cluster, seconds / 3)
        await running
    return seen, gone, back


def report(seen: Seen, gone: float, back: float) -> None:
    """Print what was seen."""
    later = [sum(at > back for at in heard) for heard in seen.heard]
    last_bad = max((at - back for at in seen.bad_at), default=0.0)
    print(json.dumps({f"{what} {status}": n for (what, status), n in sorted(seen.answers.items())}, indent=1))
    print("connections lost by the clients:", dict(seen.lost))
    print(
        f"database away for {back - gone:.1f} s; last answer other than 200 {last_bad:+.1f} s after it was back"
    )
    p50, p99, longest = (seen.wait_ms(share) for share in (0.5, 0.99, 1.0))
    print(f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, longest {longest / 1e3:.1f} s")
    print(
        f"changes applied after the restart: {sum(at > back for at in seen.changes)} of {len(seen.changes)};"
    )
    print(f"events heard after the restart, least and most of the streams: {min(later)} {max(later)}")
    print("FAULTS:" if seen.faults else "no other answer", *seen.faults[:10], sep="\n  ")


def main() -> None:
    """Make the city, raise the storm, tell."""
    seconds, viewers, streams = (int(a) for a in (*sys.argv[1:], *("40", "200", "20")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory(prefix="wgb-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with Cluster(folder / "c", durable=False) as cluster:
            database.migrate(cluster.url)
            with session(SYSTEM, cluster.url) as db:
                insert_partition(db)
                insert_duties(db)
                create_user(db, username="storm", password=PASSWORD, role="supervisor", area_code=None)
            plain = cluster.url.replace("+psycopg", "")
            with psycopg.connect(plain) as db:
                units = db.execute(
                    "SELECT id, ST_X(label_point), ST_Y(label_point) FROM areas WHERE kind = 'unit_grid'"
                    " ORDER BY hashint8(id) LIMIT 500"
                ).fetchall()
            database.engine(cluster.url).dispose()
            environment = os.environ | {
                "WANGGE_DATABASE_URL": cluster.url,
                "WANGGE_DATA_DIR": str(folder),
                "WANGGE_LOG_LEVEL": "error",
            }
            command = [
                "-c",
                "from geo_api.cli.main import main; main()",
                "serve",
                "--port",
                str(PORT),
                "--workers",
                "2",
            ]
            server = subprocess.Popen([sys.executable, *command], env=environment)
            try:
                address = f"http://127.0.0.1:{PORT}"
                wait_until_ready(address)
                seen, gone, back = asyncio.run(storm(address, cluster, units, seconds, viewers, streams))
                report(seen, gone, back)
                workers = [p for p in psutil.Process(server.pid).children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]  # fmt: skip
                print("memory of the workers, MiB:", [p.memory_info().rss >> 20 for p in workers])
                time.sleep(2)
                with psycopg.connect(plain) as db:
                    left = db.execute(
                        "SELECT state, count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND pid <> pg_backend_pid() AND backend_type = 'client backend' GROUP BY 1"
                    ).fetchall()
                print("sessions afterwards:", dict(left))
            finally:
                server.terminate()
                print("exit code", server.wait(timeout=30))


def wait_until_ready(address: str) -> None:
    """Wait for the service."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"{address}/health/ready").status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.2)
    raise SystemExit("the service did not become ready")


if __name__ == "__main__":
    main()
