"""The listener hears notices, and again after its connection was cut.

What a transaction may take is limited.
"""

from __future__ import annotations

import asyncio

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from layers.postgres import Listener, ListeningConnection, first_row_within, libpq_url, limit_statements
from tests.support.waiting import PATIENCE_S


class _Audience:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.notices: asyncio.Queue[str] = asyncio.Queue()
        self.starts: asyncio.Queue[str] = asyncio.Queue()
        self.losses: list[Exception | None] = []

    async def begin(self, connection: ListeningConnection) -> None:
        row = await (await connection.execute("SELECT current_setting('application_name')")).fetchone()
        assert row is not None
        self.starts.put_nowait(str(row[0]))

    def lose(self, error: Exception | None, retry_s: float) -> None:
        assert retry_s > 0
        self.losses.append(error)


def test_a_listener_hears_and_comes_back_after_a_cut(fresh_database: str) -> None:
    def notify(payload: str) -> None:
        with psycopg.connect(libpq_url(fresh_database), autocommit=True) as other:
            other.execute("SELECT pg_notify('Town Hall', %s), pg_notify('other', 'x')", [payload])

    def cut() -> int:
        with psycopg.connect(libpq_url(fresh_database), autocommit=True) as other:
            row = other.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE application_name = 'hall' AND query LIKE 'LISTEN%'"
            ).fetchone()
            assert row is not None
            return int(row[0])

    async def scenario() -> None:
        audience = _Audience()
        listener = Listener(
            fresh_database,
            "Town Hall",
            name="hall",
            on_start=audience.begin,
            on_notice=audience.notices.put_nowait,
            on_loss=audience.lose,
        )
        listener.start()
        async with asyncio.timeout(PATIENCE_S):
            assert await audience.starts.get() == "hall"
            await asyncio.to_thread(notify, "one")
            assert await audience.notices.get() == "one"
            assert await asyncio.to_thread(cut) == 1
            assert await audience.starts.get() == "hall"
            await asyncio.to_thread(notify, "two")
            assert await audience.notices.get() == "two", "and only of its own channel"
        await listener.stop()
        first, last = audience.losses
        assert isinstance(first, psycopg.OperationalError) and last is None

    asyncio.run(scenario())


def test_a_query_that_takes_too_long_is_given_up_and_the_transaction_goes_on(db: Session) -> None:
    limit_statements(db, 20)
    assert first_row_within(db, text("SELECT 1, pg_sleep(30)"), 0.05) is None
    assert db.scalar(text("SELECT current_setting('statement_timeout')")) == "20s"
    row = first_row_within(db, text("SELECT current_setting('statement_timeout')"), 5)
    assert row is not None and row[0] == "5s"
    assert db.scalar(text("SELECT current_setting('statement_timeout')")) == "20s"
    with pytest.raises(Exception, match="division by zero"):
        first_row_within(db, text("SELECT 1 / 0"), 5)


def test_statements_of_a_transaction_are_ended_in_time(db: Session) -> None:
    limit_statements(db, 0.05)
    with pytest.raises(OperationalError, match="statement timeout"):
        db.execute(text("SELECT pg_sleep(30)"))
