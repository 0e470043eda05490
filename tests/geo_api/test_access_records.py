"""Rows of the access log are written together: all of them, once each, and none gets lost in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from geo_api.auth.access import Caller, access_row
from geo_api.auth.access_records import BATCH, AccessRecords
from geo_api.server.middleware import Metrics
from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from tests.support.application import PASSWORD, Api, Seeded, api_over, serving
from tests.support.waiting import PATIENCE_S, wait_until_async


@pytest.fixture(scope="module")
def gathered(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    yield from api_over(seeded, "gathered", tmp_path_factory.mktemp("gathered"))


def row(request_id: str, **other: Any) -> dict[str, Any]:
    made = access_row(Caller(), method="GET", path="/v1/runs", status=200, request_id=request_id)
    return made | other


def ids_in(url: str, beginning: str) -> list[str]:
    with session(SYSTEM, url) as db:
        statement = text("SELECT request_id FROM access_log WHERE starts_with(request_id, :b) ORDER BY id")
        return list(db.execute(statement, {"b": beginning}).scalars())


def lost(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("wangge_access_log_lost_total") or 0.0


def test_every_read_is_written_once_and_together_with_others(gathered: Api) -> None:
    wanted = [f"together-{number:04d}" for number in range(300)]
    with serving(gathered.settings) as base:

        def ask(request_id: str) -> int:
            answer = httpx2.get(f"{base}/v1/runs", headers={"X-Request-Id": request_id}, timeout=PATIENCE_S)
            return answer.status_code

        with ThreadPoolExecutor(4) as pool:
            assert set(pool.map(ask, wanted)) <= {401}
    assert sorted(ids_in(gathered.url, "together-")) == wanted, "what waited is written at the end"
    with session(SYSTEM, gathered.url) as db:
        transactions = db.scalar(
            text(
                "SELECT count(DISTINCT xmin::text) FROM access_log WHERE starts_with(request_id, 'together-')"
            )
        )
    assert transactions is not None and transactions < len(wanted)


def test_a_supervisor_reads_what_was_asked_just_before(gathered: Api) -> None:
    with serving(gathered.settings) as base, httpx2.Client(base_url=base, timeout=PATIENCE_S) as client:
        told = {"username": "supervisor", "password": PASSWORD}
        assert client.post("/v1/login", json=told).status_code == 200
        for number in range(20):
            name = f"just-before-{number}"
            client.get("/collections/alerts/items", headers={"X-Request-Id": name})
            (call,) = client.get(f"/v1/access-log?request_id={name}").json()["calls"]
            assert (call["username"], call["path"]) == ("supervisor", "/collections/alerts/items")


def test_more_than_one_batch_keeps_its_order(gathered: Api) -> None:
    wanted = [f"order-{number:05d}" for number in range(2 * BATCH + 7)]
    metrics = Metrics()

    async def scenario() -> None:
        records = AccessRecords(gathered.url, metrics.access_log_lost)
        records.start()
        for name in wanted:
            await records.add(row(name))
        assert await records.flush() and len(records) == 0
        await records.stop()

    asyncio.run(scenario())
    assert ids_in(gathered.url, "order-") == wanted and lost(metrics) == 0


def test_a_row_that_the_table_refuses_does_not_keep_others_out(gathered: Api) -> None:
    metrics = Metrics()

    async def scenario() -> None:
        records = AccessRecords(gathered.url, metrics.access_log_lost)
        records.start()
        for name, role in (("refused-1", "viewer"), ("refused-2", None), ("refused-3", "public")):
            await records.add(row(name, role=role))
        await records.stop()

    with capture_logs() as told:
        asyncio.run(scenario())
    assert ids_in(gathered.url, "refused-") == ["refused-1", "refused-3"] and lost(metrics) == 1
    (line,) = [line for line in told if line["event"] == "access_log_lost"]
    assert (line["request_id"], line["status"], line["path"]) == ("refused-2", 200, "/v1/runs")


def test_rows_wait_for_the_database_and_what_is_too_much_is_counted(seeded: Seeded) -> None:
    url = seeded.cluster.url.replace("/wangge?", "/later?")
    metrics = Metrics()

    async def scenario() -> None:
        records = AccessRecords(url, metrics.access_log_lost, capacity=3)
        records.start()
        for number in range(5):
            await records.add(row(f"later-{number}"))
        assert not await records.flush() and len(records) == 3 and lost(metrics) == 2
        await asyncio.to_thread(seeded.copy, "later")

        async def written() -> bool:
            return len(records) == 0

        await wait_until_async(written, "every row is written")
        await records.stop()

    try:
        with capture_logs() as told:
            asyncio.run(scenario())
        assert ids_in(url, "later-") == ["later-0", "later-1", "later-2"]
        gone = [line["request_id"] for line in told if line["event"] == "access_log_lost"]
        assert gone == ["later-3", "later-4"]
    finally:
        database.engine(url).dispose()


def test_what_cannot_be_written_at_the_end_is_told(seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geo_api.auth.access_records.LAST_TRIES_S", 0.5)
    url = seeded.cluster.url.replace("/wangge?", "/never?")
    metrics = Metrics()

    async def scenario() -> None:
        records = AccessRecords(url, metrics.access_log_lost)
        records.start()
        await records.add(row("never-1"))
        await records.stop()
        assert len(records) == 0

    with capture_logs() as told:
        asyncio.run(scenario())
    database.engine(url).dispose()
    gone = [line["request_id"] for line in told if line["event"] == "access_log_lost"]
    assert gone == ["never-1"] and lost(metrics) == 1
