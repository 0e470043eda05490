"""Base maps in PMTiles files.

Written from the roads, water and names of the database, and checked before they are served.
"""

from __future__ import annotations

import gzip
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from pmtiles.reader import MmapSource, Reader
from pmtiles.tile import Compression, TileType, deserialize_header, zxy_to_tileid
from pmtiles.writer import Writer
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.errors import InputError

MIN_ZOOM, MAX_ZOOM = 6, 13
"""Zooms of a written base map; a page enlarges the tiles of the last one."""
WORLD_WIDTH_M = 40_075_016.685578488
_HEADER_BYTES = 127
_RASTER = {TileType.PNG: "image/png", TileType.JPEG: "image/jpeg", TileType.WEBP: "image/webp"}
_LAYERS = {
    "earth": ("kind",),
    "water": ("kind", "kind_detail", "name", "name:en"),
    "roads": ("kind", "kind_detail", "name", "name:en", "ref", "min_zoom"),
    "places": ("kind", "kind_detail", "name"),
    "boundaries": ("kind",),
}


@dataclass(frozen=True)
class BaseMapFile:
    """PMTiles file that can be served.

    Attributes
    ----------
    tiles : "vector" or "raster"
        Vector tiles are in the schema of Protomaps.
    name, attribution : str
        As its metadata say; empty when they do not.
    """

    path: Path
    tiles: Literal["vector", "raster"]
    min_zoom: int
    max_zoom: int
    name: str
    attribution: str


def check_base_map(path: Path) -> BaseMapFile:
    """Read header and metadata of a PMTiles file.

    Raises
    ------
    InputError
        There is no such file, it is of another kind, it is cut, or its vector tiles are not in the schema of
        Protomaps.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file 文件不存在")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
        if not head.startswith(b"PMTiles\x03"):
            raise InputError(f"{path.name}: is no PMTiles file of version 3 不是 PMTiles 第 3 版文件")
        if len(head) < _HEADER_BYTES:
            raise InputError(f"{path.name}: is cut: {size} bytes 文件不完整")
        header = deserialize_header(head)
        ends = (
            header["root_offset"] + header["root_length"],
            header["metadata_offset"] + header["metadata_length"],
            header["leaf_directory_offset"] + header["leaf_directory_length"],
            header["tile_data_offset"] + header["tile_data_length"],
        )
        if size < max(ends):
            raise InputError(f"{path.name}: is cut: {size:,} of {max(ends):,} bytes 文件不完整")
        try:
            said = Reader(MmapSource(file)).metadata()
        except Exception as error:  # gzip, JSON or offsets: the file is damaged
            raise InputError(f"{path.name}: its metadata cannot be read 元数据无法读取 ({error})") from error
    return _described(path, header, said)


def _described(path: Path, header: dict[str, Any], said: dict[str, Any]) -> BaseMapFile:
    kind = header["tile_type"]
    if kind == TileType.MVT:
        names = {str(layer.get("id")) for layer in said.get("vector_layers", [])}
        if not {"earth", "roads"} <= names:
            shown = ", ".join(sorted(names)) or "none"
            raise InputError(
                f"{path.name}: its layers are not those of Protomaps (earth, water, roads …) 图层不符: {shown}"
            )
    elif kind not in _RASTER:
        raise InputError(f"{path.name}: tiles of an unknown kind 瓦片类型未知 ({kind})")
    return BaseMapFile(
        path,
        "vector" if kind == TileType.MVT else "raster",
        int(header["min_zoom"]),
        int(header["max_zoom"]),
        str(said.get("name", "")),
        str(said.get("attribution", "")),
    )


def write_base_map(
    db: Session,
    path: Path,
    *,
    name: str,
    attribution: str,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write a base map of the city's land, water, roads and names; return the number of tiles.

    The file is complete or as it was before.

    Raises
    ------
    InputError
        The database has no city.
    """
    box = _city_box(db)
    statement = text((resources.files("layers") / "ground" / "base_map_tile.sql").read_text(encoding="utf-8"))
    cells = sorted(_cells(box), key=lambda cell: zxy_to_tileid(*cell))
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh, written = path.with_name(f"{path.name}.{os.getpid()}"), 0
    try:
        with fresh.open("wb") as file:
            writer = Writer(file)
            for done, (zoom, column, row) in enumerate(cells, 1):
                pixel_m = WORLD_WIDTH_M / 2**zoom / 512
                values = {"zoom": zoom, "column": column, "row": row, "pixel_m": pixel_m}
                body = db.execute(statement, values).scalar_one()
                if body:
                    writer.write_tile(zxy_to_tileid(zoom, column, row), gzip.compress(body, 6, mtime=0))
                    written += 1
                if progress:
                    progress(done, len(cells))
            writer.finalize(_header(box), _metadata(name, attribution))
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    return written


def _city_box(db: Session) -> tuple[float, float, float, float]:
    row = db.execute(
        text(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM"
            " (SELECT ST_Extent(geom_3857) AS e FROM areas WHERE kind = 'city' AND holds_at(valid_from, valid_to)) box"
        )
    ).one()
    if row[0] is None:
        raise InputError("there is no city to draw a base map of 尚无市级区域")
    west, south, east, north = map(float, row)
    return west, south, east, north


def _cells(box: tuple[float, float, float, float]) -> list[tuple[int, int, int]]:
    """Return zoom, column and row of every tile over a box (EPSG:3857)."""
    west, south, east, north = box
    half = WORLD_WIDTH_M / 2
    cells = []
    for zoom in range(MIN_ZOOM, MAX_ZOOM + 1):
        width = WORLD_WIDTH_M / 2**zoom
        columns = range(int((west + half) // width), int((east + half) // width) + 1)
        rows = range(int((half - north) // width), int((half - south) // width) + 1)
        cells += [(zoom, column, row) for column in columns for row in rows]
    return cells


def _header(box: tuple[float, float, float, float]) -> dict[str, Any]:
    west, south, east, north = box
    corners = [
        (_degrees(x, y)) for x, y in ((west, south), (east, north), ((west + east) / 2, (south + north) / 2))
    ]
    (min_lon, min_lat), (max_lon, max_lat), (lon, lat) = corners
    return {
        "version": 3,
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "min_lon_e7": min_lon,
        "min_lat_e7": min_lat,
        "max_lon_e7": max_lon,
        "max_lat_e7": max_lat,
        "center_zoom": 9,
        "center_lon_e7": lon,
        "center_lat_e7": lat,
    }


def _degrees(x: float, y: float) -> tuple[int, int]:
    """Return longitude and latitude of a place in EPSG:3857, in units of 1e-7 degree."""
    radius_m = WORLD_WIDTH_M / 2 / math.pi
    lat = math.degrees(math.atan(math.sinh(y / radius_m)))
    return round(math.degrees(x / radius_m) * 1e7), round(lat * 1e7)


def _metadata(name: str, attribution: str) -> dict[str, Any]:
    return {
        "name": name,
        "attribution": attribution,
        "type": "baselayer",
        "vector_layers": [
            {"id": layer, "fields": dict.fromkeys(fields, "String"), "minzoom": MIN_ZOOM, "maxzoom": MAX_ZOOM}
            for layer, fields in _LAYERS.items()
        ],
    }
