"""Connection that listens to a channel of the database and reconnects after it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
from psycopg import AsyncConnection, sql

from layers.postgres.connections import CONNECT_TIMEOUT_S
from layers.postgres.urls import libpq_url
from layers.tasks import end_task

RECONNECT_S = (0.2, 5.0)
"""First and longest wait before the next attempt to connect."""
SILENCE_S = 15.0
"""Time without a notice after which the connection is tested."""
ANSWER_S = 5.0
"""Greatest time of the test; after it the connection counts as lost."""

ListeningConnection = AsyncConnection[tuple[object, ...]]


class Listener:
    """Listener to one channel, on the event loop that starts it.

    Parameters
    ----------
    url : str
        URL of the database.
    channel : str
    name : str
        Application name of the connection in the database.
    on_start : async callable
        Called with the connection once it listens; earlier notices are not received.
    on_notice : callable
        Called with the payload of each notice.
    on_loss : callable
        Called whenever the connection ends, with the error (None at the end) and the seconds until the next
        attempt.
    """

    def __init__(
        self,
        url: str,
        channel: str,
        *,
        name: str,
        on_start: Callable[[ListeningConnection], Awaitable[None]],
        on_notice: Callable[[str], None],
        on_loss: Callable[[Exception | None, float], None],
    ) -> None:
        self._conninfo = libpq_url(url)
        self._statement = sql.SQL("LISTEN {}").format(sql.Identifier(channel))
        self._name = name
        self._on_start = on_start
        self._on_notice = on_notice
        self._on_loss = on_loss
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start to listen."""
        self._task = asyncio.create_task(self._listen(), name=self._name)

    async def stop(self) -> None:
        """Close the connection."""
        if self._task is not None:
            await end_task(self._task)

    async def _listen(self) -> None:
        wait_s = RECONNECT_S[0]
        while True:
            lost_by: Exception | None = None
            try:
                async with await AsyncConnection.connect(
                    self._conninfo,
                    autocommit=True,
                    connect_timeout=CONNECT_TIMEOUT_S,
                    application_name=self._name,
                ) as connection:
                    await connection.execute(self._statement)
                    await self._on_start(connection)
                    wait_s = RECONNECT_S[0]
                    await self._hear(connection)
            except (psycopg.Error, OSError, TimeoutError) as error:
                lost_by = error
            finally:
                self._on_loss(lost_by, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RECONNECT_S[1])

    async def _hear(self, connection: ListeningConnection) -> None:
        while True:
            # Detects a connection that was lost silently; the database shows LISTEN as its last statement.
            async with asyncio.timeout(ANSWER_S):
                await connection.execute(self._statement)
            async for notice in connection.notifies(timeout=SILENCE_S):
                self._on_notice(notice.payload)
