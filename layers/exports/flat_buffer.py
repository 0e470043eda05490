"""FlatBuffers written forwards: parents first, so that a stream of records needs no second pass.

Only what FlatGeobuf needs. Positions count from the size prefix, and so do alignments.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

_BYTES = {"B": 1, "?": 1, "H": 2, "i": 4, "I": 4, "Q": 8}
REF = "ref"
"""A field that points to something written later."""


class FlatBuffer:
    """One size-prefixed buffer; the first table is its root."""

    def __init__(self) -> None:
        self.data = bytearray(8)

    def table(self, fields: Mapping[int, tuple[str, object]]) -> dict[int, int]:
        """Write a table; returns where its references stand, for :meth:`point`.

        Parameters
        ----------
        fields : mapping of slot to (kind, value)
            Kind: a ``struct`` letter, or ``REF``.
        """
        slots = max(fields) + 1
        offsets = [0] * slots
        size = 4
        for slot, (kind, _) in fields.items():
            width = 4 if kind == REF else _BYTES[kind]
            size += -size % width
            offsets[slot] = size
            size += width
        self._align(2)
        vtable = len(self.data)
        self.data += struct.pack(f"<HH{slots}H", 4 + 2 * slots, size, *offsets)
        self._align(8)
        start = len(self.data)
        self.data += bytes(size)
        struct.pack_into("<i", self.data, start, start - vtable)
        if vtable == 8:
            struct.pack_into("<I", self.data, 4, start - 4)
        references = {}
        for slot, (kind, value) in fields.items():
            if kind == REF:
                references[slot] = start + offsets[slot]
            else:
                struct.pack_into(f"<{kind}", self.data, start + offsets[slot], value)
        return references

    def point(self, reference: int) -> None:
        """Let a reference point to what is written next (tables align themselves: see :meth:`point_to_table`)."""
        self._align(4)
        struct.pack_into("<I", self.data, reference, len(self.data) - reference)

    def point_to_table(self, reference: int, fields: Mapping[int, tuple[str, object]]) -> dict[int, int]:
        """Write a table and let a reference point to it."""
        slots = max(fields) + 1
        start = len(self.data) + (len(self.data) & 1) + 4 + 2 * slots
        start += -start % 8
        struct.pack_into("<I", self.data, reference, start - reference)
        return self.table(fields)

    def text(self, reference: int, value: str) -> None:
        """A string."""
        raw = value.encode()
        self.point(reference)
        self.data += struct.pack("<I", len(raw)) + raw + b"\0"

    def vector(self, reference: int, raw: bytes, count: int, width: int) -> None:
        """A vector of ``count`` values of ``width`` bytes."""
        self._align(4)
        while (len(self.data) + 4) % width:
            self.data += bytes(4)
        self.point(reference)
        self.data += struct.pack("<I", count) + raw

    def references(self, reference: int, count: int) -> list[int]:
        """A vector of references: where each of them stands."""
        self.point(reference)
        start = len(self.data) + 4
        self.data += struct.pack("<I", count) + bytes(4 * count)
        return [start + 4 * i for i in range(count)]

    def finish(self) -> bytes:
        """The buffer with its size in front."""
        struct.pack_into("<I", self.data, 0, len(self.data) - 4)
        return bytes(self.data)

    def _align(self, width: int) -> None:
        self.data += bytes(-len(self.data) % width)
