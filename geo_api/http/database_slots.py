"""Database slots: as many requests hold a connection at once as the pool can serve; the others wait.

Without them threads would wait for connections of requests that wait for a thread.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator

from fastapi import Request

from geo_api.http.errors import Problem
from layers.postgres import ConnectionLimits

MAX_WAIT_S = 10.0
"""A request that waits longer gets 503."""
RETRY_AFTER_S = 2


class DatabaseSlots:
    """Database slots of one process; a request holds one connection.

    Parameters
    ----------
    max_requests : int
        Requests at once.
    """

    def __init__(self, max_requests: int) -> None:
        self.max_requests = max_requests
        # One per event loop: a semaphore belongs to one loop.
        self._semaphores: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )

    def semaphore(self) -> asyncio.Semaphore:
        """Return the semaphore of the running loop."""
        return self._semaphores.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self.max_requests))


def database_slots(limits: ConnectionLimits) -> DatabaseSlots:
    """Return slots for two thirds of the pool; callers, fixes and exports use the rest."""
    return DatabaseSlots(max(1, (limits.pool - 2) * 2 // 3))


async def database_slot(request: Request) -> AsyncIterator[None]:
    """Hold a slot while the route runs; 503 with ``Retry-After`` if there is none within 10 s."""
    semaphore = request.app.state.database_slots.semaphore()
    try:
        async with asyncio.timeout(MAX_WAIT_S):
            await semaphore.acquire()
    except TimeoutError as error:
        raise Problem(
            "not-available",
            "Too many requests wait for the database.",
            "等待数据库的请求过多。",
            headers={"Retry-After": f"{RETRY_AFTER_S}"},
        ) from error
    try:
        yield
    finally:
        semaphore.release()
