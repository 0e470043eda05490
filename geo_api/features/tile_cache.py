"""Tiles that were made are kept in memory, as they are sent, for as long as nothing below them changed."""

from __future__ import annotations

import asyncio
import time
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field

from geo_api.http.caching import GZIP_FROM_BYTES, etag_of, gzip, shared_headers

RawHeaders = list[tuple[bytes, bytes]]
_SHARED = {
    private: [
        (name.lower().encode(), value.encode())
        for name, value in shared_headers("", private=private).items()
        if name != "ETag"
    ]
    for private in (False, True)
}
OVERHEAD_BYTES = 1_500
"""What a kept tile costs beside its body: key, headers, objects."""


@dataclass(frozen=True, slots=True)
class TileAnswer:
    """One tile as it is sent.

    Attributes
    ----------
    body : bytes
        Compressed where ``packed``.
    etag : bytes
        Of the content, whatever its form.
    headers : list
        Those that every form of the answer has.
    """

    body: bytes
    packed: bool
    etag: bytes
    headers: RawHeaders = field(repr=False)

    @classmethod
    def of(cls, body: bytes, media_type: str, *, private: bool, headers: dict[str, str]) -> TileAnswer:
        """Make it: the tag, the headers, and the body compressed where that is worth it."""
        packed = len(body) >= GZIP_FROM_BYTES
        if packed:
            body = gzip(body)
        tag = etag_of(body).encode()  # of the shorter form: equal content is packed to equal bytes
        raw = [
            (b"etag", tag),
            *_SHARED[private],
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
            (b"content-type", media_type.encode()),
        ]
        return cls(body, packed, tag, raw)

    def sent(self, accepted: bytes, known: bytes | None) -> tuple[int, RawHeaders, bytes]:
        """Status, headers and body for a caller.

        Parameters
        ----------
        accepted : bytes
            ``Accept-Encoding``.
        known : bytes or None
            ``If-None-Match``.
        """
        if known is not None and (known.strip() == b"*" or self.etag in map(bytes.strip, known.split(b","))):
            return 304, [header for header in self.headers if header[0] != b"content-type"], b""
        if self.packed and b"gzip" in accepted:
            length = (b"content-length", b"%d" % len(self.body))
            return 200, [*self.headers, (b"content-encoding", b"gzip"), length], self.body
        body = zlib.decompress(self.body, 31) if self.packed else self.body
        return 200, [*self.headers, (b"content-length", b"%d" % len(body))], body


@dataclass(slots=True)
class _Entry:
    version: int
    until: float
    answer: TileAnswer


class TileCache:
    """The tiles used last, bounded by bytes; one that many ask for at once is made once.

    An entry holds while the version of its tile is the one that was read before it was made. Used on one
    event loop.

    Parameters
    ----------
    max_bytes : int
        0: nothing is kept.

    Examples
    --------
    >>> cache = TileCache(10_000)
    >>> answer = TileAnswer(b"tile", False, b'W/"1"', [])
    >>> made = asyncio.run(cache.get_or_make("z/x/y", 7, lambda: asyncio.sleep(0, answer)))
    >>> cache.get("z/x/y", 7) is answer, cache.get("z/x/y", 8)
    (True, None)
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._making: dict[tuple[Hashable, int], asyncio.Task[TileAnswer]] = {}

    def get(self, key: Hashable, version: int) -> TileAnswer | None:
        """Return the tile of that version, if it is kept."""
        entry = self._entries.get(key)
        if entry is None or entry.version != version or entry.until < time.monotonic():
            return None
        self._entries.move_to_end(key)
        return entry.answer

    async def get_or_make(
        self,
        key: Hashable,
        version: int,
        make: Callable[[], Awaitable[TileAnswer]],
        *,
        seconds: float = float("inf"),
    ) -> TileAnswer:
        """Return the kept tile, the one that is being made, or a new one.

        Parameters
        ----------
        version : int
            Read before this call; a tile that is made for another version is not waited for.
        seconds : float
            How long the tile holds at most.
        """
        if self.max_bytes == 0:
            return await make()
        if (found := self.get(key, version)) is not None:
            return found
        making = self._making.get((key, version))
        if making is None:
            making = asyncio.create_task(self._make(key, version, make, seconds))
            self._making[key, version] = making
        return await asyncio.shield(making)  # who leaves does not end what others wait for

    async def _make(
        self, key: Hashable, version: int, make: Callable[[], Awaitable[TileAnswer]], seconds: float
    ) -> TileAnswer:
        try:
            answer = await make()
            self._keep(key, _Entry(version, time.monotonic() + seconds, answer))
            return answer
        finally:
            del self._making[key, version]

    def _keep(self, key: Hashable, entry: _Entry) -> None:
        self._drop(key)
        self._entries[key] = entry
        self.held_bytes += _size(entry)
        while self.held_bytes > self.max_bytes:
            self._drop(next(iter(self._entries)))

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.held_bytes -= _size(entry)

    def __len__(self) -> int:
        return len(self._entries)


def _size(entry: _Entry) -> int:
    return len(entry.answer.body) + OVERHEAD_BYTES
