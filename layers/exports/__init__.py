"""Exports of features as files."""

from __future__ import annotations

from layers.exports.feature_files import polygon_file
from layers.exports.feature_table import collection_table
from layers.exports.gdal_files import flatgeobuf_blocks, geopackage_blocks
from layers.exports.geoparquet import geoparquet_blocks
from layers.exports.media_types import MEDIA_TYPES
from layers.exports.pmtiles import pmtiles_blocks
from layers.exports.rows import ExportAbandoned, ExportSource, ExportStop, csv_blocks, geojsonseq_blocks
from layers.exports.spreadsheet_text import as_cells, spreadsheet_text, text_of_cell
from layers.exports.table_files import TABLE_MEDIA_TYPES, TableForm, table_file
from layers.exports.workbook import xlsx_blocks

__all__ = [
    "MEDIA_TYPES",
    "TABLE_MEDIA_TYPES",
    "ExportAbandoned",
    "ExportSource",
    "ExportStop",
    "TableForm",
    "as_cells",
    "collection_table",
    "csv_blocks",
    "flatgeobuf_blocks",
    "geojsonseq_blocks",
    "geopackage_blocks",
    "geoparquet_blocks",
    "pmtiles_blocks",
    "polygon_file",
    "spreadsheet_text",
    "table_file",
    "text_of_cell",
    "xlsx_blocks",
]
