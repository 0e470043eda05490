"""Server-sent events: one LISTEN connection a process tells every open page which layer changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import orjson
import psycopg
import structlog
from sqlalchemy.engine import make_url

from layers.catalog import COLLECTIONS

log = structlog.get_logger("geo_api.events")
CHANNEL = "wangge_changes"
HEARTBEAT_S = 15.0
RECONNECT_S = (0.2, 5.0)
"""First and longest wait before the database is tried again."""


class Subscriber:
    """One open page: layers that changed and were not told yet. Ten changes of one layer are one event."""

    def __init__(self) -> None:
        self._pending: dict[str, None] = {}
        self._woken = asyncio.Event()

    def put(self, layer: str) -> None:
        """Remember a change."""
        self._pending[layer] = None
        self._woken.set()

    async def take(self, timeout_s: float) -> list[str]:
        """The layers that changed since the last call; empty after ``timeout_s`` without any."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), timeout_s)
        self._woken.clear()
        layers, self._pending = list(self._pending), {}
        return layers


class ChangeFeed:
    """Listens for committed changes and hands them to the subscribers of this process."""

    def __init__(self, url: str, on_change: Callable[[str], None] | None = None) -> None:
        self._conninfo = _conninfo(url)
        self._on_change = on_change
        self._subscribers: set[Subscriber] = set()
        self._task: asyncio.Task[None] | None = None
        self.connected = asyncio.Event()
        self.closing = asyncio.Event()

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.create_task(self._listen(), name="change-feed")

    async def stop(self) -> None:
        """End the connection and every open stream."""
        self.closing.set()
        for subscriber in self._subscribers:
            subscriber.put("")
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """A subscriber for as long as the block lasts."""
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def publish(self, layer: str) -> None:
        """Tell every subscriber of a change."""
        if self._on_change is not None:
            self._on_change(layer)
        for subscriber in self._subscribers:
            subscriber.put(layer)

    async def _listen(self) -> None:
        wait_s = RECONNECT_S[0]
        missed = False
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(
                    self._conninfo, autocommit=True
                ) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self.connected.set()
                    wait_s = RECONNECT_S[0]
                    if missed:  # what changed while the connection was lost is unknown: everything may have
                        for layer in COLLECTIONS:
                            self.publish(layer)
                    async for notice in connection.notifies():
                        self.publish(notice.payload)
            except (psycopg.Error, OSError) as error:
                log.warning("listen_lost", error=type(error).__name__, retry_s=wait_s)
            self.connected.clear()
            missed = True
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, RECONNECT_S[1])


def _conninfo(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def visible(layer: str, logged_in: bool) -> bool:
    """Whether a caller may hear of changes of a layer.

    Examples
    --------
    >>> visible("areas", False), visible("cases", False), visible("cases", True), visible("users", True)
    (True, False, True, False)
    """
    found = COLLECTIONS.get(layer)
    return found is not None and (logged_in or not found.login)


async def stream(feed: ChangeFeed, logged_in: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    """The bytes of one stream: an event a changed layer, a comment when nothing happens.

    Parameters
    ----------
    logged_in : async callable
        Asked at the start and with each heartbeat: a login that ended hears of public layers only.
    """
    known = await logged_in()
    with feed.subscribe() as subscriber:
        yield b"retry: 2000\n: connected\n\n"
        while not feed.closing.is_set():
            changed = await subscriber.take(HEARTBEAT_S)
            if not changed:
                known = known and await logged_in()
                yield b": heartbeat\n\n"
            for layer in changed:
                if visible(layer, known):
                    yield b"event: change\ndata: " + orjson.dumps({"layer": layer}) + b"\n\n"
