"""Checks of an imported frame: typed good rows, and faults with row, field and reason."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import shapely

from layers.codes import check_uscc, iso_day, to_half_width
from layers.codes import crs as crs_module
from layers.codes.identifiers import uscc_is_valid
from layers.codes.written_values import BLANKS
from layers.errors import NOT_A_CHOICE, Fault, UnknownCrs
from layers.imports.columns import Column, FileKind
from layers.imports.names import words_of
from layers.imports.readers import ROW
from layers.imports.written_numbers import read_numbers
from layers.imports.written_times import read_times

FUTURE_TOLERANCE = dt.timedelta(minutes=5)
"""Greatest accepted time after now, for clocks that run ahead."""


CELL_ERRORS = ("#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!")
"""Values that a spreadsheet writes where a formula failed."""


_CONTROL = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]"
LONGEST_TEXT = 2_000
"""Greatest length of a text of a register or a duty list, in characters."""


class CheckedFrame:
    """Frame during its checks: it collects masks of bad rows and separates good rows from bad ones."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.faults: list[Fault] = []
        self.times_without_zone = self.written_degrees = self.grouped_numbers = 0
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

    def take(self, faults: Sequence[Fault]) -> None:
        """Add faults that were found before, while the file was read."""
        self.faults += faults
        self._bad |= self.frame[ROW].is_in([fault.row for fault in faults]).to_numpy()

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
        if column.dtype == "moment":  # read with the other columns of its row
            plain = _plain(checked.frame[column.name], column)
            checked.frame = checked.frame.with_columns(plain.alias(column.name))
        else:
            _check_column(checked, column, now, zone)
    if "uscc" in checked.frame.columns:
        codes = checked.frame["uscc"]
        valid = uscc_is_valid(codes.fill_null("").to_numpy().astype(str))
        may_be_empty = next((c.nullable for c in kind.columns if c.name == "uscc"), False)
        checked.reject(~valid & (codes.is_not_null().to_numpy() | (not may_be_empty)), "uscc", _uscc_reason)
    if kind.name not in ("tracks", "meters"):
        repeated = checked.frame.select(
            pl.struct(kind.key).is_duplicated() & ~pl.struct(kind.key).is_first_distinct()
        )
        checked.reject(
            repeated.to_series(), kind.key[0], f"{', '.join(kind.key)} stands in the file twice 重复"
        )
    return checked


def check_texts(checked: CheckedFrame, kind: FileKind) -> None:
    """Reject what is no text of a register or a duty list.

    Control characters, too long ones, formulas and error values of a spreadsheet.
    """
    for column in kind.columns:
        if column.dtype != "text" or column.choices:
            continue
        text = checked.frame[column.name].fill_null("")
        checked.reject(text.str.contains(_CONTROL), column.name, "has control characters 含有控制字符")
        checked.reject(
            text.str.len_chars() > LONGEST_TEXT, column.name, f"longer than 超过 {LONGEST_TEXT} 个字符"
        )
        if column.name == "phone":
            continue
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
    series = _plain(checked.frame[name], column)
    empty = (
        series.is_null() | series.is_nan()
        if series.dtype.is_float() and column.dtype == "text"
        else series.is_null()
    )
    if column.dtype == "time":
        typed, without_zone = read_times(series, zone)
        wrong = typed.is_null()
        checked.times_without_zone += without_zone
    elif column.dtype == "float":
        typed, read = read_numbers(series, column.axis)
        wrong = typed.is_null()
        checked.written_degrees += read if column.axis else 0
        checked.grouped_numbers += 0 if column.axis else read
    else:
        typed, wrong = _typed(series, column)
    if series.dtype.is_float() and column.dtype == "text":
        checked.reject(
            wrong & ~empty, name, "a number with a fraction or above 2^53, no text 数值有小数或位数超出精度"
        )
    else:
        words = (
            "number of degrees (105.5, 105.5°E, 105°30′00″)" if column.axis else _DTYPE_WORDS[column.dtype]
        )
        checked.reject(wrong & ~empty, name, f"not a {words} 格式不符")
    checked.frame = checked.frame.with_columns(typed.alias(name))
    if not column.nullable:
        checked.reject(empty, name, "empty 为空")
    if column.choices:
        checked.reject(
            ~empty & ~typed.is_in(column.choices),
            name,
            f"{NOT_A_CHOICE} not one of {', '.join(column.choices)}",
        )
    _check_form(checked, column, typed)
    if column.dtype == "float":
        _check_range(checked, column, typed)
    if column.dtype == "time":
        checked.reject((typed > now + FUTURE_TOLERANCE).fill_null(False), name, "in the future 时间晚于现在")
    if name == "day" and not column.future:
        checked.reject(
            (typed > now.astimezone(ZoneInfo(zone)).date()).fill_null(False),
            name,
            "in the future 时间晚于现在",
        )


def _check_range(checked: CheckedFrame, column: Column, typed: pl.Series) -> None:
    name = column.name
    checked.reject(
        (typed.is_nan() | typed.is_infinite()).fill_null(False), name, "not a finite number 不是有限数"
    )
    if column.minimum is not None:
        checked.reject((typed < column.minimum).fill_null(False), name, f"小于 below {column.minimum:g}")
    if column.maximum is not None:
        checked.reject((typed > column.maximum).fill_null(False), name, f"大于 above {column.maximum:g}")


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


_DAY_ALONE = r"^\d{4}(?:[-/.]|年\s*)\d{1,2}(?:[-/.]|月\s*)\d{1,2}日?$|^\d{8}$"
_WIDE = r"[\u3000\uff01-\uff5e]"
_ID_ENDINGS = ("code", "codes", "id", "ids", "uscc", "_no")
LARGEST_WHOLE = 2**53
"""Above it a floating point number has lost digits."""


def _plain(series: pl.Series, column: Column) -> pl.Series:
    """Return a written column without blanks at the ends, wide digits and words for its choices."""
    if series.dtype != pl.Utf8:
        return series
    series = series.str.strip_chars(BLANKS)
    series = series.set(series == "", None)
    is_id = column.name.endswith(_ID_ENDINGS)
    if (column.dtype != "text" or column.choices or is_id) and series.str.contains(_WIDE).any():
        series = _by_value(series, series.str.contains(_WIDE), to_half_width)
    if column.choices:
        words = words_of(column)
        series = series.replace(words) if words else series
    if column.dtype == "date":
        series = _by_value(
            series, ~series.str.contains(r"^\d{4}-\d\d-\d\d$"), lambda text: iso_day(text) or text
        )
    elif (
        column.dtype == "moment"
    ):  # a day in any form; what has a time is read with the other columns of its row
        series = _by_value(series, series.str.contains(_DAY_ALONE), lambda text: iso_day(text) or text)
    return series


def _by_value(series: pl.Series, where: pl.Series, change: Callable[[str], str]) -> pl.Series:
    """Change the values where a mask says so, each different one once."""
    texts = series.filter(where.fill_null(False)).unique().to_list()
    return series.replace({text: change(text) for text in texts}) if texts else series


def _whole_numbers_as_text(series: pl.Series) -> pl.Series:
    """Return floating point numbers as the digits of whole numbers; null for one that is none, or lost digits."""
    whole = (series == series.floor()) & (series.abs() < LARGEST_WHOLE)
    return series.set(~whole.fill_null(False), None).cast(pl.Int64, strict=False).cast(pl.Utf8)


def _typed(series: pl.Series, column: Column) -> tuple[pl.Series, pl.Series]:
    """Convert the series to its type; also return a mask of the failures."""
    if column.dtype == "date":
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
    elif series.dtype.is_float():
        typed = _whole_numbers_as_text(series.fill_nan(None))
    else:
        typed = series.cast(pl.Utf8, strict=False)
    return typed, typed.is_null()


def to_storage(checked: CheckedFrame, crs: str) -> None:
    """Convert coordinates of a checked frame to the storage CRS; failures become faults.

    The columns are ``lon``, ``lat`` and ``boundary``.

    Raises
    ------
    UnknownCrs
    """
    lon = checked.frame["lon"].fill_null(float("nan")).to_numpy()
    lat = checked.frame["lat"].fill_null(float("nan")).to_numpy()
    geographic = crs_module.is_geographic(crs)
    if geographic:
        swapped = (np.abs(lat) > 90) & (np.abs(lon) <= 90) & (np.abs(lat) <= 180)
        checked.reject(swapped, "lat", "outside -90..90: longitude and latitude look swapped 经纬度疑似颠倒")
        checked.reject(((np.abs(lat) > 90) & ~swapped) | (np.abs(lon) > 180), "lon", no_degrees(crs))
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
        checked.reject(degrees & np.isfinite(lon), "lon", like_degrees(crs))
        checked.reject(lost & ~degrees, "lon", does_not_fit(crs))
    checked.frame = checked.frame.with_columns(
        lon=pl.Series(x).fill_nan(None), lat=pl.Series(y).fill_nan(None)
    )
    if "boundary" in checked.frame.columns:
        shapes = shapely.from_wkt(checked.frame["boundary"].to_numpy(), on_invalid="ignore")
        moved = shapes_to_storage(checked, shapes, crs, "boundary")
        hexadecimal = shapely.to_wkb(moved, hex=True, include_srid=False).tolist()
        checked.frame = checked.frame.with_columns(boundary=pl.Series(hexadecimal, dtype=pl.Utf8))


def reject_placeless(checked: CheckedFrame) -> None:
    """Reject sites with one coordinate of two, and those with neither coordinates nor an address."""
    good = pl.Series(~checked._bad)
    lon, lat = (checked.frame[name].is_null() for name in ("lon", "lat"))
    checked.reject(good & lon & ~lat, "lon", "empty 为空")
    checked.reject(good & lat & ~lon, "lat", "empty 为空")
    nowhere = good & lon & lat & checked.frame["address"].is_null()
    checked.reject(nowhere, "lon", "neither coordinates nor an address 既无坐标也无地址")


def no_degrees(crs: str) -> str:
    """Return the reason for metres in a file that is said to be in degrees."""
    return f"no degrees: not {crs_module.crs_label(crs)}? 坐标系不符"


def like_degrees(crs: str) -> str:
    """Return the reason for degrees in a file that is said to be in metres."""
    return f"looks like degrees, not metres of {crs_module.crs_label(crs)} 疑似经纬度"


def does_not_fit(crs: str) -> str:
    """Return the reason for coordinates that the system does not reach."""
    return f"does not fit {crs_module.crs_label(crs)} 超出坐标系范围"


def shapes_to_storage(checked: CheckedFrame, shapes: np.ndarray, crs: str, field: str) -> np.ndarray:
    """Convert the shapes of a checked frame to the storage CRS; one that cannot be in the CRS is a fault.

    Metres that are said to be degrees and degrees that are said to be metres are refused, and what the system
    does not reach.

    Parameters
    ----------
    checked : CheckedFrame
        With one row for each shape.
    shapes : ndarray of shapely geometries, shape (n,)
        In the CRS of the file; None and empty ones pass.
    crs : str
    field : str
        Name of the column, for the faults.

    Returns
    -------
    ndarray
        Shapes in EPSG:4326; None for one with a fault.
    """
    shapes = np.array(shapely.force_2d(shapes), dtype=object)
    given = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    west, south, east, north = (np.where(given, edge, 0.0) for edge in shapely.bounds(shapes).T)
    degrees = (west >= -180) & (east <= 180) & (south >= -90) & (north <= 90)
    if crs_module.is_geographic(crs):
        turned = given & ~degrees & (west >= -90) & (east <= 90) & (south >= -180) & (north <= 180)
        checked.reject(turned, field, "longitude and latitude look swapped 经纬度疑似颠倒")
        wrong = given & ~degrees
        checked.reject(wrong & ~turned, field, no_degrees(crs))
    else:
        wrong = given & degrees
        checked.reject(wrong, field, like_degrees(crs))
    shapes[wrong] = None
    if crs in crs_module.AS_STORED:
        return shapes
    with np.errstate(invalid="ignore"):
        moved = transform_geometries(shapes, crs)
    bounds = shapely.bounds(moved)
    there = given & ~wrong
    fits = np.isfinite(bounds).all(axis=1) & (np.abs(bounds) <= [180, 90, 180, 90]).all(axis=1)
    checked.reject(there & ~fits, field, does_not_fit(crs))
    moved[there & ~fits] = None
    return moved


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
            "请用 --crs 注明文件的坐标系 name the file's CRS: --crs wgs84|cgcs2000|gcj02|bd09|EPSG:n"
            " (bulk files have no default)"
        )
    return crs
