"""Checks of an imported frame: typed good rows, and faults with row, field and reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import shapely

from layers.codes import check_uscc
from layers.codes import crs as crs_module
from layers.codes.identifiers import uscc_is_valid
from layers.errors import Fault, UnknownCrs
from layers.imports.columns import Column, FileKind
from layers.imports.readers import ROW

FUTURE_TOLERANCE = dt.timedelta(minutes=5)
"""Greatest accepted time after now, for clocks that run ahead."""


CELL_ERRORS = ("#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!")
"""Values that a spreadsheet writes where a formula failed."""


class CheckedFrame:
    """Frame during its checks: it collects masks of bad rows and separates good rows from bad ones."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.faults: list[Fault] = []
        self.times_without_zone = 0
        self._bad = np.zeros(frame.height, dtype=bool)

    def reject(self, bad: pl.Series | np.ndarray, field: str, reason: str | Callable[[str], str]) -> None:
        """Mark rows as bad; a row keeps all its reasons."""
        mask = np.asarray(bad, dtype=bool)
        if not mask.any():
            return
        rows = self.frame[ROW].to_numpy()[mask]
        values = (
            self.frame[field].cast(pl.Utf8, strict=False).to_numpy()[mask]
            if field in self.frame.columns
            else [""] * len(rows)
        )
        for row, value in zip(rows.tolist(), values, strict=True):
            said = "" if value is None else str(value)
            self.faults.append(
                Fault(int(row), field, reason(said) if callable(reason) else reason, said[:80])
            )
        self._bad |= mask

    @property
    def good(self) -> pl.DataFrame:
        """Rows without a fault."""
        return self.frame.filter(pl.Series(~self._bad))

    @property
    def bad(self) -> pl.DataFrame:
        """Rows with a fault."""
        return self.frame.filter(pl.Series(self._bad))


def check_frame(frame: pl.DataFrame, kind: FileKind, *, now: dt.datetime, zone: str = "UTC") -> CheckedFrame:
    """Convert and check every column of a frame by its file kind.

    Parameters
    ----------
    frame : polars.DataFrame
        Text or typed columns, and the row number.
    kind : FileKind
    now : datetime
        Times more than 5 minutes after this are faults.
    zone : str
        Time zone of times that are written without one. An hour that a change of the clocks skips is a fault,
        of an hour that it repeats the first is meant.

    Returns
    -------
    CheckedFrame
        Missing optional columns are added as nulls.
    """
    missing = [pl.lit(None, dtype=pl.Utf8).alias(c.name) for c in kind.columns if c.name not in frame.columns]
    checked = CheckedFrame(frame.with_columns(missing))
    for column in kind.columns:
        _check_column(checked, column, now, zone)
    if "uscc" in checked.frame.columns:
        codes = checked.frame["uscc"].fill_null("")
        checked.reject(~uscc_is_valid(codes.to_numpy().astype(str)), "uscc", _uscc_reason)
    if kind.name not in ("tracks", "meters"):
        repeated = checked.frame.select(
            pl.struct(kind.key).is_duplicated() & ~pl.struct(kind.key).is_first_distinct()
        )
        checked.reject(
            repeated.to_series(), kind.key[0], f"{', '.join(kind.key)} stands in the file twice 重复"
        )
    return checked


def check_texts(checked: CheckedFrame, kind: FileKind) -> None:
    """Reject formulas and error values of a spreadsheet in the texts of a register or a duty list."""
    for column in kind.columns:
        if column.dtype != "text" or column.choices or column.name == "phone":
            continue
        text = checked.frame[column.name].fill_null("")
        formula = text.str.contains(r"^(=|@|[+-][^0-9\s])")
        checked.reject(formula, column.name, "begins like a formula; write its result 以公式开头，请填写结果")
        checked.reject(text.is_in(CELL_ERRORS), column.name, "an error value of a spreadsheet 单元格为错误值")


def _uscc_reason(code: str) -> str:
    try:
        check_uscc(code)
    except Exception as error:
        return str(error)
    return "not a valid unified social credit code"


def _check_column(checked: CheckedFrame, column: Column, now: dt.datetime, zone: str) -> None:
    name = column.name
    series = checked.frame[name]
    if series.dtype == pl.Utf8:
        series = series.str.strip_chars()
        series = series.set(series == "", None)
    empty = series.is_null()
    if column.dtype == "time":
        typed, without_zone = _times(series, zone)
        wrong = typed.is_null()
        checked.times_without_zone += without_zone
    else:
        typed, wrong = _typed(series, column)
    checked.reject(wrong & ~empty, name, f"not a {_DTYPE_WORDS[column.dtype]} 格式不符")
    checked.frame = checked.frame.with_columns(typed.alias(name))
    if not column.nullable:
        checked.reject(empty, name, "empty 为空")
    if column.choices:
        checked.reject(
            ~empty & ~typed.is_in(column.choices),
            name,
            f"不在可选值中 not one of {', '.join(column.choices)}",
        )
    _check_form(checked, column, typed)
    if column.dtype == "float":
        checked.reject(
            (typed.is_nan() | typed.is_infinite()).fill_null(False), name, "not a finite number 不是有限数"
        )
        if column.minimum is not None:
            checked.reject((typed < column.minimum).fill_null(False), name, f"小于 below {column.minimum:g}")
        if column.maximum is not None:
            checked.reject((typed > column.maximum).fill_null(False), name, f"大于 above {column.maximum:g}")
    if column.dtype == "time":
        checked.reject((typed > now + FUTURE_TOLERANCE).fill_null(False), name, "in the future 时间晚于现在")
    if name == "day" and not column.future:
        checked.reject(
            (typed > now.astimezone(ZoneInfo(zone)).date()).fill_null(False),
            name,
            "in the future 时间晚于现在",
        )


def _check_form(checked: CheckedFrame, column: Column, typed: pl.Series) -> None:
    if (form := column.form) is None:
        return
    too_long = (typed.str.len_chars() > form.max_length).fill_null(False)
    checked.reject(too_long, column.name, f"longer than 超过 {form.max_length}")
    other = (~typed.str.contains(form.pattern)).fill_null(False)
    checked.reject(other, column.name, f"{form.zh} only {form.en}")


_DTYPE_WORDS = {
    "text": "text",
    "float": "number",
    "date": "date (YYYY-MM-DD)",
    "time": "time (ISO 8601)",
    "wkt": "WKT geometry",
}


def _typed(series: pl.Series, column: Column) -> tuple[pl.Series, pl.Series]:
    """Convert the series to its type; also return a mask of the failures."""
    if column.dtype == "float":
        typed = series.cast(pl.Float64, strict=False)
    elif column.dtype == "date":
        typed = (
            series.str.to_date("%Y-%m-%d", strict=False)
            if series.dtype == pl.Utf8
            else series.cast(pl.Date, strict=False)
        )
    elif column.dtype == "wkt":
        texts = series.cast(pl.Utf8)
        geometry = shapely.from_wkt(texts.to_numpy(), on_invalid="ignore")
        bad = (
            shapely.is_missing(geometry)
            | ~np.isin(shapely.get_type_id(geometry), (3, 6))
            | ~shapely.is_valid(geometry)
        )
        return texts, pl.Series(bad)
    else:
        typed = series.cast(pl.Utf8, strict=False)
    return typed, typed.is_null()


def _times(series: pl.Series, zone: str) -> tuple[pl.Series, int]:
    """Convert to times in UTC; also return how many were written without a zone."""
    utc = pl.Datetime("us", "UTC")
    if series.dtype == pl.Utf8:
        if not series.len():
            return series.cast(utc), 0
        zoned = series.str.contains(r"(Z|[+-]\d\d:?\d\d)$").fill_null(False)
        text = pl.select(pl.when(zoned).then(series).otherwise(series + "Z")).to_series()
        read = text.str.to_datetime(time_unit="us", time_zone="UTC", strict=False, format=None)
        if zoned.all():
            return read, 0
        local = _in_zone(read.dt.replace_time_zone(None), zone)
        times = pl.select(pl.when(zoned).then(read).otherwise(local)).to_series()
        return times, int((~zoned & read.is_not_null()).sum())
    if isinstance(series.dtype, pl.Datetime):
        if series.dtype.time_zone:
            return series.dt.convert_time_zone("UTC").cast(utc), 0
        return _in_zone(series, zone).cast(utc), int(series.is_not_null().sum())
    return pl.Series(series.name, [None] * series.len(), dtype=utc), 0


def _in_zone(naive: pl.Series, zone: str) -> pl.Series:
    return naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
        "UTC"
    )


def to_storage(checked: CheckedFrame, crs: str) -> None:
    """Convert coordinates of a checked frame to the storage CRS; failures become faults.

    The columns are ``lon``, ``lat`` and ``boundary``.

    Raises
    ------
    UnknownCrs
    """
    lon = checked.frame["lon"].fill_null(float("nan")).to_numpy()
    lat = checked.frame["lat"].fill_null(float("nan")).to_numpy()
    geographic = crs in crs_module.GEOGRAPHIC
    if geographic:
        swapped = (np.abs(lat) > 90) & (np.abs(lon) <= 90) & (np.abs(lat) <= 180)
        checked.reject(swapped, "lat", "outside -90..90: longitude and latitude look swapped 经纬度疑似颠倒")
        checked.reject(
            ((np.abs(lat) > 90) & ~swapped) | (np.abs(lon) > 180), "lon", f"no degrees: not {crs}? 坐标系不符"
        )
        checked.reject((lon == 0) & (lat == 0), "lon", "0,0 is no position 无效位置")
    with np.errstate(invalid="ignore"):
        x, y = crs_module.to_storage(lon, lat, crs)
    lost = (
        (~np.isfinite(x) | ~np.isfinite(y) | (np.abs(y) > 90) | (np.abs(x) > 180))
        & np.isfinite(lon)
        & np.isfinite(lat)
    )
    if not geographic:
        degrees = (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
        checked.reject(
            degrees & np.isfinite(lon), "lon", f"looks like degrees, not metres of {crs} 疑似经纬度"
        )
        checked.reject(lost & ~degrees, "lon", f"does not fit {crs} 超出坐标系范围")
    checked.frame = checked.frame.with_columns(lon=pl.Series(x), lat=pl.Series(y))
    if "boundary" in checked.frame.columns:
        checked.frame = checked.frame.with_columns(boundary=_boundaries(checked.frame["boundary"], crs))


def _boundaries(series: pl.Series, crs: str) -> pl.Series:
    """Convert WKT in the file's CRS to hexadecimal WKB in the storage CRS; null stays null."""
    geometry = shapely.from_wkt(series.to_numpy(), on_invalid="ignore")
    moved = transform_geometries(geometry, crs)
    return pl.Series(shapely.to_wkb(moved, hex=True, include_srid=False).tolist(), dtype=pl.Utf8)


def transform_geometries(geometry: np.ndarray, crs: str) -> np.ndarray:
    """Convert geometries to the storage CRS, vertex by vertex.

    Equal vertices stay equal, so a coverage stays a coverage.

    Parameters
    ----------
    geometry : ndarray of shapely geometries, shape (n,)
    crs : str
        CRS of the geometries.

    Raises
    ------
    UnknownCrs
    """

    def move(xy: np.ndarray) -> np.ndarray:
        x, y = crs_module.to_storage(xy[:, 0], xy[:, 1], crs)
        return np.column_stack([x, y])

    return np.asarray(shapely.transform(geometry, move))


def reject_unknown_codes(checked: CheckedFrame, field: str, codes: Sequence[str], what: str) -> None:
    """Reject values of ``field`` that are not among ``codes``; empty values pass."""
    series = checked.frame[field]
    checked.reject(
        (series.is_not_null() & ~series.is_in(list(codes))).fill_null(False), field, f"unknown {what} 未登记"
    )


def require_crs(crs: str | None) -> str:
    """Return the CRS of a bulk file, which has no default.

    Raises
    ------
    UnknownCrs
    """
    if not crs:
        raise UnknownCrs(
            "name the file's CRS: --crs wgs84|cgcs2000|gcj02|bd09|EPSG:n (bulk files have no default)"
        )
    return crs
