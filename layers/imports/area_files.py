"""Reader of area files: GeoPackage, Shapefile, GeoJSON, FlatGeobuf, KML and GeoParquet.

Column names and values are normalised to the columns of areas.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from layers.codes import iso_day, to_half_width
from layers.errors import InputError
from layers.imports.column_map import (
    NO_MAP,
    ColumnMap,
    after_reading,
    mapped_columns_at,
    mapped_value,
    require_columns,
)
from layers.imports.columns import FILE_KINDS
from layers.imports.geometry_files import read_geometry_file
from layers.imports.names import words_of

if TYPE_CHECKING:
    import geopandas as gpd

AREAS = FILE_KINDS["areas"]
_CODES = ("code", "kind", "parent_code", "predecessor_codes")


def read_area_file(
    path: Path,
    layer: str | None = None,
    notes: list[str] | None = None,
    column_map: ColumnMap = NO_MAP,
) -> gpd.GeoDataFrame:
    """Read an area file, or one layer of it; its CRS stays in ``.crs`` and its geometry unchanged.

    Column names are recognised in any case, in Chinese, and cut to ten characters as in a Shapefile.

    Parameters
    ----------
    path : Path
    layer : str, optional
        Of a file with several layers.
    notes : list of str, optional
        Gets what a person should know: the encoding, where it is not stated, and damaged values.
    column_map : ColumnMap
        Names and words of this source.

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
    if not path.exists():
        raise InputError(f"{path}: no such file 文件不存在")
    frame = read_geometry_file(path, layer, notes if notes is not None else [])
    names = [str(name) for name in frame.columns]
    shape = frame.geometry.name
    at = mapped_columns_at([None if name == shape else name for name in names], AREAS, column_map, cut=True)
    require_columns(path, AREAS, names, [column.name for _, column in at], column_map)
    constants = {name: value or None for name, value in column_map.constants.items()}
    columns = {column.name: frame[names[i]] for i, column in at} | constants
    frame = frame[[shape]].assign(**columns).reset_index(drop=True)
    if frame.empty:
        raise InputError(f"{path}: has no rows 没有记录")
    return _normalise_values(frame, column_map)


def _normalise_values(frame: gpd.GeoDataFrame, column_map: ColumnMap) -> gpd.GeoDataFrame:
    """Convert codes and names to text, days to ``YYYY-MM-DD``, empty numbers to None.

    Unreadable values stay as they are.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for column in AREAS.columns:
        if column.name not in frame:
            continue
        mapped = NO_MAP if column.name in column_map.constants else column_map
        values = [mapped_value(value, column, mapped) for value in frame[column.name]]
        if column.name in _CODES:
            values = [None if value is None else to_half_width(value).removesuffix(".0") for value in values]
        elif column.dtype == "date":
            values = [None if value is None else iso_day(value) or value for value in values]
        elif column.dtype == "float":
            values = [None if value is None else to_half_width(value) for value in values]
        if column.name == "kind":
            words = words_of(column)
            values = [words.get(value or "", value) for value in values]
        values = [after_reading(value, column, mapped) for value in values]
        columns[column.name] = pd.Series(values, index=frame.index, dtype=object)
    return frame.assign(**columns)
