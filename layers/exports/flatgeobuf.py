"""FlatGeobuf 3 as a stream: header, then features, without the spatial index (which needs all of them first)."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute
import shapely

from layers.collections import Collection
from layers.exports.rows import GEOMETRY, ExportSource, geometry_kind, record_batches

MAGIC = bytes.fromhex("6667620366676201")
_POINT, _LINE, _POLYGON, _MULTIPOLYGON = 1, 2, 3, 6
_BOOL, _LONG, _DOUBLE, _STRING, _JSON, _DATETIME = 2, 7, 10, 11, 12, 13
_COLUMN_TYPES = {
    "text": _STRING,
    "integer": _LONG,
    "number": _DOUBLE,
    "boolean": _BOOL,
    "time": _DATETIME,
    "date": _DATETIME,
    "json": _JSON,
}
_POINT_BYTES = 68
"""A point feature up to its properties."""
# Root, the feature's table, the geometry's table, the length of its two coordinates.
_POINT_MIDDLE = struct.pack("<IHHHHiII HHHHiI I", 12, 8, 12, 4, 8, 8, 16, 40, 8, 8, 0, 4, 8, 4, 2)


def flatgeobuf_blocks(source: ExportSource) -> Iterator[bytes]:
    """The file, block by block."""
    head = MAGIC + _header(source.collection)
    for batch in record_batches(source):
        yield head + b"".join(_features(batch, source.collection))
        head = b""
    if head:
        yield head


def _header(collection: Collection) -> bytes:
    kinds = {"Point": _POINT, "LineString": _LINE, "Polygon": _POLYGON, "MultiPolygon": _MULTIPOLYGON}
    kind = kinds[geometry_kind(collection)]
    columns = [("id", _LONG), *((p.name, _COLUMN_TYPES[p.type]) for p in collection.properties)]
    buffer = FlatBuffer()
    # Slots: 0 name, 2 geometry type, 7 columns, 9 size of an index node (0: no index), 10 CRS, 11 title.
    root = buffer.table(
        {0: (REF, None), 2: ("B", kind), 7: (REF, None), 9: ("H", 0), 10: (REF, None), 11: (REF, None)}
    )
    buffer.text(root[0], collection.id)
    buffer.text(root[11], f"{collection.zh} {collection.en}")
    places = buffer.references(root[7], len(columns))
    for place, (name, column_type) in zip(places, columns, strict=True):
        column = buffer.point_to_table(place, {0: (REF, None), 1: ("B", column_type)})
        buffer.text(column[0], name)
    crs = buffer.point_to_table(root[10], {0: (REF, None), 1: ("i", 4326), 2: (REF, None)})
    buffer.text(crs[0], "EPSG")
    buffer.text(crs[2], "WGS 84")
    return buffer.finish()


def _features(batch: pa.RecordBatch, collection: Collection) -> Iterator[bytes]:
    names = ("id", *(p.name for p in collection.properties))
    cells = [_cells(i, batch.column(name)) for i, name in enumerate(names)]
    properties = map(b"".join, zip(*cells, strict=True))
    shapes = shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False))
    if collection.geometry_type == "point":
        xy = np.ascontiguousarray(shapely.get_coordinates(shapes), dtype="<f8").tobytes()
        size = struct.Struct("<I").pack
        for i, values in enumerate(properties):
            n = len(values)
            yield size(_POINT_BYTES - 4 + n) + _POINT_MIDDLE + xy[16 * i : 16 * i + 16] + size(n) + values
    else:
        for shape, values in zip(shapes, properties, strict=True):
            yield _shape(shape, values)


def _cells(column: int, values: pa.Array) -> list[bytes]:
    """Each value as FlatGeobuf's properties hold it: number of the column, value; nothing for null."""
    number = struct.pack("<H", column)
    if pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        values = _iso(values)
    if pa.types.is_string(values.type):
        size = struct.Struct("<HI").pack
        texts = values.cast(pa.binary()).to_pylist()
        return [b"" if v is None else size(column, len(v)) + v for v in texts]
    if pa.types.is_boolean(values.type):
        return [b"" if v is None else number + (b"\1" if v else b"\0") for v in values.to_pylist()]
    pack = struct.Struct("<Hq" if pa.types.is_integer(values.type) else "<Hd").pack
    return [b"" if v is None else pack(column, v) for v in values.to_pylist()]


def _iso(values: pa.Array) -> pa.Array:
    if pa.types.is_date(values.type):
        return values.cast(pa.string())
    form = "%Y-%m-%dT%H:%M:%SZ"
    return pa.compute.strftime(values.cast(pa.timestamp("s", "UTC"), safe=False), form)


def _shape(shape: shapely.LineString | shapely.Polygon | shapely.MultiPolygon, values: bytes) -> bytes:
    buffer = FlatBuffer()
    root = buffer.table({0: (REF, None), 1: (REF, None)})
    if isinstance(shape, shapely.LineString):
        xy = np.ascontiguousarray(shapely.get_coordinates(shape), dtype="<f8")
        line = buffer.point_to_table(root[0], {1: (REF, None), 6: ("B", _LINE)})
        buffer.vector(line[1], xy.tobytes(), xy.size, 8)
    elif isinstance(shape, shapely.Polygon):
        _polygon(buffer, root[0], shape)
    else:
        parts = list(shape.geoms)
        # Slots of a geometry: 0 ends of rings, 1 coordinates, 6 type, 7 parts.
        whole = buffer.point_to_table(root[0], {6: ("B", _MULTIPOLYGON), 7: (REF, None)})
        for place, part in zip(buffer.references(whole[7], len(parts)), parts, strict=True):
            _polygon(buffer, place, part)
    buffer.vector(root[1], values, len(values), 1)
    return buffer.finish()


def _polygon(buffer: FlatBuffer, reference: int, polygon: shapely.Polygon) -> None:
    rings = [polygon.exterior, *polygon.interiors]
    ends = np.cumsum([len(ring.coords) for ring in rings]).astype("<u4")
    xy = np.ascontiguousarray(shapely.get_coordinates(polygon), dtype="<f8")
    fields: dict[int, tuple[str, object]] = {1: (REF, None), 6: ("B", _POLYGON)}
    if len(rings) > 1:
        fields[0] = (REF, None)
    table = buffer.point_to_table(reference, fields)
    buffer.vector(table[1], xy.tobytes(), xy.size, 8)
    if len(rings) > 1:
        buffer.vector(table[0], ends.tobytes(), len(ends), 4)


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
