"""Formats of geometry files: which ending may be which format, and what GDAL may do while it reads one.

GDAL opens whatever it recognises: a text with a certain beginning makes it read other files or ask other
hosts. So the format follows from the ending, the content must begin as that format does, and the network is
closed.
"""

from __future__ import annotations

import json
import mmap
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pyogrio
import pyproj

from layers.errors import InputError
from layers.imports import drawings
from layers.imports.shapefile_texts import AS_BYTES, damage_notes, text_decoding

if TYPE_CHECKING:
    import geopandas as gpd

DRIVERS = {
    ".gpkg": "GPKG",
    ".shp": "ESRI Shapefile",
    ".zip": "ESRI Shapefile",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".fgb": "FlatGeobuf",
    ".kml": "KML",
    ".dxf": "DXF",
    ".pbf": "OSM",
    ".osm": "OSM",
}
"""Driver of each accepted ending; a ``.zip`` holds a Shapefile."""
HEAD_BYTES = 100_000
_SHAPEFILE = b"\x00\x00\x27\x0a"
_GEOPACKAGE_IDS = (b"GPKG", b"GP10", b"GP11")
_GEOJSON_TYPE = re.compile(
    rb'"type"\s*:\s*"(?:FeatureCollection|Feature|GeometryCollection|(?:Multi)?(?:Point|LineString|Polygon))"'
)
_COMMAND = b"gdal_streamed_alg"
_CRS_NAME = re.compile(rb'"crs"\s*:\s*\{[^}]*"type"\s*:\s*"(?:name|epsg)"', re.IGNORECASE)
_CRS_LINK = re.compile(rb'"crs"\s*:\s*\{[^}]*"type"\s*:\s*"link"', re.IGNORECASE)
_STYLES = ("layer_styles", "qgis_projects")
_KML_LINK = re.compile(rb"<NetworkLink|<!ENTITY", re.IGNORECASE)
_DXF = re.compile(rb"\s*(?:999\s*\r?\n[^\n]*\n\s*)*0\s*\r?\n\s*SECTION\s")
_OSM_ROOT = re.compile(rb"\s*(?:<\?xml[^>]*\?>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<osm[\s>]", re.DOTALL)
_NOWHERE = "127.0.0.1:9"
"""The discard port of this machine as a proxy: every request of GDAL ends there at once."""
_CLOSED = {
    "GDAL_HTTP_PROXY": _NOWHERE,
    "GDAL_HTTPS_PROXY": _NOWHERE,
    "GDAL_HTTP_MAX_RETRY": "0",
    "GDAL_HTTP_CONNECTTIMEOUT": "1",
    "CPL_VSIL_CURL_ALLOWED_EXTENSIONS": ".none",
    "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO",
}


def check_geometry_file(path: Path, drivers: Mapping[str, str] = DRIVERS) -> str:
    """Return the driver that may read a file, after a look at its first bytes; closes the network for GDAL.

    Parameters
    ----------
    path : Path
        A file that exists.
    drivers : mapping of str to str
        Driver of each ending that is accepted here.

    Raises
    ------
    InputError
        An ending that is not accepted, or content of another format than the ending says.
    """
    ending = path.suffix.lower()
    driver = drivers.get(ending)
    if driver is None:
        raise InputError(f"{path.name}: one of {', '.join(drivers)} is read 不支持的格式")
    if not _begins_as(path, ending):
        raise InputError(f"{path.name}: is not what its ending says 内容与扩展名不符 ({driver})")
    if driver == "GeoJSON" and _names_crs_by_link(path):
        raise InputError(
            f"{path.name}: crs is a link, which is not followed; name the CRS with --crs 坐标系不能是链接"
        )
    pyogrio.set_gdal_config_options(_CLOSED)
    return driver


def _begins_as(path: Path, ending: str) -> bool:
    if ending == ".zip":
        return _holds_shapefile(path)
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if ending == ".gpkg":
        return head.startswith(b"SQLite format 3\0") and head[68:72] in _GEOPACKAGE_IDS
    if ending == ".shp":
        return head.startswith(_SHAPEFILE)
    if ending == ".kml":
        return b"<kml" in head and not _found_in(path, _KML_LINK)
    if ending == drawings.ENDING:
        return drawings.BEGINS.match(head) is not None
    if ending == ".fgb":
        return head.startswith(b"fgb\x03fgb")
    if ending == ".pbf":
        return b"OSMHeader" in head[:40]
    if ending == ".dxf":
        return _DXF.match(head) is not None
    if ending == ".osm":
        return _OSM_ROOT.match(head.removeprefix(b"\xef\xbb\xbf")) is not None
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"
    return begins and _COMMAND not in head and _GEOJSON_TYPE.search(head) is not None


def _holds_shapefile(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            shapes = [name for name in archive.namelist() if name.lower().endswith(".shp")]
            return bool(shapes) and all(_starts_as_shapefile(archive, name) for name in shapes)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise InputError(f"{path.name}: not a readable zip file 无法读取压缩包 ({error})") from error


def _starts_as_shapefile(archive: zipfile.ZipFile, name: str) -> bool:
    with archive.open(name) as member:
        return member.read(len(_SHAPEFILE)) == _SHAPEFILE


def _names_crs_by_link(path: Path) -> bool:
    return _found_in(path, _CRS_LINK)


def _found_in(path: Path, pattern: re.Pattern[bytes]) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return pattern.search(content) is not None


def layers_of(path: Path, drivers: Mapping[str, str] = DRIVERS) -> list[str]:
    """Return the names of the layers of a geometry file, tables of attributes too; not the styles of a program.

    ``drivers`` as for :func:`check_geometry_file`.

    Raises
    ------
    InputError
    """
    if path.suffix.lower() == ".parquet":
        return [path.stem]
    check_geometry_file(path, drivers)
    try:
        return [str(name) for name, _ in pyogrio.list_layers(path) if name not in _STYLES]
    except (pyogrio.errors.DataSourceError, RuntimeError, OSError) as error:
        raise InputError(f"{path.name}: not a readable geometry file 无法读取 ({error})") from error


def read_geometry_file(
    path: Path,
    layer: str | None,
    notes: list[str],
    drivers: Mapping[str, str] = DRIVERS,
    *,
    most_rows: int | None = None,
) -> gpd.GeoDataFrame:
    """Read a geometry file, or one layer of it; texts of a Shapefile are decoded value by value.

    Parameters
    ----------
    path : Path
    layer : str or None
        None: the only layer.
    notes : list of str
        Gets what a person should know of encodings and damaged values.
    drivers : mapping of str to str
        As for :func:`check_geometry_file`.
    most_rows : int, optional
        Rows that are read at most.

    Raises
    ------
    InputError
        Not readable, or without geometry.
    """
    import geopandas as gpd  # half a second, which a command line without such a file saves

    decoding = text_decoding(path)
    try:
        if path.suffix.lower() == ".parquet":
            frame = gpd.read_parquet(path)
        else:
            check_geometry_file(path, drivers)
            frame = gpd.read_file(
                path, engine="pyogrio", layer=layer, encoding=decoding and AS_BYTES, max_features=most_rows
            )
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: not a readable geometry file 无法读取 ({error})") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"{path}: has no geometry 没有几何列")
    if path.suffix.lower() == drawings.ENDING:
        frame = frame.set_geometry(drawings.closed_lines_as_areas(frame.geometry.to_numpy()))
    if decoding is None:
        return frame
    notes += [decoding.note] if decoding.note else []
    damaged: list[str] = []
    frame = frame.rename(columns={name: decoding.decode(str(name))[0] for name in frame.columns})
    for name in frame.columns:
        texts = frame[name].tolist() if name != frame.geometry.name else []
        if any(isinstance(text, str) for text in texts):
            frame[name] = decoding.values(
                [t if isinstance(t, str) else None for t in texts], str(name), 1, damaged
            )
    notes += damage_notes(damaged)
    return frame


def stated_crs(path: Path, layer: str | None = None) -> pyproj.CRS | None:
    """Return the CRS that a geometry file states; None for one that states nothing, and for tables.

    GDAL says WGS 84 of every GeoJSON; stated is only what stands in its ``crs`` member.

    Raises
    ------
    InputError
        Not a readable geometry file.
    """
    ending = path.suffix.lower()
    if not path.is_file() or ending not in (*DRIVERS, ".parquet"):
        return None
    if ending == ".parquet":
        return _geoparquet_crs(path)
    driver = check_geometry_file(path)
    if driver == "OSM" or (driver == "GeoJSON" and not _found_in(path, _CRS_NAME)):
        return None
    try:
        crs = pyogrio.read_info(path, layer=layer)["crs"]
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, RuntimeError, OSError) as error:
        raise InputError(f"{path.name}: not a readable geometry file 无法读取 ({error})") from error
    return None if crs is None else pyproj.CRS.from_user_input(crs)


def _geoparquet_crs(path: Path) -> pyproj.CRS | None:
    try:
        metadata = (pq.read_schema(path).metadata or {}).get(b"geo")
        geo = {} if metadata is None else json.loads(metadata)
        column = geo.get("columns", {}).get(geo.get("primary_column", "geometry"))
    except Exception as error:
        raise InputError(f"{path.name}: not a Parquet file ({error})") from error
    if column is None:
        return None
    crs = column.get("crs", "OGC:CRS84")  # the specification's default; null is an unknown system
    return None if crs is None else pyproj.CRS.from_user_input(crs)
