"""How large a batch becomes when it is unpacked, read from what it declares, before any of it is unpacked."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from layers.errors import InputError

MOST_BYTES = 256 * 2**20
"""Of one record batch or one column of a row group; five columns of five million fixes are 200 MB."""
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2


def check_size(size: int, what: str) -> None:
    """Refuse what would become too large.

    Raises
    ------
    InputError
        With both sizes.
    """
    if size < 0 or size > MOST_BYTES:
        raise InputError(f"{what} has {size:,} bytes when unpacked; it may have {MOST_BYTES:,}")


def check_stream(body: BinaryIO) -> None:
    """Look at the buffers of every message of an Arrow IPC stream; the stream is at its start afterwards.

    A compressed buffer begins with its length when unpacked, and a reader allocates that before it unpacks (Arrow
    columnar format, "Compression").

    Raises
    ------
    InputError
        A message becomes too large, or is none.
    """
    for message in pa.ipc.MessageReader.open_stream(body):
        if message.type not in ("record batch", "dictionary"):
            continue
        try:
            size = _unpacked(message.metadata.to_pybytes(), message.body)
        except (struct.error, IndexError, ValueError) as error:
            raise InputError("the body is not an Arrow IPC stream (a message cannot be read)") from error
        check_size(size, "a message")
    body.seek(0)


def check_texts(values: pa.Array, name: str, most_bytes: int) -> None:
    """The texts of a dictionary: a long one counts once in the body, and in each row that names it when it is read.

    Raises
    ------
    InputError
        One is longer than ``most_bytes``.
    """
    if pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):
        longest = int(_view_lengths(values).max(initial=0))
    elif _is_text(values.type):
        longest = pc.max(pc.binary_length(values)).as_py() or 0
    else:
        return
    if longest > most_bytes:
        raise InputError(f"{name}: a text of {longest:,} bytes; it may have {most_bytes:,}")


def check_views(array: pa.Array) -> None:
    """Views of text may name the same bytes again and again: their lengths together are what a reader goes through.

    Raises
    ------
    InputError
        They are too many.
    """
    if pa.types.is_string_view(array.type) or pa.types.is_binary_view(array.type):
        check_size(int(_view_lengths(array).sum()), "a column")


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return any(
        is_kind(kind)
        for is_kind in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    )


def _view_lengths(array: pa.Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Bytes of each view: the first of its four 32-bit words."""
    views = array.buffers()[1]
    if views is None or not len(array):
        return np.zeros(0, np.int64)
    rows = np.frombuffer(views, np.int32)[: 4 * (array.offset + len(array))].reshape(-1, 4)
    return rows[array.offset :, 0].astype(np.int64)


def _unpacked(metadata: bytes, body: pa.Buffer) -> int:
    """Bytes of a message's buffers; ``metadata`` is the flatbuffer ``Message``."""
    message = _table(metadata, 0)
    kind = metadata[_field(metadata, message, 1)]
    batch = _table(metadata, _field(metadata, message, 2))
    if kind == _DICTIONARY_BATCH:
        batch = _table(metadata, _field(metadata, batch, 1))
    elif kind != _RECORD_BATCH:
        return 0
    place = _field(metadata, batch, 2)
    if place == 0:
        return 0
    packed = _field(metadata, batch, 3) != 0
    vector = place + struct.unpack_from("<I", metadata, place)[0]
    (count,) = struct.unpack_from("<I", metadata, vector)
    total = 0
    for offset, length in struct.iter_unpack("<qq", metadata[vector + 4 : vector + 4 + 16 * count]):
        if packed and length >= 8:
            (declared,) = struct.unpack_from("<q", body, offset)
            if declared < -1:
                return declared
            length = length if declared == -1 else declared
        total += length
    return total


def _table(data: bytes, place: int) -> int:
    """The table that an offset leads to."""
    return place + int(struct.unpack_from("<I", data, place)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Place of a field of a table; 0: it is not there."""
    vtable = table - int(struct.unpack_from("<i", data, table)[0])
    (size,) = struct.unpack_from("<H", data, vtable)
    if 4 + 2 * number >= size:
        return 0
    offset = int(struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0])
    return table + offset if offset else 0
