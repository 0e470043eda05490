"""Fences from CSV, Parquet and geometry files.

As a table, checked beyond single values, ready to be written.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import shapely

from layers.codes import GEOGRAPHIC, check_declared_crs
from layers.errors import InputError
from layers.imports import FILE_KINDS, VEHICLE_KINDS, check_geometry_file, checks, require_file
from spatial_models.errors import ParameterError
from spatial_models.fences import TimeTable

FENCES = FILE_KINDS["fences"]
NAMES = tuple(column.name for column in FENCES.columns)
GEOMETRY_ENDINGS = (".gpkg", ".geojson", ".json", ".shp")


@contextmanager
def as_table(path: Path, crs: str) -> Iterator[Path]:
    """Yield the path of a CSV or Parquet file with ``boundary`` as WKT.

    A geometry file is rewritten for the time being.

    Raises
    ------
    layers.errors.InputError
        It cannot be read, or is in another CRS than the named one.
    """
    require_file(path)
    ending = path.suffix.lower()
    if ending not in GEOMETRY_ENDINGS and not (ending == ".parquet" and _is_geoparquet(path)):
        yield path
        return
    if ending != ".parquet":
        check_geometry_file(path)
    try:
        given = gpd.read_parquet(path) if ending == ".parquet" else gpd.read_file(path, engine="pyogrio")
    except Exception as error:
        raise InputError(f"{path}: not a readable geometry file ({error})") from error
    check_declared_crs(given.crs, crs, path.name)
    # a Shapefile cuts names after ten characters; of vehicle_kinds and vehicle_ids both pieces are still
    # apart
    whole = {name[:10]: name for name in NAMES if len(name) > 10}
    given = given.rename(columns={cut: name for cut, name in whole.items() if name not in given.columns})
    boundary = [
        None if g is None else shapely.to_wkt(shapely.force_2d(g), rounding_precision=-1)
        for g in given.geometry
    ]
    columns: dict[str, list[str | None]] = {"boundary": boundary}
    for name in NAMES:
        if name != "boundary" and name in given.columns:
            columns[name] = [_as_text(value) for value in given[name].tolist()]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "fences.parquet"
        pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).write_parquet(target)
        yield target


def _is_geoparquet(path: Path) -> bool:
    try:
        return b"geo" in (pq.read_schema(path).metadata or {})
    except Exception as error:
        raise InputError(f"{path}: not a Parquet file ({error})") from error


def _as_text(value: Any) -> str | None:
    """Return a value of any file as the text of a CSV: lists by semicolon, documents as JSON."""
    if isinstance(value, np.ndarray | list | tuple):
        return ";".join(str(part) for part in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    return None if value is None or value != value else str(value)


def check_fences(checked: checks.CheckedFrame, crs: str) -> None:
    """Bring boundaries to the storage CRS.

    Reject what is wrong beyond single values, by row, field and reason.
    """
    frame = checked.frame
    limit = (frame["rule"] == "dwell_limit") & frame["limit_s"].is_null()
    checked.reject(limit.fill_null(False), "limit_s", "a dwell limit needs it 限停规则须填写")
    for name in ("enter_fixes", "leave_fixes"):
        checked.reject(
            (frame[name] != frame[name].floor()).fill_null(False), name, "not a whole number 须为整数"
        )
    for name, reason in (("times", _table_fault), ("vehicle_kinds", _kinds_fault)):
        said = [None if value is None else reason(value) for value in frame[name].to_list()]
        for why in dict.fromkeys(filter(None, said)):
            checked.reject(np.array([one == why for one in said]), name, why)
    _to_storage(checked, crs)


def _table_fault(document: str) -> str | None:
    try:
        table = json.loads(document)
        if not isinstance(table, dict):
            return "time table: not a JSON object 时段不是 JSON 对象"
        TimeTable.from_dict(table)
    except (ParameterError, json.JSONDecodeError) as error:
        return f"{error} 时段有误"
    return None


def _kinds_fault(text: str) -> str | None:
    unknown = [kind for kind in _parts(text) if kind not in VEHICLE_KINDS]
    return f"{unknown[0]} is not one of {', '.join(VEHICLE_KINDS)} 不在可选值中" if unknown else None


def _parts(text: str) -> list[str]:
    """Parts of a list by semicolon (Chinese ones too) or of a JSON list."""
    if text.startswith("["):
        try:
            return [str(part) for part in json.loads(text)]
        except json.JSONDecodeError:
            return [text]
    return [part.strip() for part in text.replace("\uff1b", ";").split(";") if part.strip()]


def _to_storage(checked: checks.CheckedFrame, crs: str) -> None:
    shapes = shapely.force_2d(shapely.from_wkt(checked.frame["boundary"].to_numpy(), on_invalid="ignore"))
    given = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    checked.reject(shapely.is_empty(shapes), "boundary", "empty 为空")
    west, south, east, north = (np.where(given, edge, 0.0) for edge in shapely.bounds(shapes).T)
    degrees = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    if crs in GEOGRAPHIC:
        checked.reject(given & ~degrees, "boundary", f"no degrees: not {crs}? 坐标系不符")
        shapes[given & ~degrees] = None
    else:
        checked.reject(given & degrees, "boundary", f"looks like degrees, not metres of {crs} 疑似经纬度")
        shapes[given & degrees] = None
    with np.errstate(invalid="ignore"):
        moved = checks.transform_geometries(shapes, crs)
    bounds = shapely.bounds(moved)
    there = ~shapely.is_missing(moved)
    fits = np.isfinite(bounds).all(axis=1) & (np.abs(bounds) <= [180, 90, 180, 90]).all(axis=1)
    checked.reject(there & ~fits, "boundary", f"does not fit {crs} 超出坐标系范围")
    broken = there & fits & shapely.is_valid(shapes) & ~shapely.is_valid(moved)
    checked.reject(broken, "boundary", "not a valid polygon after conversion 转换后无效")
    checked.frame = checked.frame.with_columns(
        boundary=pl.Series(shapely.to_wkb(moved).tolist(), dtype=pl.Binary)
    )


def as_written(frame: pl.DataFrame) -> pl.DataFrame:
    """Return checked fences as `layers.records.fences.write_fences` takes them."""
    lists = {
        name: pl.Series(
            [None if text is None else _parts(text) for text in frame[name].to_list()],
            dtype=pl.List(pl.String),
        )
        for name in ("vehicle_kinds", "vehicle_ids")
    }
    whole = pl.col("enter_fixes", "leave_fixes").cast(pl.Int64)
    return frame.select(NAMES).with_columns(whole, **lists)
