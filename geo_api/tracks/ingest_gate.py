"""Limits on concurrent ingestion: requests and their bytes are counted, the excess is refused."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import anyio

from geo_api.http.errors import Problem, busy


class IngestGate:
    """Counts batches in flight of one process (used on its event loop only).

    Parameters
    ----------
    max_bytes : int
        Bytes of all bodies that are held at once.
    max_body_bytes : int
        Bytes of one body.
    max_batches : int
        Batches that arrive, wait or are written at once.
    writers : int
        Batches that are written at once; the others wait.
    """

    def __init__(self, max_bytes: int, max_body_bytes: int, max_batches: int, writers: int) -> None:
        self.max_bytes = max_bytes
        self.max_body_bytes = max_body_bytes
        self.max_batches = max_batches
        self.limiter = anyio.CapacityLimiter(writers)
        self.bytes = 0
        self.batches = 0

    @contextlib.contextmanager
    def batch(self) -> Iterator[BatchBytes]:
        """Admit one batch, or refuse it with 429."""
        if self.batches >= self.max_batches:
            raise busy(f"{self.batches} batches are being taken")
        self.batches += 1
        held = BatchBytes(self)
        try:
            yield held
        finally:
            self.batches -= 1
            self.bytes -= held.reserved


class BatchBytes:
    """Bytes held by one batch; they grow as the body arrives."""

    def __init__(self, gate: IngestGate) -> None:
        self._gate = gate
        self.reserved = 0

    def reserve(self, total: int) -> None:
        """Hold ``total`` bytes.

        Raises
        ------
        Problem
            413 for too large a body, 429 when all bodies together are too many bytes.
        """
        gate = self._gate
        if total > gate.max_body_bytes:
            raise Problem(
                "too-large",
                f"A batch may have {gate.max_body_bytes:,} bytes; send it in parts.",
                f"单批不得超过 {gate.max_body_bytes:,} 字节，请分批发送。",
            )
        if total <= self.reserved:
            return
        if gate.bytes + total - self.reserved > gate.max_bytes:
            raise busy(f"{gate.bytes:,} bytes are in flight")
        gate.bytes += total - self.reserved
        self.reserved = total
