"""Reader of area files: GeoPackage, Shapefile, GeoJSON and GeoParquet.

Column names and values are normalised to the columns of areas.
"""

from __future__ import annotations

import glob
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from layers.codes import CHINESE_ENCODING, iso_day, plain_text, to_half_width
from layers.errors import InputError, MissingColumns
from layers.imports.columns import FILE_KINDS
from layers.imports.geometry_files import check_geometry_file

if TYPE_CHECKING:
    import geopandas as gpd

AREAS = FILE_KINDS["areas"]
_REQUIRED = [column.name for column in AREAS.columns if column.required]
_CODES = ("code", "kind", "parent_code", "predecessor_codes")
_NO_CODE_PAGE = (0x00, 0x57)
"""Language driver ids of a .dbf that name no code page."""


def read_area_file(path: Path) -> gpd.GeoDataFrame:
    """Read an area file; its CRS stays in ``.crs`` and its geometry unchanged.

    Column names are recognised in any case, in Chinese, and cut to ten characters as in a Shapefile. Of
    several layers the first one with the required columns is read. A ``.dbf`` that names no code page is read
    as UTF-8 when its bytes are UTF-8, else as GB 18030.

    Parameters
    ----------
    path : Path

    Returns
    -------
    GeoDataFrame
        Columns of the file kind ``areas``.

    Raises
    ------
    InputError
        No such file, not readable, without geometry, or without any row.
    MissingColumns
    """
    import geopandas as gpd  # half a second, which a command line without an area file saves

    if not path.exists():
        raise InputError(f"{path}: no such file 文件不存在")
    try:
        frame = gpd.read_parquet(path) if path.suffix.lower() == ".parquet" else _read(path)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: not a readable area file 无法读取区域文件 ({error})") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"{path}: has no geometry 没有几何列")
    frame = frame.rename(columns=_column_renames(frame.columns)).reset_index(drop=True)
    names = [str(name) for name in frame.columns]
    if missing := [name for name in _REQUIRED if name not in names]:
        raise MissingColumns.of(path, missing, names)
    if frame.empty:
        raise InputError(f"{path}: has no rows 没有记录")
    return _normalise_values(frame)


def _read(path: Path) -> Any:
    import geopandas as gpd
    import pyogrio

    check_geometry_file(path)
    layers = [str(name) for name, _ in pyogrio.list_layers(path)]
    fitting = (name for name in layers if len(layers) > 1 and _has_required_columns(path, name))
    chosen = next(fitting, layers[0] if layers else None)
    return gpd.read_file(path, engine="pyogrio", layer=chosen, encoding=shapefile_encoding(path))


def _has_required_columns(path: Path, layer: str) -> bool:
    import pyogrio

    names = [str(name) for name in pyogrio.read_info(path, layer=layer)["fields"]]
    return set(_REQUIRED) <= set(_column_renames(names).values()) | set(names)


def _column_renames(names: Iterable[object]) -> dict[str, str]:
    """Map names in the file to column names, where they differ; a correct name is not changed."""
    given = [str(name) for name in names]
    ours: dict[str, str] = {}
    for column in AREAS.columns:
        chinese = column.headings[-1]
        for name in given:
            forms = (*column.headings, column.name[:10], chinese[:5], chinese[:3])
            if column.name not in given and name not in ours and name.strip().lower() in forms:
                ours[name] = column.name
                break
    return ours


def shapefile_encoding(path: Path) -> str | None:
    """Return the code page of a Shapefile that names none or wrongly names UTF-8; else None."""
    table, page = _attributes(path)
    if len(table) < 32:
        return None
    told = page.decode("ascii", "ignore").strip().lower()
    if (told or table[29] not in _NO_CODE_PAGE) and told.replace("-", "") not in ("utf8", "65001"):
        return None
    try:
        table[int.from_bytes(table[8:10], "little") :].decode("utf-8")
    except UnicodeDecodeError:
        return CHINESE_ENCODING
    return "UTF-8"


def _attributes(path: Path) -> tuple[bytes, bytes]:
    """Return the contents of ``.dbf`` and ``.cpg`` of a Shapefile, also of a zipped one; empty if missing."""
    found = {".dbf": b"", ".cpg": b""}
    if path.suffix.lower() == ".shp":
        for file in path.parent.glob(f"{glob.escape(path.stem)}.*"):
            if file.stem == path.stem and file.suffix.lower() in found:
                found[file.suffix.lower()] = file.read_bytes()
    elif path.suffix.lower() == ".zip":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name[-4:].lower() in found:
                    found[name[-4:].lower()] = archive.read(name)
    return found[".dbf"], found[".cpg"]


def _normalise_values(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Convert codes and names to text, days to ``YYYY-MM-DD``, empty numbers to None.

    Unreadable values stay as they are.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for column in AREAS.columns:
        if column.name not in frame:
            continue
        values = [plain_text(value) for value in frame[column.name]]
        if column.name in _CODES:
            values = [None if value is None else to_half_width(value).removesuffix(".0") for value in values]
        elif column.dtype == "date":
            values = [None if value is None else iso_day(value) or value for value in values]
        elif column.dtype == "float":
            values = [None if value is None else to_half_width(value) for value in values]
        columns[column.name] = pd.Series(values, index=frame.index, dtype=object)
    return frame.assign(**columns)
