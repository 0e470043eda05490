"""Reader of guide files (参考图层): lines, polygons and points that somebody draws by. Nothing of them is stored."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.codes import check_declared_crs, normalise_crs_name, states_nothing
from layers.errors import InputError, UnknownCrs
from layers.imports.checks import transform_geometries
from layers.imports.geometry_files import (
    DRIVERS,
    check_geometry_file,
    layers_of,
    read_geometry_file,
    stated_crs,
)

if TYPE_CHECKING:
    import geopandas as gpd

GUIDE_DRIVERS: Mapping[str, str] = {
    **{ending: DRIVERS[ending] for ending in (".geojson", ".json", ".zip", ".kml", ".gpkg")},
    ".dxf": "DXF",
}
"""Driver of each accepted ending; a ``.zip`` holds a Shapefile."""
MAX_LAYERS = 30
MAX_FEATURES = 20_000
MAX_CORNERS = 300_000
MAX_UNPACKED_BYTES = 128 * 2**20
NAMES = ("name", "名称", "道路名称", "网格名称", "text", "编码", "code", "layer")
"""Columns whose first value names a feature, in any case."""
MAX_NAME = 100


@dataclass(frozen=True)
class GuideLayer:
    """Content of a guide file, in the storage CRS.

    Attributes
    ----------
    shapes : ndarray of shapely geometries, shape (n,)
        EPSG:4326, two coordinates each.
    names : list of str
        Of each; empty where the file has none.
    notes : list of str
        What a person should know of encodings and of what was left out.
    crs : str
        In which it was read.
    """

    shapes: np.ndarray
    names: list[str]
    notes: list[str]
    crs: str


def read_guide_file(path: Path, crs: str, *, ignore_own_crs: bool = False) -> GuideLayer:
    """Read all layers of a guide file.

    Parameters
    ----------
    path : Path
    crs : str
        ``wgs84|cgcs2000|gcj02|bd09|EPSG:n``, or ``file``: the one that the file states.
    ignore_own_crs : bool
        What the file states is wrong.

    Raises
    ------
    InputError
        Another format than the ending says, not readable, too large, empty, or not on the earth in this CRS.
    UnknownCrs
        None that is known, or the file contradicts it.
    """
    check_geometry_file(path, GUIDE_DRIVERS)
    _check_unpacked_size(path)
    notes: list[str] = []
    crs = _crs_of(path, crs, ignore_own_crs=ignore_own_crs)
    shapes, names = [], []
    for frame in _frames(path, notes):
        shapes.append(shapely.force_2d(frame.geometry.to_numpy()))
        names += _names_of(frame)
        if len(names) > MAX_FEATURES:
            raise InputError(f"{path.name}: more than {MAX_FEATURES:,} features 要素超过 {MAX_FEATURES:,} 个")
    found = np.concatenate(shapes) if shapes else np.empty(0, dtype=object)
    kept = ~(shapely.is_missing(found) | shapely.is_empty(found))
    if not kept.any():
        raise InputError(f"{path.name}: has no geometry 没有几何数据")
    if not kept.all():
        notes.append(f"{int((~kept).sum())} 个要素没有几何 features without geometry are left out")
    if shapely.get_num_coordinates(found[kept]).sum() > MAX_CORNERS:
        raise InputError(f"{path.name}: more than {MAX_CORNERS:,} corners 顶点超过 {MAX_CORNERS:,} 个")
    moved = transform_geometries(found[kept], crs)
    _check_places(path, moved)
    return GuideLayer(moved, [name for name, keep in zip(names, kept, strict=True) if keep], notes, crs)


def _crs_of(path: Path, named: str, *, ignore_own_crs: bool) -> str:
    """Return the name of the CRS in which a file is read."""
    own = None
    for layer in layers_of(path, GUIDE_DRIVERS)[:1]:
        own = stated_crs(path, layer)
    if own is not None and states_nothing(own):
        own = None
    if named == "file":
        if own is None:
            raise UnknownCrs(f"{path.name}: states no CRS, choose one 文件未声明坐标系，请选择")
        return normalise_crs_name(f"EPSG:{code}" if (code := own.to_epsg()) else own.to_wkt())
    name = normalise_crs_name(named)
    if not ignore_own_crs:
        check_declared_crs(own, name, path.name)
    return name


def _frames(path: Path, notes: list[str]) -> Iterator[gpd.GeoDataFrame]:
    """Yield the layers with a geometry, one row more than is accepted at most."""
    names = layers_of(path, GUIDE_DRIVERS)
    if len(names) > MAX_LAYERS:
        raise InputError(f"{path.name}: more than {MAX_LAYERS} layers 图层超过 {MAX_LAYERS} 个")
    for name in names:
        try:
            yield read_geometry_file(path, name, notes, GUIDE_DRIVERS, most_rows=MAX_FEATURES + 1)
        except InputError:
            if len(names) == 1:
                raise
            notes.append(f"图层 {name} 没有几何 layer without geometry is left out")


def _check_unpacked_size(path: Path) -> None:
    if path.suffix.lower() != ".zip":
        return
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise InputError(f"{path.name}: not a readable zip file 无法读取压缩包 ({error})") from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise InputError(f"{path.name}: unpacks to more than {MAX_UNPACKED_BYTES:,} bytes 解压后过大")


def _names_of(frame: gpd.GeoDataFrame) -> list[str]:
    """Return the name of each feature: the first of the known columns that has a value."""
    columns = {str(name).lower(): str(name) for name in frame.columns if name != frame.geometry.name}
    known = [frame[columns[name]].tolist() for name in NAMES if name in columns]
    return [
        next((text[:MAX_NAME] for values in known if (text := _text(values[i]))), "")
        for i in range(len(frame))
    ]


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value).strip()


def _check_places(path: Path, shapes: np.ndarray) -> None:
    """Check that coordinates are on the earth: metres that are read as degrees are not."""
    west, south, east, north = shapely.total_bounds(shapes)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise InputError(
            f"{path.name}: coordinates {west:,.6g}, {south:,.6g} are no degrees; choose the system of the file"
            " 坐标不是经纬度，请选择文件的坐标系（EPSG:n）"
        )
