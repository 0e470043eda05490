"""Rows of the access log, gathered for a moment and written together: a read does not pay for a transaction.

Until then they stand in the journal of the process: after a kill the next process writes them.

A row that cannot be written waits for the database; one for which there is no room, or that the table
refuses, is told in the service's log with all that it holds, and counted (``wangge_access_log_lost_total``).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from itertools import islice
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import structlog
from prometheus_client import Counter
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection

from geo_api.auth.call_journal import CallJournal, journals_left_behind
from layers.errors import DatabaseUnavailable
from layers.postgres import SYSTEM, session
from layers.records import add_calls, add_missing_calls, remove_calls
from layers.tasks import end_task

log = structlog.get_logger("geo_api.access")
AccessRow = dict[str, Any]
GATHER_S = 0.2
"""How long the first row waits for others."""
BATCH = 500
"""Rows of one INSERT; that many are written at once."""
CAPACITY = 20_000
"""Rows that wait while the database is away."""
RETRY_S = 1.0
LAST_TRIES_S = 5.0
"""How long the end of the service is held up by rows that are not written yet."""
_AWAY = (OperationalError, NoConnection, DatabaseUnavailable, OSError)


class AccessRecords:
    """Writes the access log of one worker, on the event loop that it was started on.

    Where it was not started (a test without a running server), each row is written before the request ends.

    Parameters
    ----------
    url : str
        Database.
    lost : prometheus_client.Counter
        Counts rows that were not written.
    journals : Path or None
        Folder of the journals of the processes; None: a killed process loses the rows of the last moment.
    capacity : int
        Rows that wait at most.
    """

    def __init__(
        self, url: str, lost: Counter, *, journals: Path | None = None, capacity: int = CAPACITY
    ) -> None:
        self._url = url
        self._lost = lost
        self._capacity = capacity
        self._journals = journals
        self._journal = CallJournal(journals)
        self._waiting: deque[AccessRow] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        """Gather from now on."""
        self._loop = asyncio.get_running_loop()
        self._some, self._many, self._writing = asyncio.Event(), asyncio.Event(), asyncio.Lock()
        self._thread = anyio.CapacityLimiter(1)
        self._journal.open()
        self._task = asyncio.create_task(self._run(), name="access log")

    async def stop(self) -> None:
        """Write what waits, and gather nothing any more; what cannot be written is lost, and told."""
        if self._task is None:
            return
        await end_task(self._task)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_TRIES_S):
                while not await self.flush():
                    await asyncio.sleep(RETRY_S)
        self._loop = self._task = None
        while self._waiting:
            self._lose(self._waiting.popleft(), "the service ends")
        self._journal.close()

    async def add(self, row: AccessRow) -> None:
        """Put a row in; its columns are those of :class:`layers.tables.AccessLog`."""
        if asyncio.get_running_loop() is not self._loop:
            try:
                await anyio.to_thread.run_sync(_insert, self._url, [row])
            except Exception as error:
                self._lose(row, type(error).__name__)
        elif len(self._waiting) >= self._capacity:
            self._lose(row, "too many wait for the database")
        else:
            self._waiting.append(row)
            self._journal.add(row)
            self._some.set()
            if len(self._waiting) >= BATCH:
                self._many.set()

    async def flush(self) -> bool:
        """Write what waits now; False when the database is away."""
        if asyncio.get_running_loop() is not self._loop:
            return True
        # To its end even when the request that asks for it goes away: rows would else be written twice.
        return await asyncio.shield(asyncio.create_task(self._flush()))

    async def _run(self) -> None:
        left = self._journals
        while left is not None and not await anyio.to_thread.run_sync(_take_over, self._url, left):
            await asyncio.sleep(RETRY_S)
        while True:
            await self._some.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._many.wait(), GATHER_S)
            self._some.clear()
            self._many.clear()
            if not await self.flush():
                self._some.set()
                await asyncio.sleep(RETRY_S)

    async def _flush(self) -> bool:
        async with self._writing:
            for _ in range(-(-len(self._waiting) // BATCH)):
                if not await self._write(list(islice(self._waiting, BATCH))):
                    return False
                self._journal.written(self._waiting)
        return True

    async def _write(self, rows: list[AccessRow]) -> bool:
        """Write the rows that wait first, and take them away.

        Where one is refused each gets a transaction.
        """
        try:
            await anyio.to_thread.run_sync(_insert, self._url, rows, limiter=self._thread)
        except _AWAY as error:
            log.warning("access_log_waits", rows=len(self._waiting), error=type(error).__name__)
            return False
        except Exception as error:
            if len(rows) == 1:
                self._lose(self._waiting.popleft(), type(error).__name__)
                return True
            for row in rows:
                if not await self._write([row]):
                    return False
            return True
        for _ in rows:
            self._waiting.popleft()
        return True

    def _lose(self, row: AccessRow, reason: str) -> None:
        self._lost.inc()
        log.error("access_log_lost", reason=reason, **{k: v for k, v in row.items() if k != "at"})


def _insert(url: str, rows: list[AccessRow]) -> None:
    with session(SYSTEM, url) as db:
        add_calls(db, rows)


def _take_over(url: str, folder: Path) -> bool:
    """Write what processes that were killed left behind; False when the database is away."""
    for path, rows in journals_left_behind(folder):
        try:
            with session(SYSTEM, url) as db:
                added = add_missing_calls(db, rows)
        except _AWAY:
            return False
        except Exception as error:
            log.exception("access_log_journal_kept", path=str(path), error=type(error).__name__)
            path.rename(path.with_suffix(".refused"))
            continue
        path.unlink(missing_ok=True)
        log.info("access_log_taken_over", rows=added)
    return True


def remove_old_rows(url: str, days: int) -> int:
    """Remove rows older than so many days, at least half a year; 0 keeps all. Returns how many went."""
    if days <= 0:
        return 0
    with session(SYSTEM, url) as db:
        return remove_calls(db, days)
