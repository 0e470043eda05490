"""PMTiles archives of one tile, written by the library of Protomaps."""

from __future__ import annotations

from pathlib import Path

from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer


def write_archive(path: Path, kind: TileType, layers: list[str]) -> Path:
    with path.open("wb") as file:
        writer = Writer(file)
        writer.write_tile(zxy_to_tileid(0, 0, 0), b"x")
        box = {f"{end}_{axis}_e7": 0 for end in ("min", "max", "center") for axis in ("lon", "lat")}
        header = {"tile_type": kind, "tile_compression": Compression.NONE, "center_zoom": 0, "version": 3}
        writer.finalize(box | header, {"vector_layers": [{"id": layer} for layer in layers]})
    return path
