"""Formats of geometry files: which ending may be which format, and what GDAL may do while it reads one.

GDAL opens whatever it recognises: a text with a certain beginning makes it read other files or ask other
hosts. So the format follows from the ending, the content must begin as that format does, and the network is
closed.
"""

from __future__ import annotations

import mmap
import re
import zipfile
from pathlib import Path

import pyogrio

from layers.errors import InputError

DRIVERS = {
    ".gpkg": "GPKG",
    ".shp": "ESRI Shapefile",
    ".zip": "ESRI Shapefile",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".fgb": "FlatGeobuf",
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
_CRS_LINK = re.compile(rb'"crs"\s*:\s*\{[^}]*"type"\s*:\s*"link"', re.IGNORECASE)
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


def check_geometry_file(path: Path) -> str:
    """Return the driver that may read a file, after a look at its first bytes; closes the network for GDAL.

    Parameters
    ----------
    path : Path
        A file that exists.

    Raises
    ------
    InputError
        An ending that is not accepted, or content of another format than the ending says.
    """
    ending = path.suffix.lower()
    driver = DRIVERS.get(ending)
    if driver is None:
        raise InputError(f"{path.name}: one of {', '.join(DRIVERS)} is read 不支持的格式")
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
    if ending == ".fgb":
        return head.startswith(b"fgb\x03fgb")
    if ending == ".pbf":
        return b"OSMHeader" in head[:40]
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
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return _CRS_LINK.search(content) is not None
