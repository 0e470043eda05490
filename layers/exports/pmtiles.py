"""PMTiles archives of the service's own vector tiles, made in a temporary file and then sent."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer
from sqlalchemy import column, func, select, table, text, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import NullType

from layers.collections import FEATURE_CAP, Collection, Selection, read_tile
from layers.errors import InvalidFilter, NotFound
from layers.exports.gdal_files import read_blocks
from layers.exports.rows import ExportSource, psycopg_sql, sqlalchemy_errors

PMTILES_MAX_ZOOM = 14
MAX_TILES = 200_000
_INDEXES = (
    "CREATE INDEX ON export_rows USING gist (geom_3857)",
    "CREATE INDEX ON export_rows (place)",
    "ANALYZE export_rows",
)
_FIELD_TYPES = {"integer": "Number", "number": "Number", "boolean": "Boolean"}

Cell = tuple[int, int, int]
"""Zoom, column, row."""


def pmtiles_blocks(source: ExportSource) -> Iterator[bytes]:
    """Yield a PMTiles archive of the service's own vector tiles, zoom 0 to 14.

    Raises
    ------
    NotFound
        No feature is meant: an archive without a tile is not valid.
    InvalidFilter
        The features are spread over too many tiles.
    """
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        path = Path(folder) / f"{source.collection.id}.pmtiles"
        with source.session() as db, path.open("wb") as file:
            rows = _write_temporary_table(db, source)
            box = _box(db, rows)
            writer = Writer(file)
            truncated = _write_tiles(db, rows, source, writer)
            writer.finalize(_header(box), _metadata(source.collection, truncated))
        yield from read_blocks(path, source.stop)


def _write_temporary_table(db: Session, source: ExportSource) -> Collection:
    """Write the selected features into a temporary table and return a collection over it.

    Tiles query the features many times.
    """
    found = source.collection
    plain = NullType()  # a geometry type would make the driver's binary form of it
    columns: list[Any] = [
        found.key.label("id"),
        type_coerce(found.geom, plain).label("geom"),
        type_coerce(found.geom_3857, plain).label("geom_3857"),
        func.row_number().over(order_by=(found.tile_order, found.key)).label("place"),
        *(prop.expression.label(f"p{i}") for i, prop in enumerate(found.properties)),
    ]
    if found.labels is not None:
        columns.append(type_coerce(found.labels, plain).label("label"))
    query, parameters = psycopg_sql(db, source.statement(columns))
    driver = db.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    with (
        sqlalchemy_errors(query),
        psycopg.ClientCursor(driver) as cursor,
    ):  # such a statement takes no parameters of the server's kind
        cursor.execute(f"CREATE TEMPORARY TABLE export_rows ON COMMIT DROP AS {query}".encode(), parameters)
    for statement in _INDEXES:
        db.execute(text(statement))
    rows = table("export_rows", *(column(c.name, c.type) for c in columns))
    properties = tuple(replace(p, expression=rows.c[f"p{i}"]) for i, p in enumerate(found.properties))
    return replace(
        found,
        source=rows,
        key=rows.c.id,
        geom=rows.c.geom,
        geom_3857=rows.c.geom_3857,
        tile_order=rows.c.place,
        labels=None if found.labels is None else rows.c.label,
        tile_zooms=None,
        tile_min_zoom=None,
        properties=properties,
        time=None,
        history=None,
        current=None,
    )


def _box(db: Session, rows: Collection) -> tuple[float, float, float, float]:
    shapes = select(func.ST_Extent(rows.geom).label("e")).select_from(rows.source).subquery()
    row = db.execute(
        select(*(f(shapes.c.e) for f in (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)))
    ).one()
    if row[0] is None:
        raise NotFound(
            f"{rows.id} has no feature there: nothing to export", f"{rows.id} 在该处没有要素，无可导出"
        )
    return float(row[0]), float(row[1]), float(row[2]), float(row[3])


def _write_tiles(db: Session, rows: Collection, source: ExportSource, writer: Writer) -> int:
    """Write the tiles zoom by zoom, in the archive's order; return the number of truncated tiles.

    Only tiles below a tile with features are tried.
    """
    level: list[Cell] = [(0, 0, 0)]
    truncated = written = 0
    for zoom in range(PMTILES_MAX_ZOOM + 1):
        filled: list[Cell] = []
        for cell in level:
            source.stop.check()
            tile = read_tile(db, rows, Selection(), zoom=zoom, column=cell[1], row=cell[2])
            if not tile.matched:
                continue
            filled.append(cell)
            if tile.body:
                writer.write_tile(zxy_to_tileid(*cell), gzip.compress(tile.body, 6, mtime=0))
                written += 1
                truncated += tile.truncated
        if written > MAX_TILES:
            raise InvalidFilter(f"more than {MAX_TILES:,} tiles: narrow the export by bbox")
        below = [(z + 1, 2 * x + dx, 2 * y + dy) for z, x, y in filled for dx in (0, 1) for dy in (0, 1)]
        level = sorted(below, key=lambda c: zxy_to_tileid(*c))
    return truncated


def _header(box: tuple[float, float, float, float]) -> dict[str, Any]:
    west, south, east, north = (round(v * 10_000_000) for v in box)
    return {
        "version": 3,
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_lon_e7": west,
        "min_lat_e7": south,
        "max_lon_e7": east,
        "max_lat_e7": north,
        "center_zoom": 10,
        "center_lon_e7": (west + east) // 2,
        "center_lat_e7": (south + north) // 2,
    }


def _metadata(collection: Collection, truncated: int) -> dict[str, Any]:
    """Return TileJSON's ``vector_layers``; ``truncated_tiles`` counts tiles without all of their features."""
    fields = {p.name: _FIELD_TYPES.get(p.type, "String") for p in collection.properties if p.tile}
    names = [collection.id] + ([f"{collection.id}_labels"] if collection.labels is not None else [])
    return {
        "name": f"{collection.zh} {collection.en}",
        "description": collection.about_en,
        "type": "overlay",
        "truncated_tiles": truncated,
        "feature_cap": FEATURE_CAP,
        "vector_layers": [
            {"id": name, "fields": fields, "minzoom": 0, "maxzoom": PMTILES_MAX_ZOOM} for name in names
        ],
    }
