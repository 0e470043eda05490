"""The service as a process.

Workers and their connections, its end, a database that goes away and comes back.
"""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.postgres import MIN_CONNECTIONS, available_connections, divide_connections, libpq_url
from layers.postgres.connections import DEFAULT_CONNECTIONS, ConnectionLimits
from tests.support.application import Api, Seeded
from tests.support.service_process import START_S, Service, serve
from tests.support.waiting import PATIENCE_S, wait_until


@given(st.integers(0, 2000), st.integers(1, 64))
def test_all_workers_together_stay_in_the_room(room: int, workers: int) -> None:
    found = divide_connections(room, workers)
    assert 1 <= found.workers <= workers and MIN_CONNECTIONS <= found.each <= DEFAULT_CONNECTIONS
    assert found.workers * found.each <= room or found.workers == 1
    if room >= workers * MIN_CONNECTIONS:
        assert found.workers == workers
    limits = ConnectionLimits(found.each)
    assert limits.pool + limits.live + 3 <= found.each and limits.pool >= 2


def test_the_room_is_what_the_server_the_role_and_the_database_leave(fresh_database: str) -> None:
    room = available_connections(fresh_database)
    with psycopg.connect(libpq_url(fresh_database), autocommit=True) as db:
        most = int(db.execute("SHOW max_connections").fetchone()[0])  # type: ignore[index]
        assert room == most - 3 - 10
        db.execute(f'ALTER DATABASE "{db.info.dbname}" CONNECTION LIMIT 31')
    assert available_connections(fresh_database) == 21


def waits_for_a_lock(api: Api) -> bool:
    """Whether a statement of the application's database waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with psycopg.connect(libpq_url(api.url)) as db:
        row = db.execute(waiting).fetchone()
    return row is not None and row[0] > 0


def test_sigterm_ends_streams_at_once_and_requests_after_their_answer(api: Api, tmp_path: Path) -> None:
    heard: list[bytes] = []
    slow: list[httpx2.Response] = []
    with serve(api.url, tmp_path, workers=2) as service:
        workers = service.workers()
        assert len(workers) == 2

        def listen() -> None:
            with httpx2.stream("GET", f"{service.address}/v1/events", timeout=PATIENCE_S) as answer:
                heard.extend(answer.iter_bytes())
                heard.append(b"END")

        def read() -> None:
            slow.append(httpx2.get(f"{service.address}/collections/sites/items", timeout=PATIENCE_S))

        threads = [threading.Thread(target=listen), threading.Thread(target=read)]
        with psycopg.connect(libpq_url(api.url)) as db:
            threads[0].start()
            wait_until(lambda: heard, "the stream begins")
            db.execute("LOCK TABLE enterprises IN ACCESS EXCLUSIVE MODE")
            threads[1].start()
            wait_until(lambda: waits_for_a_lock(api), "the request is at work")
            service.process.send_signal(signal.SIGTERM)
            threads[0].join(timeout=PATIENCE_S / 2)
            assert heard[-1] == b"END", "the stream did not end"
            assert service.process.poll() is None, "the request was not waited for"
        threads[1].join(timeout=PATIENCE_S)
        assert slow[0].status_code == 200
        assert service.process.wait(timeout=PATIENCE_S) == 0
        assert not any(worker.is_running() for worker in workers)


def test_an_interrupt_ends_all_workers_with_exit_code_0(api: Api, tmp_path: Path) -> None:
    with serve(api.url, tmp_path, workers=2) as service:
        workers = service.workers()
        assert len(workers) == 2
        code, seconds = service.end(signal.SIGINT)
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


@pytest.fixture(scope="module")
def service(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Two workers with nine connections each, for the tests that leave them at work."""
    url = seeded.copy("two_workers_at_work")
    with serve(url, tmp_path_factory.mktemp("service"), workers=2, WANGGE_CONNECTIONS="9") as service:
        yield service


def kill_a_worker(service: Service) -> None:
    """Kill one of two workers, and wait for another in its place."""
    killed = service.workers()[0]
    killed.kill()
    wait_until(
        lambda: len(service.workers()) == 2 and killed.pid not in [w.pid for w in service.workers()],
        "another worker takes its place",
        START_S,
    )


def test_a_worker_that_dies_is_started_again(service: Service) -> None:
    kill_a_worker(service)
    wait_until(
        lambda: httpx2.get(f"{service.address}/health/ready", timeout=PATIENCE_S).status_code == 200,
        "both answer again",
        START_S,
        despite=(httpx2.HTTPError,),
    )


def test_workers_end_when_the_process_that_started_them_is_gone(api: Api, tmp_path: Path) -> None:
    with serve(api.url, tmp_path, workers=2) as service:
        workers = service.workers()
        service.process.kill()
        service.process.wait()
        wait_until(
            lambda: not any(w.is_running() and w.status() != "zombie" for w in workers),
            "the workers end",
            START_S,
        )


COUNTED = re.compile(
    r'wangge_requests_total{method="GET",route="/collections/{collection_id}",status="200"} (\d+)'
)


def counted(service: Service) -> int:
    """Answered questions about collections, as one of the workers tells them."""
    found = COUNTED.search(httpx2.get(f"{service.address}/metrics", timeout=PATIENCE_S).text)
    return int(found[1]) if found else 0


def test_metrics_count_over_all_workers(service: Service) -> None:
    expected = counted(service) + 40
    for _ in range(40):  # a new connection each: both workers get some
        assert httpx2.get(f"{service.address}/collections/areas", timeout=PATIENCE_S).status_code == 200
    assert [counted(service) for _ in range(6)] == [expected] * 6
    service.workers()[0].kill()
    wait_until(
        lambda: counted(service) == expected,
        "the count outlives the worker",
        START_S,
        despite=(httpx2.HTTPError,),
    )


CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
  AND client_addr IS NULL AND backend_start > now() - interval '5 min'
"""


def test_two_workers_hold_no_more_connections_than_they_may(seeded: Seeded, service: Service) -> None:
    ends: list[int] = []

    def ask() -> None:
        for _ in range(15):
            ends.append(
                httpx2.get(f"{service.address}/collections/sites/items", timeout=PATIENCE_S).status_code
            )

    threads = [threading.Thread(target=ask) for _ in range(24)]
    for thread in threads:
        thread.start()
    held: list[int] = []
    with psycopg.connect(libpq_url(seeded.cluster.url, "two_workers_at_work"), autocommit=True) as db:

        def all_answered() -> bool:
            row = db.execute(CONNECTIONS).fetchone()
            assert row is not None
            held.append(int(row[0]))
            return not any(thread.is_alive() for thread in threads)

        wait_until(all_answered, "every question is answered", 2 * PATIENCE_S)
    assert set(ends) == {200} and len(ends) == 360
    assert 0 < max(held) <= 18, max(held)


def test_logs_are_json_lines_with_the_id_of_the_request(service: Service) -> None:
    httpx2.get(
        f"{service.address}/collections/nothing",
        headers={"X-Request-Id": "request-0815"},
        timeout=PATIENCE_S,
    )

    def logged() -> list[dict[str, Any]]:
        lines = [line for line in service.log.read_text().splitlines() if line.startswith("{")]
        return [json.loads(line) for line in lines if "request-0815" in line]

    found = wait_until(logged, "the request is logged")
    assert found[0]["status"] == 404 and found[0]["path"] == "/collections/nothing"
    assert found[0]["request_id"] == "request-0815"
