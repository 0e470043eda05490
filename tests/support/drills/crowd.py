"""A crowd before the service: viewers who ask and think, and pages that listen to the stream of changes."""

from __future__ import annotations

import asyncio
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import httpx2

ALLOWED = {200, 304, 429, 503}
"""Statuses that a viewer may get; the last two say when to come back."""
THINK_S = 1.0
Box = tuple[float, float, float, float]


@dataclass
class Seen:
    """Answers that a crowd got; times are of the monotonic clock."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)
    waits_s: list[tuple[float, float]] = field(default_factory=list)
    """When an answer came, and how long it took."""
    bad_at: list[float] = field(default_factory=list)
    heard: list[list[float]] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)

    def wait_ms(self, share: float, *, since: float = 0.0, until: float = math.inf) -> float:
        """A quantile of the times to answer, milliseconds; 0 without any answer."""
        waits = sorted(wait for at, wait in self.waits_s if since <= at <= until)
        return waits[min(len(waits) - 1, int(len(waits) * share))] * 1e3 if waits else 0.0


def tile_path(zoom: int, box: Box) -> str:
    """A tile somewhere in a box, as OGC names it."""
    lon, lat = random.uniform(box[0], box[2]), random.uniform(box[1], box[3])
    n = 2**zoom
    column = int((lon + 180) / 360 * n)
    row = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)
    return f"/collections/areas/tiles/WebMercatorQuad/{zoom}/{row}/{column}"


def some_path(box: Box) -> str:
    """Choose the next question of a viewer: mostly tiles."""
    return random.choices(
        (
            tile_path(random.choice((10, 12, 14)), box),
            "/collections/areas/items?limit=20",
            "/collections/areas",
            "/v1/me",
        ),
        (8, 1, 1, 1),
    )[0]


async def view(client: httpx2.AsyncClient, box: Box, ended: Callable[[], bool], seen: Seen) -> None:
    """One viewer, who thinks between two questions."""
    await asyncio.sleep(random.random() * THINK_S)
    while not ended():
        path, start = some_path(box), time.monotonic()
        try:
            answer = await client.get(path)
        except httpx2.HTTPError as error:
            seen.lost[type(error).__name__] += 1
        else:
            seen.waits_s.append((time.monotonic(), time.monotonic() - start))
            seen.answers[("tile" if "/tiles/" in path else path, answer.status_code)] += 1
            if answer.status_code != 200:
                seen.bad_at.append(time.monotonic())
            told = answer.status_code < 429 or "retry-after" in answer.headers
            if answer.status_code not in ALLOWED or not told:
                seen.faults.append(f"{answer.status_code} {path} {answer.text[:200]}")
        await asyncio.sleep(random.random() * 2 * THINK_S)


async def listen(
    client: httpx2.AsyncClient, ended: Callable[[], bool], heard: list[float], seen: Seen
) -> None:
    """One page that hears of changes, and comes back when its stream ends."""
    while not ended():
        try:
            async with client.stream("GET", "/v1/events", timeout=httpx2.Timeout(30, read=20)) as answer:
                async for line in answer.aiter_lines():
                    if line.startswith("data:"):
                        heard.append(time.monotonic())
                    if ended():
                        return
        except httpx2.HTTPError as error:
            seen.lost[f"stream {type(error).__name__}"] += 1
            await asyncio.sleep(0.5)


class Crowd:
    """Viewers and streams in a thread of their own while the ``with`` block lasts.

    Parameters
    ----------
    address : str
    box : tuple of float
        Where the viewers look, degrees.
    cookies : dict
        The login that all of them use.
    viewers, streams : int
    """

    def __init__(
        self, address: str, box: Box, cookies: dict[str, str], *, viewers: int, streams: int
    ) -> None:
        self.seen = Seen(heard=[[] for _ in range(streams)])
        self._address, self._box, self._cookies, self._viewers = address, box, cookies, viewers
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._gather()))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    async def _gather(self) -> None:
        limits = httpx2.Limits(max_connections=None)
        ended = self._ending.is_set
        async with httpx2.AsyncClient(
            base_url=self._address, timeout=40, limits=limits, cookies=self._cookies
        ) as client:
            tasks = [
                asyncio.create_task(view(client, self._box, ended, self.seen)) for _ in range(self._viewers)
            ]
            pages = [
                asyncio.create_task(listen(client, ended, heard, self.seen)) for heard in self.seen.heard
            ]
            await asyncio.gather(*tasks)
            while not ended():
                await asyncio.sleep(0.2)
            for page in pages:  # a stream may be silent for 15 s
                page.cancel()
            await asyncio.gather(*pages, return_exceptions=True)
