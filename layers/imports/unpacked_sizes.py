"""Unpacked sizes of Arrow and Parquet batches, read from their metadata before they are unpacked."""

from __future__ import annotations

import struct
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from layers.errors import InputError

MAX_BYTES = 256 * 2**20
"""Greatest unpacked size of a record batch or a column of a row group (5 columns of 5 million fixes: 200 MB)."""
_RECORD_BATCH, _DICTIONARY_BATCH = 3, 2


def check_size(size: int, what: str) -> None:
    """Raise an error when an unpacked size exceeds the limit.

    Raises
    ------
    InputError
        With both sizes.
    """
    if size < 0 or size > MAX_BYTES:
        raise InputError(f"{what} has {size:,} bytes when unpacked; it may have {MAX_BYTES:,}")


def check_stream_sizes(body: BinaryIO, max_rows: int) -> None:
    """Check the rows and the unpacked sizes of all messages of an Arrow IPC stream, then seek to its start.

    A compressed buffer begins with its unpacked length, and a reader allocates that length before it unpacks
    the buffer (Arrow columnar format, "Compression").

    Raises
    ------
    InputError
        A message becomes too large, or is none; the stream has more than ``max_rows`` rows.
    """
    n_rows = 0
    for message in pa.ipc.MessageReader.open_stream(body):
        if message.type not in ("record batch", "dictionary"):
            continue
        try:
            metadata = message.metadata.to_pybytes()
            size = _unpacked_size(metadata, message.body)
            n_rows += _row_count(metadata)
        except (struct.error, IndexError, ValueError) as error:
            raise InputError("the body is not an Arrow IPC stream (a message cannot be read)") from error
        check_size(size, "a message")
        if n_rows > max_rows:
            raise InputError(f"the body has more than {max_rows:,} rows")
    body.seek(0)


def check_text_lengths(values: pa.Array, name: str, max_bytes: int) -> None:
    """Check the lengths of the texts of a dictionary.

    A long text is stored once in the body, but is read once for every row that refers to it.

    Raises
    ------
    InputError
        One is longer than ``max_bytes``.
    """
    if pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):
        longest = int(_view_lengths(values).max(initial=0))
    elif _is_text(values.type):
        longest = pc.max(pc.binary_length(values)).as_py() or 0
    else:
        return
    if longest > max_bytes:
        raise InputError(f"{name}: a text of {longest:,} bytes; it may have {max_bytes:,}")


def check_view_sizes(array: pa.Array) -> None:
    """Check the total length of text views.

    Several views may refer to the same bytes, so the sum of their lengths is the amount that a reader
    processes.

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
    """Return the bytes of each view: the first of its four 32-bit words."""
    views = array.buffers()[1]
    if views is None or not len(array):
        return np.zeros(0, np.int64)
    rows = np.frombuffer(views, np.int32)[: 4 * (array.offset + len(array))].reshape(-1, 4)
    return rows[array.offset :, 0].astype(np.int64)


def _row_count(metadata: bytes) -> int:
    """Return the rows of a record batch, 0 of another message; ``metadata`` is the flatbuffer ``Message``."""
    message = _table(metadata, 0)
    if metadata[_field(metadata, message, 1)] != _RECORD_BATCH:
        return 0
    length = _field(metadata, _table(metadata, _field(metadata, message, 2)), 0)
    return int(struct.unpack_from("<q", metadata, length)[0]) if length else 0


def _unpacked_size(metadata: bytes, body: pa.Buffer) -> int:
    """Return the unpacked bytes of a message's buffers; ``metadata`` is the flatbuffer ``Message``."""
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
    """Return the position of the table that an offset refers to."""
    return place + int(struct.unpack_from("<I", data, place)[0])


def _field(data: bytes, table: int, number: int) -> int:
    """Return the position of a table's field, 0 when it is missing."""
    vtable = table - int(struct.unpack_from("<i", data, table)[0])
    (size,) = struct.unpack_from("<H", data, vtable)
    if 4 + 2 * number >= size:
        return 0
    offset = int(struct.unpack_from("<H", data, vtable + 4 + 2 * number)[0])
    return table + offset if offset else 0
