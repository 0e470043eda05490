"""Exports of features as files."""

from __future__ import annotations

from layers.exports.flatgeobuf import flatgeobuf_blocks
from layers.exports.geoparquet import geoparquet_blocks
from layers.exports.gpkg_and_pmtiles import geopackage_blocks, pmtiles_blocks
from layers.exports.rows import ExportAbandoned, ExportSource, ExportStop, csv_blocks, geojsonseq_blocks

__all__ = [
    "ExportAbandoned",
    "ExportSource",
    "ExportStop",
    "csv_blocks",
    "flatgeobuf_blocks",
    "geojsonseq_blocks",
    "geopackage_blocks",
    "geoparquet_blocks",
    "pmtiles_blocks",
]
