"""Reading on the event loop: answers, errors, lost connections, and readers who leave."""

from __future__ import annotations

import asyncio
import time

import psycopg
import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import DBAPIError

from layers.postgres import PUBLIC, AsyncReader, CompiledQuery, Scope, libpq_url
from tests.support.waiting import wait_until_async

OFFICER = Scope(role="officer", area_ids=(1,), username="o")
SUM = CompiledQuery.from_statement(select(bindparam("a", 1) + bindparam("b", 2)), generic=True)


def statement(sql: str) -> CompiledQuery:
    return CompiledQuery.from_statement(select(text(sql)), generic=False)


def readers(url: str, state: str = "%") -> int:
    with psycopg.connect(libpq_url(url), autocommit=True) as other:
        row = other.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'wangge reader' AND state LIKE %s",
            (state,),
        ).fetchone()
    assert row is not None
    return int(row[0])


async def open_readers(url: str, number: int, state: str = "%") -> None:
    """Wait until so many readers are connected."""
    await wait_until_async(
        lambda: asyncio.to_thread(lambda: readers(url, state) == number), f"{number} readers are there"
    )


def end_readers(url: str) -> None:
    with psycopg.connect(libpq_url(url), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'wangge reader'"
        )


@pytest.mark.parametrize("scope", [PUBLIC, OFFICER])
def test_many_at_once_over_few_connections_get_their_own_answers(fresh_database: str, scope: Scope) -> None:
    async def scenario() -> None:
        reader = AsyncReader(fresh_database, size=3)
        reader.start()

        async def ask(a: int) -> int:
            ((total,),) = await reader.rows(scope, SUM.with_values(a=a))
            return int(total)

        for _ in range(5):
            assert await asyncio.gather(*map(ask, range(40))) == [a + 2 for a in range(40)]
        assert readers(fresh_database) <= 3
        await reader.stop()
        await open_readers(fresh_database, 0)

    asyncio.run(scenario())


def test_an_answer_larger_than_a_packet_arrives_whole(fresh_database: str) -> None:
    async def scenario() -> None:
        reader = AsyncReader(fresh_database, size=1)
        reader.start()
        for scope in (PUBLIC, OFFICER, PUBLIC):
            ((body,),) = await reader.rows(scope, statement("convert_to(repeat('x', 8000000), 'UTF8')"))
            assert body == b"x" * 8_000_000
        await reader.stop()

    asyncio.run(scenario())


def test_an_error_is_told_and_the_next_question_is_answered(fresh_database: str) -> None:
    async def scenario() -> None:
        reader = AsyncReader(fresh_database, size=1)
        reader.start()
        for scope in (PUBLIC, OFFICER):
            with pytest.raises(DBAPIError, match="division by zero"):
                await reader.rows(scope, statement("1 / 0"))
            assert await reader.rows(scope, SUM) == [(3,)]
        await reader.stop()

    asyncio.run(scenario())


def test_what_the_server_closed_meanwhile_is_opened_anew(fresh_database: str) -> None:
    async def scenario() -> None:
        reader = AsyncReader(fresh_database, size=2)
        reader.start()
        for _ in range(3):
            assert await reader.rows(PUBLIC, SUM) == [(3,)]
            await asyncio.to_thread(end_readers, fresh_database)
            await open_readers(fresh_database, 0)
            started = time.process_time()
            await asyncio.sleep(0.5)  # the closed socket is readable all the time: nobody may turn around it
            assert time.process_time() - started < 0.4
        await reader.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize("scope", [PUBLIC, OFFICER])
def test_who_leaves_ends_the_query_in_the_server(fresh_database: str, scope: Scope) -> None:
    async def scenario() -> None:
        reader = AsyncReader(fresh_database, size=1, statement_timeout_s=600)
        reader.start()
        task = asyncio.create_task(reader.rows(scope, statement("pg_sleep(500)::text")))
        await open_readers(fresh_database, 1, "active")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await open_readers(fresh_database, 0)
        assert await reader.rows(scope, SUM) == [(3,)], "its place is free"
        await reader.stop()

    asyncio.run(scenario())
