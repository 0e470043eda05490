"""Fences from CSV, Parquet and geometry files.

As a table, checked beyond single values, ready to be written.
"""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import shapely

from layers.imports import FILE_KINDS, VEHICLE_KINDS, checks
from spatial_models.errors import ParameterError
from spatial_models.fences import TimeTable

FENCES = FILE_KINDS["fences"]
NAMES = tuple(column.name for column in FENCES.columns)


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
    moved = checks.shapes_to_storage(checked, shapes, crs, "boundary")
    fits = given & ~shapely.is_missing(moved)
    broken = fits & shapely.is_valid(shapes) & ~shapely.is_valid(moved)
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
        for name in ("vehicle_kinds", "vehicle_ids", "exempt_vehicle_ids")
    }
    whole = pl.col("enter_fixes", "leave_fixes").cast(pl.Int64)
    return frame.select(NAMES).with_columns(whole, **lists)
