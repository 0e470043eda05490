"""Places at the database: as many requests hold a connection at once as the pool can serve, the others wait in line.

Without it threads would wait for connections that requests hold which wait for a thread.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator

from fastapi import Request

from geo_api.http.errors import Problem
from layers.postgres import ConnectionLimits

PATIENCE_S = 10.0
"""Who waits longer is sent away: more than can be served in that time are waiting."""
RETRY_AFTER_S = 2


class Places:
    """Places of one process; a request holds one connection.

    Parameters
    ----------
    most : int
        Requests at once.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        # Of each event loop one: the primitives of asyncio know one loop only.
        self._gates: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = (
            weakref.WeakKeyDictionary()
        )

    def gate(self) -> asyncio.Semaphore:
        """The gate of the running loop."""
        return self._gates.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self.most))


def places(limits: ConnectionLimits) -> Places:
    """Two thirds of the pool: the rest looks callers up, takes fixes and makes exports."""
    return Places(max(1, (limits.pool - 2) * 2 // 3))


async def database_place(request: Request) -> AsyncIterator[None]:
    """A place for as long as the route works; 503 with ``Retry-After`` when there was none for 10 s."""
    gate = request.app.state.places.gate()
    try:
        async with asyncio.timeout(PATIENCE_S):
            await gate.acquire()
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
        gate.release()
