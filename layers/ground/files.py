"""Reader of files of roads, waterways and buildings, in parts of bounded size.

The format follows from the ending and is confirmed by the first bytes, so that GDAL opens nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyogrio
import shapely

from layers.errors import InputError
from layers.imports import (
    AS_BYTES,
    FILE_KINDS,
    ROW,
    Column,
    TextDecoding,
    check_geometry_file,
    damage_notes,
    require_file,
    text_decoding,
)

GROUND_LAYERS = ("roads", "waterways", "buildings")
BATCH_ROWS = 50_000
OSM_TAGS = {"roads": "highway", "waterways": "waterway", "buildings": "building"}
_OSM_LAYERS = {"roads": "lines", "waterways": "lines", "buildings": "multipolygons"}
_NOT_LINES = ("dam", "weir", "lock_gate", "waterfall", "riverbank", "dock", "boatyard", "fuel")
"""Values of ``waterway`` that are no waterway."""
_OTHER_NAMES = {
    "source_id": ("osm_id", "osm_way_id", "id"),
    "name": ("name:zh", "name:zh-Hans", "name_zh"),
    "name_en": ("name:en",),
    "kind": ("type", "fclass", "class", "类型", "道路等级", "等级"),
    "width_m": ("width",),
    "levels": ("building:levels",),
    "height_m": ("height",),
}
"""Other headers of a column; those of names come before the plain one, the others after it."""
_SOURCE_ID = next(column for column in FILE_KINDS["roads"].columns if column.name == "source_id")


@dataclass
class GroundFile:
    """Open file of one layer of the ground.

    Attributes
    ----------
    rows : int
        Rows in it; 0 where the format does not tell.
    has_ids : bool
        The file names its rows; else they are called by the file's name and their number.
    """

    path: Path
    layer: str
    rows: int
    has_ids: bool
    _batches: Iterator[Any] = field(repr=False)
    _geometry: str = field(repr=False)
    _osm: bool = field(repr=False)
    _decoding: TextDecoding | None = field(default=None, repr=False)
    damaged: list[str] = field(default_factory=list, repr=False)

    def parts(self) -> Iterator[tuple[pl.DataFrame, np.ndarray]]:
        """Yield the columns of the file kind as text with row numbers, and the geometries as they stand."""
        done = 0
        for batch in self._batches:
            given = pl.from_arrow(batch)
            assert isinstance(given, pl.DataFrame)
            given = self._decoded(given, done + 1)
            shapes = shapely.from_wkb(given[self._geometry].to_numpy(), on_invalid="ignore")
            frame = _named(given.drop(self._geometry), self.layer).with_row_index(ROW, offset=done + 1)
            done += given.height
            if not self.has_ids:
                frame = frame.with_columns(source_id=pl.lit(f"{self.path.stem}/") + pl.col(ROW).cast(pl.Utf8))
            elif self._osm:
                frame = frame.with_columns(source_id=_osm_ids(given))
            yield frame, np.asarray(shapes)
        self.rows = done

    def _decoded(self, given: pl.DataFrame, start: int) -> pl.DataFrame:
        """Decode the texts of a Shapefile value by value."""
        decoding = self._decoding
        if decoding is None:
            return given
        texts = given.select(pl.col(pl.Utf8)).columns
        named = given.with_columns(
            pl.Series(name, decoding.values(given[name].to_list(), name, start, self.damaged), dtype=pl.Utf8)
            for name in texts
        )
        return named.rename({name: decoding.decode(name)[0] or name for name in given.columns})

    def notes(self) -> list[str]:
        """Return what a person should know of encodings and damaged values."""
        said = [self._decoding.note] if self._decoding is not None and self._decoding.note else []
        return said + damage_notes(self.damaged)


@contextmanager
def open_ground_file(path: Path, layer: str, crs: str, of_layer: str | None = None) -> Iterator[GroundFile]:
    """Open a file. Whether its CRS contradicts the one that is named, the caller checks before.

    Parameters
    ----------
    path : Path
    layer : {"roads", "waterways", "buildings"}
    crs : str
        Name as ``layers.codes.normalise_crs_name`` returns it.
    of_layer : str, optional
        Layer of the file; the one of the same name, or the first.

    Raises
    ------
    InputError
        No such file, another format than the ending says, not readable, or nothing of that layer in it.
    """
    require_file(path)
    driver = check_geometry_file(path)
    if driver == "OSM" and crs not in ("wgs84", "EPSG:4326"):
        raise InputError(
            f"{path.name}: OpenStreetMap data is WGS-84, the command says {crs} 坐标系应为 wgs84"
        )
    try:
        with pyogrio.open_arrow(
            path, use_pyarrow=True, batch_size=BATCH_ROWS, **_options(path, layer, driver, of_layer)
        ) as (meta, reader):
            decoding = text_decoding(path)
            names = [
                (decoding.decode(str(name))[0] or "") if decoding else str(name) for name in meta["fields"]
            ]
            rows = (
                0
                if driver == "OSM"
                else int(
                    pyogrio.read_info(path, layer=_options(path, layer, driver, of_layer)["layer"])[
                        "features"
                    ]
                )
            )
            has_ids = driver == "OSM" or bool(_headers(_SOURCE_ID, layer, names))
            geometry = meta["geometry_name"] or "wkb_geometry"
            is_osm = driver == "OSM"
            yield GroundFile(path, layer, max(rows, 0), has_ids, iter(reader), geometry, is_osm, decoding)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError, OSError) as error:
        raise InputError(f"{path.name}: not a readable file of {layer} 无法读取 ({error})") from error


def _options(path: Path, layer: str, driver: str, of_layer: str | None) -> dict[str, Any]:
    if driver == "OSM":
        tag = OSM_TAGS[layer]
        without = f" AND waterway NOT IN {_NOT_LINES}" if layer == "waterways" else ""
        return {
            "sql": f'SELECT * FROM {_OSM_LAYERS[layer]} WHERE "{tag}" IS NOT NULL{without}',
            "CONFIG_FILE": str(resources.files("layers") / "ground" / "osmconf.ini"),
        }
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    if not layers:
        raise InputError(f"{path.name}: has no layer 没有图层")
    chosen = of_layer or (layer if layer in layers else layers[0])
    return {"layer": chosen, "encoding": AS_BYTES if text_decoding(path) else None}


def _headers(column: Column, layer: str, names: list[str]) -> list[str]:
    """Return the headers of a column in a file, in any case and cut as in a Shapefile; the best first."""
    other: tuple[str, ...] = (OSM_TAGS[layer],) if column.name == "kind" else ()
    other += _OTHER_NAMES.get(column.name, ())
    wanted = (*other, *column.headings) if column.name == "name" else (*column.headings, *other)
    known = {name.lower(): name for name in reversed(names)}
    found = (known.get(each.lower()) or known.get(each.lower()[:10]) for each in wanted)
    return list(dict.fromkeys(name for name in found if name is not None))


def _named(given: pl.DataFrame, layer: str) -> pl.DataFrame:
    """Rename the columns to those of the file kind, as text.

    A value is the first of its headers that is there.
    """
    texts = []
    for column in FILE_KINDS[layer].columns:
        values: list[pl.Expr] = []
        for name in _headers(column, layer, given.columns):
            value = pl.col(name).cast(pl.Utf8, strict=False).str.strip_chars()
            values.append(pl.when(value != "").then(value))
        texts.append((pl.coalesce(values) if values else pl.lit(None, dtype=pl.Utf8)).alias(column.name))
    return (
        given.select(texts) if given.width else pl.DataFrame({c.name: [] for c in FILE_KINDS[layer].columns})
    )


def _osm_ids(given: pl.DataFrame) -> pl.Series:
    """Return ids as OpenStreetMap writes them: ``way/1``, ``relation/2``."""
    if "osm_way_id" not in given.columns:
        return given.select("way/" + pl.col("osm_id")).to_series()
    relation, way = "relation/" + pl.col("osm_id"), "way/" + pl.col("osm_way_id")
    return given.select(pl.coalesce(way, relation)).to_series()
