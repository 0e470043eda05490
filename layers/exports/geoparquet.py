"""GeoParquet 1.1 as a stream: one row group per block, the ``geo`` metadata in the footer."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from layers.exports.feature_table import FeatureTable
from layers.exports.rows import GEOMETRY

GEOPARQUET_VERSION = "1.1.0"
GROUP_BYTES = 8 * 2**20
"""Least size of a row group before compression, bytes."""
_TYPE_NAMES = {
    0: "Point",
    1: "LineString",
    3: "Polygon",
    4: "MultiPoint",
    5: "MultiLineString",
    6: "MultiPolygon",
}


class _ByteCollector(io.RawIOBase):
    """File object that passes its bytes on: they are taken out after each write."""

    def __init__(self) -> None:
        self._blocks: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        block = bytes(data)  # type: ignore[call-overload]
        self._blocks.append(block)
        self._position += len(block)
        return len(block)

    def tell(self) -> int:
        return self._position

    def take(self) -> bytes:
        """Return the bytes written since the last call."""
        taken = b"".join(self._blocks)
        self._blocks = []
        return taken


def geoparquet_blocks(table: FeatureTable) -> Iterator[bytes]:
    """Yield the file, block by block.

    Without its footer it is no Parquet file, so an interrupted stream cannot be mistaken for a complete one.
    """
    outlet = _ByteCollector()
    box = np.array([np.inf, np.inf, -np.inf, -np.inf])
    kinds: set[int] = set()
    held: list[pa.RecordBatch] = []
    writer = pq.ParquetWriter(pa.PythonFile(outlet, mode="w"), table.schema, compression="zstd")
    for batch in table.batches:
        shapes = shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False))
        kinds.update(np.unique(shapely.get_type_id(shapes)).tolist())
        bounds = shapely.total_bounds(shapes)
        box = np.concatenate([np.fmin(box[:2], bounds[:2]), np.fmax(box[2:], bounds[2:])])
        held.append(batch)
        if sum(part.nbytes for part in held) >= GROUP_BYTES:
            writer.write_table(pa.Table.from_batches(held))
            held = []
            yield outlet.take()
    if held:
        writer.write_table(pa.Table.from_batches(held))
    writer.add_key_value_metadata({"geo": json.dumps(_metadata(kinds, box))})
    writer.close()
    yield outlet.take()


def _metadata(kinds: set[int], box: np.ndarray) -> dict[str, object]:
    """Return the ``geo`` metadata: WKB, and no ``crs``, which means OGC:CRS84."""
    column: dict[str, object] = {
        "encoding": "WKB",
        "geometry_types": sorted(_TYPE_NAMES[kind] for kind in kinds),
    }
    if kinds:
        column["bbox"] = box.tolist()
    return {"version": GEOPARQUET_VERSION, "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
