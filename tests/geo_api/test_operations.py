"""The service as a process: workers and their connections, its end, a database that goes away and comes back."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil  # type: ignore[import-untyped]
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.postgres import LEAST, connection_room, share
from layers.postgres.connections import WANTED, Limits
from tests.geo_api.conftest import PATIENCE_S, Api
from tests.ports import free_port

ROOT = Path(__file__).parents[2]


@dataclass
class Service:
    """A running ``wangge serve``."""

    process: subprocess.Popen[bytes]
    address: str
    log: Path

    def workers(self) -> list[psutil.Process]:
        return [p for p in psutil.Process(self.process.pid).children() if is_worker(p)]

    def end(self, number: int = signal.SIGTERM, timeout_s: float = PATIENCE_S) -> tuple[int, float]:
        """Exit code, and the seconds that the end took."""
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(timeout=timeout_s), time.monotonic() - started


def is_worker(process: psutil.Process) -> bool:
    """Whether it is a living worker of the service."""
    try:
        return process.status() != "zombie" and "spawn_main" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def eventually(condition: Callable[[], bool], seconds: float = 2 * PATIENCE_S) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx2.HTTPError, psycopg.Error):
            if condition():
                return True
        time.sleep(0.1)
    return False


@contextlib.contextmanager
def serve(url: str | None, folder: Path, *, workers: int = 1, **more: str) -> Iterator[Service]:
    """``wangge serve`` over a database, or over a private cluster of the folder."""
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("WANGGE_")}
    environment |= {
        "WANGGE_DATA_DIR": str(folder),
        "WANGGE_SECRET": "test",
        "WANGGE_LOG_LEVEL": "info",
        **more,
    }
    if url:
        environment["WANGGE_DATABASE_URL"] = url
    log = folder / "serve.log"
    command = [
        sys.executable,
        "-m",
        "geo_api.cli.main",
        "serve",
        "--port",
        str(port),
        "--workers",
        str(workers),
    ]
    if not (ROOT / "geo_api" / "__main__.py").exists():
        command[1:3] = ["-c", "from geo_api.cli.main import main; main()"]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out) as process,
    ):
        service = Service(process, f"http://127.0.0.1:{port}", log)
        try:
            ready = eventually(
                lambda: (
                    process.poll() is not None
                    or (
                        httpx2.get(f"{service.address}/health/ready", timeout=PATIENCE_S).status_code == 200
                        and len(service.workers()) in (workers, 0)
                    )
                ),
            )
            assert ready and process.poll() is None, log.read_text()[-3000:]
            yield service
        finally:
            for child in (
                psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            ):
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.kill() if is_worker(child) else None
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=PATIENCE_S)
                process.kill()


@given(st.integers(0, 2000), st.integers(1, 64))
def test_all_workers_together_stay_in_the_room(room: int, workers: int) -> None:
    found = share(room, workers)
    assert 1 <= found.workers <= workers and LEAST <= found.each <= WANTED
    assert found.workers * found.each <= room or found.workers == 1
    if room >= workers * LEAST:
        assert found.workers == workers
    limits = Limits(found.each)
    assert limits.pool + limits.live + 3 <= found.each and limits.pool >= 2


def test_the_room_is_what_the_server_the_role_and_the_database_leave(fresh_database: str) -> None:
    room = connection_room(fresh_database)
    with psycopg.connect(fresh_database.replace("+psycopg", ""), autocommit=True) as db:
        most = int(db.execute("SHOW max_connections").fetchone()[0])  # type: ignore[index]
        assert room == most - 3 - 10
        db.execute(f'ALTER DATABASE "{db.info.dbname}" CONNECTION LIMIT 31')
    assert connection_room(fresh_database) == 21


def test_sigterm_ends_streams_at_once_and_requests_after_their_answer(api: Api, tmp_path: Path) -> None:
    heard: list[bytes] = []
    slow: list[httpx2.Response] = []
    with serve(api.url, tmp_path) as service:

        def listen() -> None:
            with httpx2.stream("GET", f"{service.address}/v1/events", timeout=PATIENCE_S) as answer:
                heard.extend(answer.iter_bytes())
                heard.append(b"END")

        def read() -> None:
            slow.append(httpx2.get(f"{service.address}/collections/sites/items", timeout=PATIENCE_S))

        threads = [threading.Thread(target=listen), threading.Thread(target=read)]
        with psycopg.connect(api.url.replace("+psycopg", "")) as db:
            threads[0].start()
            assert eventually(lambda: bool(heard))
            db.execute("LOCK TABLE enterprises IN ACCESS EXCLUSIVE MODE")
            threads[1].start()
            time.sleep(1)
            service.process.send_signal(signal.SIGTERM)
            threads[0].join(timeout=PATIENCE_S / 2)
            assert heard[-1] == b"END", "the stream did not end"
            assert service.process.poll() is None, "the request was not waited for"
        threads[1].join(timeout=PATIENCE_S)
        assert slow[0].status_code == 200
        assert service.process.wait(timeout=PATIENCE_S) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_workers_with_exit_code_0(api: Api, tmp_path: Path, number: int) -> None:
    with serve(api.url, tmp_path, workers=2) as service:
        workers = service.workers()
        assert len(workers) == 2
        code, seconds = service.end(number)
        assert code == 0 and seconds < 30
        assert not any(worker.is_running() for worker in workers)


def test_the_private_cluster_ends_with_the_service(short_tmp: Path) -> None:
    folder = short_tmp / "own"
    folder.mkdir()
    with serve(None, folder) as service:
        assert (folder / "postgres" / "postmaster.pid").exists()
        code, seconds = service.end()
        assert code == 0 and seconds < 45
        assert not (folder / "postgres" / "postmaster.pid").exists()


def test_a_worker_that_dies_is_started_again(api: Api, tmp_path: Path) -> None:
    with serve(api.url, tmp_path, workers=2) as service:
        first = service.workers()
        first[0].kill()
        assert eventually(
            lambda: len(service.workers()) == 2 and first[0].pid not in [w.pid for w in service.workers()]
        )
        assert httpx2.get(f"{service.address}/health/ready", timeout=PATIENCE_S).status_code == 200


def test_workers_end_when_the_process_that_started_them_is_gone(api: Api, tmp_path: Path) -> None:
    with serve(api.url, tmp_path, workers=2) as service:
        workers = service.workers()
        service.process.kill()
        service.process.wait()
        assert eventually(lambda: not any(w.is_running() and w.status() != "zombie" for w in workers))


def test_metrics_count_over_all_workers(api: Api, tmp_path: Path) -> None:
    with serve(api.url, tmp_path, workers=2) as service:
        for _ in range(40):  # a new connection each: both workers get some
            assert httpx2.get(f"{service.address}/collections/areas", timeout=PATIENCE_S).status_code == 200
        line = 'wangge_requests_total{method="GET",route="/collections/{collection_id}",status="200"} 40.0'
        for _ in range(6):
            assert line in httpx2.get(f"{service.address}/metrics", timeout=PATIENCE_S).text
        service.workers()[0].kill()
        assert eventually(lambda: line in httpx2.get(f"{service.address}/metrics", timeout=PATIENCE_S).text)


def test_two_workers_hold_no_more_connections_than_they_may(api: Api, tmp_path: Path) -> None:
    with serve(api.url, tmp_path, workers=2, WANGGE_CONNECTIONS="9") as service:
        ends: list[int] = []

        def ask() -> None:
            for _ in range(15):
                ends.append(
                    httpx2.get(f"{service.address}/collections/sites/items", timeout=PATIENCE_S).status_code
                )

        threads = [threading.Thread(target=ask) for _ in range(24)]
        for thread in threads:
            thread.start()
        most = 0
        with psycopg.connect(api.url.replace("+psycopg", ""), autocommit=True) as db:
            while any(thread.is_alive() for thread in threads):
                row = db.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND backend_type = 'client backend' AND client_addr IS NULL AND backend_start > now() - interval '5 min'"
                ).fetchone()
                assert row is not None
                most = max(most, int(row[0]))
                time.sleep(0.05)
        assert set(ends) == {200} and len(ends) == 360
        assert most <= 18 + idle_before(api), most


def idle_before(api: Api) -> int:
    """Connections that the tests' own engine keeps."""
    from layers.postgres import engine

    return int(engine(api.url).pool.checkedin())  # type: ignore[attr-defined]


def test_logs_are_json_lines_with_the_id_of_the_request(api: Api, tmp_path: Path) -> None:
    with serve(api.url, tmp_path) as service:
        httpx2.get(
            f"{service.address}/collections/nothing",
            headers={"X-Request-Id": "request-0815"},
            timeout=PATIENCE_S,
        )
        service.end()
        lines = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
        found = [line for line in lines if line.get("request_id") == "request-0815"]
        assert found[0]["status"] == 404 and found[0]["path"] == "/collections/nothing"
