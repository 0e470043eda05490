"""GeoPackage and FlatGeobuf, which GDAL writes into a temporary file that is then sent.

Record batches go to GDAL one by one, so that memory does not grow with the number of features.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyogrio

from layers.exports.feature_table import FeatureTable
from layers.exports.rows import GEOMETRY, ExportStop

READ_BYTES = 2**20


def geopackage_blocks(table: FeatureTable) -> Iterator[bytes]:
    """Yield a GeoPackage with one layer and its spatial index."""
    yield from _blocks(table, "GPKG", ".gpkg")


def flatgeobuf_blocks(table: FeatureTable) -> Iterator[bytes]:
    """Yield a FlatGeobuf file without spatial index, which GDAL would build in memory."""
    yield from _blocks(table, "FlatGeobuf", ".fgb", SPATIAL_INDEX="NO")


def read_blocks(path: Path, stop: ExportStop) -> Iterator[bytes]:
    """Yield the blocks of a finished file."""
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            stop.check()
            yield block


def _blocks(table: FeatureTable, driver: str, suffix: str, **layer_options: str) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        path = Path(folder) / f"{table.name}{suffix}"
        _write(path, table, driver, layer_options)
        yield from read_blocks(path, table.stop)


def _write(path: Path, table: FeatureTable, driver: str, layer_options: dict[str, str]) -> None:
    failed: list[Exception] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from table.batches
        except Exception as error:  # GDAL reads through C and would lose it
            failed.append(error)
            raise

    try:
        pyogrio.write_arrow(
            pa.RecordBatchReader.from_batches(table.schema, batches()),
            path,
            driver=driver,
            layer=table.name,
            geometry_name=GEOMETRY,
            geometry_type=table.geometry_type,
            crs="EPSG:4326",
            layer_options=layer_options,
        )
    except Exception as error:
        raise (failed or [error])[0] from error
    if failed:
        raise failed[0]
