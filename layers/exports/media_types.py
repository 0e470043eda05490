"""Media types of the formats of exports."""

from __future__ import annotations

from collections.abc import Mapping

MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "geojsonseq": "application/geo+json-seq",
    "fgb": "application/flatgeobuf",
    "parquet": "application/vnd.apache.parquet",
    "gpkg": "application/geopackage+sqlite3",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pmtiles": "application/vnd.pmtiles",
}
"""Media types by the ending of the file."""
