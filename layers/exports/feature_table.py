"""Features as a table in record batches: what the writers of GeoParquet, GeoPackage and FlatGeobuf take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import shapely
import shapely.geometry

from layers.exports.rows import GEOMETRY, ExportSource, ExportStop, geometry_kind, record_batches, schema_of


@dataclass(frozen=True)
class FeatureTable:
    """Columns of properties and ``geometry`` as WKB, longitude and latitude in WGS 84.

    Attributes
    ----------
    name : str
        Name of the layer in a file.
    schema : pyarrow.Schema
    geometry_type : str
        ``Point``, ``LineString``, ``Polygon`` or ``MultiPolygon``.
    batches : iterable of pyarrow.RecordBatch
        Read once.
    stop : ExportStop
        Checked between blocks.
    """

    name: str
    schema: pa.Schema
    geometry_type: str
    batches: Iterable[pa.RecordBatch]
    stop: ExportStop = field(default_factory=ExportStop)


def collection_table(source: ExportSource) -> FeatureTable:
    """Return the chosen features of a collection; they are read from the database as they are written."""
    found = source.collection
    return FeatureTable(found.id, schema_of(found), geometry_kind(found), record_batches(source), source.stop)


def polygon_table(features: Sequence[Mapping[str, Any]], name: str) -> FeatureTable:
    """Return GeoJSON features of polygons as a table of multi-polygons.

    Parameters
    ----------
    features : sequence of mapping
        All with the same properties.
    name : str
        Name of the layer.
    """
    shapes = [_multi_polygon(shapely.geometry.shape(each["geometry"])) for each in features]
    rows = pa.Table.from_pylist([dict(each["properties"]) for each in features])
    properties = rows.cast(pa.schema([_text_if_null(column) for column in rows.schema]))
    table = properties.append_column(GEOMETRY, pa.array(shapely.to_wkb(shapes), pa.binary()))
    return FeatureTable(name, table.schema, "MultiPolygon", table.to_batches())


def _multi_polygon(shape: shapely.Polygon | shapely.MultiPolygon) -> shapely.MultiPolygon:
    return shape if isinstance(shape, shapely.MultiPolygon) else shapely.MultiPolygon([shape])


def _text_if_null(column: pa.Field) -> pa.Field:
    """Return a column as text if it has no value, because GDAL has no type of nulls."""
    return column.with_type(pa.string()) if pa.types.is_null(column.type) else column
