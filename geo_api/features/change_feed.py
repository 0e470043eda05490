"""Server-sent events: one LISTEN connection a process tells every open page what changed, and where."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from geo_api.auth.caller_lookup import NOBODY
from geo_api.auth.callers import Caller
from geo_api.features.parameters import may_read
from geo_api.http.errors import Problem
from layers.collections import COLLECTIONS
from layers.errors import DatabaseUnavailable
from layers.postgres import (
    CELL_ZOOM,
    CHANNEL,
    SAME_TABLE,
    SYSTEM,
    CommittedChange,
    Listener,
    ListeningConnection,
    TileVersions,
    changes_after,
    newest_change_id,
    session,
)

log = structlog.get_logger("geo_api.events")
HEARTBEAT_S = 15.0
UNKNOWN_CALLER_RETRY_S = 1.0
"""A stream waits so long when the database cannot say who listens."""
STREAMS = 1_000
"""Streams that one process keeps open; one more is answered 429."""
RETRY_MS = 1_000
"""When a browser comes back after its stream ended."""


class Subscriber:
    """One open page: what changed and was not told yet, one entry a layer however slowly the page reads."""

    def __init__(self) -> None:
        self._pending: dict[str, CommittedChange] = {}
        self._woken = asyncio.Event()

    def put(self, change: CommittedChange) -> None:
        """Remember a change; what waits of the same layer becomes one with it."""
        waiting = self._pending.pop(change.layer, None)
        self._pending[change.layer] = change if waiting is None else waiting.merge(change)
        self._woken.set()

    def wake(self) -> None:
        """Let ``take`` return at once."""
        self._woken.set()

    async def take(self, timeout_s: float) -> list[CommittedChange]:
        """Return the changes since the last call, one entry a layer; empty after ``timeout_s``."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), timeout_s)
        self._woken.clear()
        changes, self._pending = list(self._pending.values()), {}
        return changes


class ChangeFeed:
    """Listens for committed changes.

    Raises the versions of tiles, then tells the subscribers of this process.

    Parameters
    ----------
    url : str
        Database that is listened to.
    versions : TileVersions or None
        Counters that each change raises. They are not trusted while the connection is lost.
    """

    def __init__(self, url: str, versions: TileVersions | None = None, *, streams: int = STREAMS) -> None:
        self._url = url
        self._versions = versions
        self._streams = streams
        self._subscribers: set[Subscriber] = set()
        self._missed = False
        self._listener = Listener(
            url,
            CHANNEL,
            name="wangge changes",
            on_start=self._begin,
            on_notice=self._hear,
            on_loss=self._lose,
        )
        self.last_id: int | None = None
        self.connected = asyncio.Event()
        self.closing = asyncio.Event()
        self._trust(False)

    def start(self) -> None:
        """Begin to listen."""
        self._listener.start()

    async def stop(self) -> None:
        """End the connection and every open stream."""
        self.end_streams()
        await self._listener.stop()
        self._trust(False)

    def end_streams(self) -> None:
        """End every open stream; no new one stays."""
        self.closing.set()
        for subscriber in self._subscribers:
            subscriber.wake()

    def check_room(self) -> None:
        """Refuse one more stream when there are too many.

        Raises
        ------
        Problem
            429 with ``Retry-After``.
        """
        if len(self._subscribers) >= self._streams:
            raise Problem(
                "busy",
                f"{self._streams} streams are open; try again in 10 s.",
                f"已有 {self._streams} 个实时连接，请在 10 秒后重试。",
                headers={"Retry-After": "10"},
            )

    @contextlib.contextmanager
    def subscribe(self) -> Iterator[Subscriber]:
        """Yield a subscriber for as long as the block lasts."""
        subscriber = Subscriber()
        self._subscribers.add(subscriber)
        try:
            yield subscriber
        finally:
            self._subscribers.discard(subscriber)

    def publish(self, change: CommittedChange) -> None:
        """Raise the versions of what changed, then tell every subscriber."""
        if self._versions is not None:
            self._versions.bump(change)
        if change.id is not None:
            self.last_id = change.id
        for layer in (change.layer, *SAME_TABLE.get(change.layer, ())):
            told = change if layer == change.layer else CommittedChange(layer, change.id, change.touched)
            for subscriber in self._subscribers:
                subscriber.put(told)

    async def missed(self, after: str) -> list[CommittedChange]:
        """Return the changes after an id that a page has seen: all layers if the log does not reach back."""
        found: list[CommittedChange] | None = None
        if after.isdecimal() and len(after) < 19:
            with contextlib.suppress(DatabaseUnavailable, SQLAlchemyError):
                found = await run_in_threadpool(self._read_log, int(after))
        return everything(self.last_id) if found is None else found

    def _read_log(self, after: int) -> list[CommittedChange] | None:
        with session(SYSTEM, self._url) as db:
            return changes_after(db, after)

    def _trust(self, listening: bool) -> None:
        if self._versions is not None:
            self._versions.listening = listening

    async def _begin(self, connection: ListeningConnection) -> None:
        """Raise every version, since earlier changes are unknown; after a loss announce all layers."""
        self.last_id = await newest_change_id(connection)
        if self._versions is not None:
            self._versions.bump_all()
        self._trust(True)
        self.connected.set()
        if self._missed:
            for change in everything(self.last_id):
                for subscriber in self._subscribers:
                    subscriber.put(change)

    def _hear(self, payload: str) -> None:
        self.publish(CommittedChange.parse(payload))

    def _lose(self, error: Exception | None, retry_s: float) -> None:
        self._trust(False)
        self.connected.clear()
        self._missed = True
        if error is not None:
            log.warning("listen_lost", error=type(error).__name__, retry_s=retry_s)


def everything(last_id: int | None) -> list[CommittedChange]:
    """Every layer, wholly."""
    return [CommittedChange(layer, last_id) for layer in COLLECTIONS]


def visible(changes: Iterable[CommittedChange], caller: Caller) -> list[CommittedChange]:
    """Of each change what is about rows that the caller may see, in layers that the caller may read."""
    readable = [
        change
        for change in changes
        if (found := COLLECTIONS.get(change.layer)) is not None
        and may_read(caller, found)
        and (not found.login or caller.reads_rows_of_areas)
    ]
    return [seen for change in readable if (seen := change.visible_to(caller.scope)) is not None]


def tile_box(cells: Iterable[tuple[int, int]]) -> list[float]:
    """West, south, east, north in degrees of tiles of zoom 12.

    Examples
    --------
    >>> [round(x, 3) for x in tile_box([(3425, 1662)])]
    [121.025, 32.027, 121.113, 32.101]
    """
    columns, rows = zip(*cells, strict=True)
    size = 2**CELL_ZOOM

    def latitude(row: int) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / size))))

    return [
        min(columns) / size * 360 - 180,
        latitude(max(rows) + 1),
        (max(columns) + 1) / size * 360 - 180,
        latitude(min(rows)),
    ]


def event_of(change: CommittedChange, position: int | None) -> bytes:
    """One event; ``position`` is what a page names when it comes back."""
    cells = change.cells
    data = {
        "layer": change.layer,
        "change": change.id,
        "zoom": CELL_ZOOM,
        "cells": None if cells is None else sorted(cells),
        "bbox": tile_box(cells) if cells else None,
    }
    numbered = b"" if position is None else b"id: %d\n" % position
    return numbered + b"event: change\ndata: " + orjson.dumps(data) + b"\n\n"


def _events(
    changes: list[CommittedChange], told: list[CommittedChange], before: int | None, position: int | None
) -> bytes:
    """Return the events of what is taken at once: only the last one says that all of it has been read."""
    ids = [before] * (len(told) - 1) + [position]
    return b"".join(event_of(change, at) for change, at in zip(told, ids, strict=True)) if told else b""


async def stream(
    feed: ChangeFeed, caller: Callable[[], Awaitable[Caller]], after: str | None = None
) -> AsyncIterator[bytes]:
    """Yield the bytes of one stream: an event a changed layer, a comment when nothing happens.

    Parameters
    ----------
    caller : async callable
        Asked before each event: a login that ended hears of public layers only.
    after : str or None
        The id of the last event that the page has seen: what was missed is told first.
    """
    with feed.subscribe() as subscriber:
        position = feed.last_id
        start = b"retry: %d\n: connected\n\n" % RETRY_MS
        if after is None:
            yield (b"" if position is None else b"id: %d\n" % position) + start
        else:
            yield start
            missed = await feed.missed(after)
            for change in missed:
                subscriber.put(change)
            if not missed and after.isdecimal():
                position = int(after)
        while not feed.closing.is_set():
            changes = await subscriber.take(HEARTBEAT_S)
            if not changes:
                yield b": heartbeat\n\n"
                continue
            try:
                who = await caller()
            except Problem:
                who = NOBODY
            except (DatabaseUnavailable, SQLAlchemyError):  # who listens is unknown: later
                for change in changes:
                    subscriber.put(change)
                await asyncio.sleep(UNKNOWN_CALLER_RETRY_S)
                continue
            newest = max((change.id for change in changes if change.id is not None), default=position)
            if told := visible(changes, who):
                yield _events(changes, told, position, newest)
            position = newest
