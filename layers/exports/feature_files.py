"""Whole files of a few features that are no rows of a collection, such as the new areas of a draft."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.csv
import shapely

from layers.exports.feature_table import FeatureTable, polygon_table
from layers.exports.gdal_files import flatgeobuf_blocks, geopackage_blocks
from layers.exports.geoparquet import geoparquet_blocks
from layers.exports.rows import BOM, GEOMETRY
from layers.exports.spreadsheet_text import arrow_cells

WKT_DIGITS = 9


def table_csv_blocks(table: FeatureTable) -> Iterator[bytes]:
    """Yield CSV in UTF-8 with a header.

    The properties, then the geometry as ``wkt``, as in exports of collections.
    """
    rows = pa.Table.from_batches(table.batches, table.schema)
    shapes = shapely.from_wkb(rows.column(GEOMETRY).to_numpy())
    texts = pa.array(shapely.to_wkt(shapes, rounding_precision=WKT_DIGITS), pa.string())
    out = io.BytesIO(BOM)
    out.seek(len(BOM))
    properties = rows.drop_columns([GEOMETRY])
    cells = [arrow_cells(column) for column in properties.columns]
    written = pa.table(cells, names=properties.column_names).append_column("wkt", texts)
    pyarrow.csv.write_csv(written, out)
    yield out.getvalue()


_WRITERS: Mapping[str, Callable[[FeatureTable], Iterator[bytes]]] = {
    "csv": table_csv_blocks,
    "fgb": flatgeobuf_blocks,
    "parquet": geoparquet_blocks,
    "gpkg": geopackage_blocks,
}


def polygon_file(features: Sequence[Mapping[str, Any]], name: str, form: str) -> bytes:
    """Return GeoJSON features of polygons as one file in WGS 84.

    Parameters
    ----------
    features : sequence of mapping
        All with the same properties.
    name : str
        Name of the layer.
    form : {"csv", "fgb", "parquet", "gpkg"}
    """
    return b"".join(_WRITERS[form](polygon_table(features, name)))
