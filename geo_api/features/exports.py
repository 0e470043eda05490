"""Sending an export: a place among those at once, the first block before the headers, an end that frees everything."""

from __future__ import annotations

import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from geo_api.http.caching import PRIVATE
from geo_api.http.errors import busy
from layers.exports import (
    MEDIA_TYPES,
    ExportAbandoned,
    ExportSource,
    ExportStop,
    collection_table,
    csv_blocks,
    flatgeobuf_blocks,
    geojsonseq_blocks,
    geopackage_blocks,
    geoparquet_blocks,
    pmtiles_blocks,
    xlsx_blocks,
)

WATCH_SECONDS = 0.5
CLOSE_SECONDS = 30.0
GZIP_LEVEL = 5
CLIENT_LEFT = 499
"""For the log: nobody reads it."""


@dataclass(frozen=True)
class ExportFormat:
    """Format of exports: its media type and its writer; texts are compressed for callers who accept gzip."""

    media_type: str
    blocks: Callable[[ExportSource], Iterator[bytes]]
    is_text: bool = False


FORMATS: Mapping[str, ExportFormat] = {
    "csv": ExportFormat(MEDIA_TYPES["csv"], csv_blocks, is_text=True),
    "geojsonseq": ExportFormat(MEDIA_TYPES["geojsonseq"], geojsonseq_blocks, is_text=True),
    "fgb": ExportFormat(MEDIA_TYPES["fgb"], lambda source: flatgeobuf_blocks(collection_table(source))),
    "parquet": ExportFormat(
        MEDIA_TYPES["parquet"], lambda source: geoparquet_blocks(collection_table(source))
    ),
    "gpkg": ExportFormat(MEDIA_TYPES["gpkg"], lambda source: geopackage_blocks(collection_table(source))),
    "xlsx": ExportFormat(MEDIA_TYPES["xlsx"], xlsx_blocks),
    "pmtiles": ExportFormat(MEDIA_TYPES["pmtiles"], pmtiles_blocks),
}
"""Every format by the value of ``f``, which is also the file's ending."""


class ExportGate:
    """Counts exports of one process (used on its event loop only); each holds a database connection."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.running = 0
        self.limiter = anyio.CapacityLimiter(max(most, 1))
        self.stoppers = anyio.CapacityLimiter(max(most, 1))

    def enter(self) -> None:
        """Take a place, or refuse with 429."""
        if self.running >= self.most:
            raise busy(f"{self.running} exports are being made")
        self.running += 1

    def leave(self) -> None:
        """Give the place back."""
        self.running -= 1


class ExportResponse(StreamingResponse):
    """A stream that frees its place and its cursor however it ends."""

    def __init__(
        self,
        gate: ExportGate,
        blocks: Iterator[bytes],
        stop: ExportStop,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(self._send_blocks(), media_type=media_type, headers=headers)
        self._gate = gate
        self._blocks = blocks
        self._stop = stop

    async def _send_blocks(self) -> AsyncIterator[bytes]:
        while True:
            block = await anyio.to_thread.run_sync(next, self._blocks, None, limiter=self._gate.limiter)
            if block is None:
                return
            yield block

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; an error on the way breaks the connection off, so that no part looks like the whole."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            try:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(_close, self._blocks, self._stop)
            finally:
                self._gate.leave()


async def export_response(
    request: Request, source: ExportSource, name: str, filename: str, *, head: bool
) -> Response:
    """Send the answer: errors before the first block are problems, later ones end the stream before its end."""
    made = FORMATS[name]
    packed = made.is_text and "gzip" in request.headers.get("accept-encoding", "")
    headers = {
        "Content-Disposition": f'attachment; filename="{filename}"',
        "Cache-Control": PRIVATE,
        "Vary": "Accept-Encoding, Cookie, Authorization",
        # Named, so that nothing on the way compresses what is packed already.
        "Content-Encoding": "gzip" if packed else "identity",
    }
    if head:
        source.statement([source.collection.key])
        return Response(media_type=made.media_type, headers=headers)
    gate: ExportGate = request.app.state.export_gate
    gate.enter()
    try:
        blocks = made.blocks(source)
        if packed:
            blocks = _packed(blocks)
        first = await _first_block(request, gate, blocks, source.stop)
    except ExportAbandoned:
        gate.leave()
        return Response(status_code=CLIENT_LEFT)
    except BaseException:
        gate.leave()
        raise
    return ExportResponse(gate, _with_first(first, blocks), source.stop, made.media_type, headers)


def _close(blocks: Iterator[bytes], stop: ExportStop) -> None:
    """End the generator and its statement.

    A step of it that still runs in another thread is cancelled first.
    """
    until = time.monotonic() + CLOSE_SECONDS
    stop.request()
    while True:
        try:
            blocks.close()  # type: ignore[attr-defined]
            return
        except ValueError:  # it is being executed
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


async def _first_block(
    request: Request, gate: ExportGate, blocks: Iterator[bytes], stop: ExportStop
) -> bytes:
    """Return the first block; for formats that are made as a whole file this is the work, so the caller is watched."""
    first = b""
    failed: Exception | None = None

    async def watch() -> None:
        while not await request.is_disconnected():
            await anyio.sleep(WATCH_SECONDS)
        await anyio.to_thread.run_sync(stop.request, limiter=gate.stoppers)

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        try:
            first = await anyio.to_thread.run_sync(next, blocks, b"", limiter=gate.limiter)
        except Exception as error:  # raised below: a task group would wrap it
            failed = error
        except BaseException:  # the server stops: the thread must not go on alone
            threading.Thread(target=stop.request, daemon=True).start()
            raise
        group.cancel_scope.cancel()
    if failed is not None:
        if stop.requested:
            raise ExportAbandoned from failed
        raise failed
    return first


def _with_first(first: bytes, blocks: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield first
        yield from blocks
    finally:
        blocks.close()  # type: ignore[attr-defined]


def _packed(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the blocks as one gzip member; without its end it cannot be unpacked to the end."""
    packer = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, 31)
    try:
        for block in blocks:
            if packed := packer.compress(block):
                yield packed
        yield packer.flush()
    finally:
        blocks.close()  # type: ignore[attr-defined]
