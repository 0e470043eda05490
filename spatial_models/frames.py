"""Conversion of input frames (polars, pandas, pyarrow) to checked polars columns."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from spatial_models.errors import InputFrameError, NaiveTimeError

Array = np.ndarray[Any, Any]

MAX_MS = 4_000_000_000_000_000
"""Greatest number of milliseconds that fits into 64 bits as microseconds."""
LOCAL_ZONE = "Asia/Shanghai"
"""Time zone of local days and nights where none is given."""


def to_polars(frame: Any, name: str, columns: tuple[str, ...]) -> pl.DataFrame:
    """Return the named columns of a polars, pandas or pyarrow frame as a polars frame.

    Parameters
    ----------
    frame : polars.DataFrame, polars.LazyFrame, pandas.DataFrame or pyarrow.Table
    name : str
        Name of the frame in error messages.
    columns : tuple of str
        Columns that must be present.

    Raises
    ------
    InputFrameError
        When it is no frame, or a column is missing; the message names both.
    """
    if isinstance(frame, pl.LazyFrame):
        frame = _collected(frame, name)
    present = _column_names(frame, name)
    if missing := [column for column in columns if column not in present]:
        plural = "columns {} are" if len(missing) > 1 else "column {} is"
        raise InputFrameError(f"{name}: {plural.format(', '.join(missing))} missing")
    if isinstance(frame, pl.DataFrame):
        return frame.select(columns)
    try:
        if hasattr(frame, "to_pandas"):  # pyarrow
            converted = pl.from_arrow(frame.select(list(columns)))
        else:
            converted = pl.from_pandas(_without_naive_times(frame[list(columns)], name))
    except (InputFrameError, KeyboardInterrupt):
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        raise InputFrameError(f"{name}: cannot be read as a frame: {error}") from error
    assert isinstance(converted, pl.DataFrame)
    return converted


def select_columns(
    frame: Any, name: str, needed: tuple[str, ...], optional: tuple[str, ...] = ()
) -> pl.DataFrame:
    """Return the needed columns and those optional columns that are present, as polars.

    Parameters
    ----------
    frame, name
        As in `to_polars`.
    needed, optional : tuple of str

    Raises
    ------
    InputFrameError
    """
    if isinstance(frame, pl.LazyFrame):
        frame = _collected(frame, name)
    present = _column_names(frame, name)
    return to_polars(frame, name, (*needed, *(column for column in optional if column in present)))


def _collected(frame: pl.LazyFrame, name: str) -> pl.DataFrame:
    try:
        return frame.collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise InputFrameError(f"{name}: cannot be read as a frame: {error}") from error


def _without_naive_times(frame: Any, name: str) -> Any:
    """Return the pandas frame unless a column of objects holds times without a zone.

    Such a column may mix times with and without a zone, and polars would read all of them as UTC.

    Such a column may mix times with and without a zone, and polars would read all of them as UTC.
    """
    for column in frame.columns:
        values = frame[column]
        if values.dtype != object or isinstance(values.head(1).squeeze(), str):
            continue
        if any(isinstance(v, dt.datetime) and v.tzinfo is None and v == v for v in values):
            raise NaiveTimeError(
                f"{name}: column {column} has times without a zone; say which (UTC: tz='UTC')"
            )
    return frame


def _column_names(frame: Any, name: str) -> list[str]:
    if hasattr(frame, "column_names"):
        return list(frame.column_names)
    if hasattr(frame, "columns"):
        return list(frame.columns)
    raise InputFrameError(f"{name}: a polars, pandas or pyarrow frame is needed, got {type(frame).__name__}")


def epoch_us(column: pl.Series, name: str) -> Array:
    """Convert a column of times to microseconds since 1970 UTC, int64.

    Null and times that do not fit into 64 bits become the smallest int64.

    Null and times that do not fit into 64 bits become the smallest int64.

    Raises
    ------
    NaiveTimeError
        Times without zone.
    InputFrameError
        No times at all.
    """
    no_time = np.iinfo(np.int64).min
    dtype = column.dtype
    if dtype == pl.Null:
        return np.full(len(column), no_time, np.int64)
    if not isinstance(dtype, pl.Datetime):
        raise InputFrameError(f"{name}: column {column.name} holds {dtype}, not times with a zone")
    if dtype.time_zone is None:
        raise NaiveTimeError(
            f"{name}: column {column.name} has times without a zone; say which (UTC: tz='UTC')"
        )
    physical = column.to_physical()
    raw: Array = (physical.fill_null(no_time) if column.null_count() else physical).to_numpy()
    if dtype.time_unit == "us":
        return raw
    if dtype.time_unit == "ns":
        return np.where(raw == no_time, no_time, raw // 1000)
    if raw.size and (raw.min() < -MAX_MS or raw.max() > MAX_MS):
        raw = np.where((raw >= -MAX_MS) & (raw <= MAX_MS), raw, no_time // 1000 - 1)
        return np.where(raw < -MAX_MS, no_time, raw * 1000)
    return raw * 1000


def float_column(column: pl.Series, name: str) -> Array:
    """Convert a column to float64; null and values that are no numbers become NaN.

    Raises
    ------
    InputFrameError
        The column is neither numeric, boolean nor text.
    """
    if column.dtype != pl.Null and not (column.dtype.is_numeric() or column.dtype in (pl.Boolean, pl.String)):
        raise InputFrameError(f"{name}: column {column.name} holds {column.dtype}, not numbers")
    values = column.cast(pl.Float64, strict=False)
    array: Array = (values.fill_null(float("nan")) if values.null_count() else values).to_numpy()
    return array


def utc_times(us: Array) -> pl.Series:
    """Convert microseconds since 1970 UTC to polars times; the smallest int64 becomes null."""
    # numpy's "not a time" is the smallest int64, and polars reads it as null
    times = np.ascontiguousarray(us, np.int64).view("datetime64[us]")
    return pl.Series(times).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
