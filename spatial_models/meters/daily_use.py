"""Use of each site and kind by intervals of whole local days, from readings of any length."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from spatial_models.errors import InputFrameError, NaiveTimeError
from spatial_models.frames import Array, float_column, select_columns
from spatial_models.meters.catalogue import KINDS
from spatial_models.meters.kernels import common_intervals

EPOCH = dt.date(1970, 1, 1)
_NEEDED = ("site_id", "kind", "meter_id", "from_at", "to_at", "value", "quality")
_KEY = ["site_id", "kind", "meter_id"]
_LEFT_OUT = ("unit_jump", "impossible")
_LOWERED = ("stuck", "swap", "rollover")
_WEIGHT = {"measured": 1.0, "computed": 0.7, "estimated": 0.0, "missing": 0.0}
_STUCK_WEIGHT = 0.15
_DAY_S = 86_400
_ONE_DAY_S = 36 * 3600
"""Intervals up to this length count for the one local day of their middle."""
_HOURLY_S = 3 * 3600
"""Intervals up to this length tell day from night."""
_LEAST_COVERAGE = 0.8
"""Least part of a day that must be read, if its use is to be that of the whole day."""


@dataclass
class UseSeries:
    """Use of one site and kind; the meters of the site are summed.

    Attributes
    ----------
    site_id, kind : str
    start, length : ndarray of int64
        First local day (since 1970) and number of days of each interval; sorted, none overlaps.
    use : ndarray of float64
        Mean use a day (24 hours).
    weight : ndarray of float64
        1 measured, 0.7 computed, 0 estimated or in an outage; 0.15 times for a stuck meter.
    night : ndarray of float64
        Share of the day's use from 22 to 06, NaN where the day was not read by the hour.
    told : dict of str to int
        Counts of rows or days: ``unit_jump``, ``impossible``, ``stuck``, ``swap``, ``rollover``, ``outage``.
    """

    site_id: str
    kind: str
    start: Array
    length: Array
    use: Array
    weight: Array
    night: Array
    told: dict[str, int] = field(default_factory=dict)


def use_series(
    readings: Any, site_ids: set[str], *, since: dt.date, at: dt.date, zone: str
) -> list[UseSeries]:
    """Build the series of the sites from readings that ended by the last moment of the local day ``at``.

    Parameters
    ----------
    readings : frame
        ``site_id, kind, meter_id, from_at, to_at, value, quality`` and, optionally, ``flags``.
    site_ids : set of str
    since, at : date
        First and last local day.
    zone : str
        Time zone of local days.

    Raises
    ------
    InputFrameError

    Examples
    --------
    Two half days are one day; a bill of 30 days stays one interval:

    >>> from datetime import UTC, datetime
    >>> begin = [datetime(2026, 1, 1), datetime(2026, 1, 1, 12), datetime(2026, 1, 2)]
    >>> end = [datetime(2026, 1, 1, 12), datetime(2026, 1, 2), datetime(2026, 2, 1)]
    >>> frame = pl.DataFrame({"site_id": "S", "kind": "power", "meter_id": "1", "from_at": begin, "to_at": end,
    ...     "value": [3.0, 5.0, 300.0], "quality": "measured"}).with_columns(
    ...     pl.col("from_at", "to_at").dt.replace_time_zone("UTC"))
    >>> [series] = use_series(frame, {"S"}, since=dt.date(2025, 1, 1), at=dt.date(2026, 2, 9), zone="UTC")
    >>> series.length.tolist(), series.use.tolist()
    ([1, 30], [8.0, 10.0])
    >>> use_series(frame.clear(), {"S"}, since=dt.date(2025, 1, 1), at=dt.date(2026, 2, 9), zone="UTC")
    []
    """
    rows = _usable_rows(readings, site_ids, since, at, zone)
    told = _counts_told(rows)
    rows = rows.filter("usable")
    if rows.is_empty():
        return []
    intervals = pl.concat([_whole_days(rows), _long_intervals(rows)], how="diagonal").sort(*_KEY, "start")
    return list(_by_site(intervals, told, (at - EPOCH).days))


def _usable_rows(readings: Any, site_ids: set[str], since: dt.date, at: dt.date, zone: str) -> pl.DataFrame:
    """Return the rows in the window with local times, weight, and whether they are usable."""
    frame = select_columns(readings, "readings", _NEEDED, ("flags",))
    for name in ("from_at", "to_at"):
        dtype = frame[name].dtype
        if isinstance(dtype, pl.Datetime) and dtype.time_zone is None:
            raise NaiveTimeError(
                f"readings: column {name} has times without a zone; say which (UTC: tz='UTC')"
            )
        if not isinstance(dtype, pl.Datetime) and (frame.height or dtype != pl.Null):
            raise InputFrameError(f"readings: column {name} holds {dtype}, not times with a zone")
    if frame.is_empty():
        return frame.clear().with_columns(usable=pl.lit(False), flags=pl.lit([], pl.List(pl.String)))
    flags = (
        pl.col("flags").cast(pl.List(pl.String)).fill_null([])
        if "flags" in frame.columns
        else pl.lit([], pl.List(pl.String))
    )
    day_end = dt.datetime.combine(at + dt.timedelta(days=1), dt.time())
    local = [
        pl.col(n).dt.cast_time_unit("us").dt.convert_time_zone(zone).dt.replace_time_zone(None)
        for n in ("from_at", "to_at")
    ]
    frame = frame.with_columns(
        *(pl.col(n).cast(pl.String) for n in ("site_id", "kind", "meter_id")),
        quality=pl.col("quality").cast(pl.String).fill_null("measured"),
        value=pl.Series(float_column(frame["value"], "readings")),
        flags=flags,
        seconds=(pl.col("to_at") - pl.col("from_at")).dt.total_seconds(),
        local_from=local[0],
        local_to=local[1],
    ).filter(
        pl.col("site_id").is_in(sorted(site_ids)) & pl.col("kind").is_in(KINDS)
        & (pl.col("seconds") > 0) & (pl.col("local_to") <= day_end)
        & (pl.col("local_from") >= dt.datetime.combine(since, dt.time()))
    )  # fmt: skip
    stuck = pl.col("flags").list.contains("stuck") & (pl.col("value") > 0)
    left_out = pl.any_horizontal(*(pl.col("flags").list.contains(flag) for flag in _LEFT_OUT))
    return frame.with_columns(
        weight=pl.col("quality").replace_strict(_WEIGHT, default=0.0, return_dtype=pl.Float64)
        * pl.when(stuck).then(_STUCK_WEIGHT).otherwise(1.0),
        usable=pl.col("value").is_finite()
        & (pl.col("value") >= 0)
        & (pl.col("quality") != "missing")
        & ~left_out,
        impossible=pl.col("value").is_infinite() | (pl.col("value") < 0),
    )


def _counts_told(rows: pl.DataFrame) -> dict[tuple[str, str], dict[str, int]]:
    """Return counts of flagged and impossible rows by site and kind."""
    if rows.is_empty():
        return {}
    flagged = rows.filter((pl.col("flags").list.len() > 0) | pl.col("impossible"))
    counts = flagged.group_by("site_id", "kind").agg(
        *(pl.col("flags").list.contains(flag).sum().alias(flag) for flag in (*_LOWERED, "unit_jump")),
        impossible=(pl.col("flags").list.contains("impossible") | pl.col("impossible")).sum(),
    )
    return {
        (row["site_id"], row["kind"]): {name: int(row[name]) for name in counts.columns[2:] if row[name]}
        for row in counts.iter_rows(named=True)
    }


def _whole_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Return use a day from readings of up to 36 hours, each counted for the local day of its middle."""
    middle = pl.col("local_from") + (pl.col("local_to") - pl.col("local_from")) / 2
    short = rows.filter(pl.col("seconds") <= _ONE_DAY_S).with_columns(
        start=middle.dt.date().cast(pl.Int32).cast(pl.Int64), hour=middle.dt.hour()
    )
    days = short.group_by(*_KEY, "start").agg(
        use=pl.col("value").sum(),
        coverage=pl.col("seconds").sum() / _DAY_S,
        weight=(pl.col("weight") * pl.col("seconds")).sum() / pl.col("seconds").sum(),
    )
    hourly = short.filter(pl.col("seconds") <= _HOURLY_S)
    if hourly.height:
        at_night = (pl.col("hour") >= 22) | (pl.col("hour") < 6)
        nights = hourly.group_by(*_KEY, "start").agg(
            night_use=pl.col("value").filter(at_night).sum(),
            hour_use=pl.col("value").sum(),
            hour_coverage=pl.col("seconds").sum() / _DAY_S,
        )
        days = days.join(nights, on=[*_KEY, "start"], how="left").with_columns(
            night=pl.when((pl.col("hour_use") > 0) & (pl.col("hour_coverage") >= _LEAST_COVERAGE)).then(
                pl.col("night_use") / pl.col("hour_use")
            )
        )
    else:
        days = days.with_columns(night=pl.lit(None, pl.Float64))
    return days.filter(pl.col("coverage") >= _LEAST_COVERAGE).select(
        *_KEY, "start", "weight", "night", use=pl.col("use") / pl.col("coverage"), length=pl.lit(1, pl.Int64)
    )


def _long_intervals(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the readings of more than 36 hours as intervals between the nearest local midnights."""
    half = pl.duration(hours=12)
    begin, end = (
        (pl.col(n) + half).dt.date().cast(pl.Int32).cast(pl.Int64) for n in ("local_from", "local_to")
    )
    return rows.filter(pl.col("seconds") > _ONE_DAY_S).select(
        *_KEY,
        start=begin,
        length=end - begin,
        use=pl.col("value"),
        weight=pl.col("weight"),
        night=pl.lit(None, pl.Float64),
    )


def _by_site(
    intervals: pl.DataFrame, told: dict[tuple[str, str], dict[str, int]], today: int
) -> Iterator[UseSeries]:
    """Yield the series of each site and kind, its meters summed."""
    codes = intervals.select(
        series=pl.struct("site_id", "kind").rle_id(), meter=pl.struct(*_KEY).rle_id().cast(pl.Int64)
    )
    series, meter = codes["series"].to_numpy(), codes["meter"].to_numpy()
    start, length = intervals["start"].to_numpy(), intervals["length"].to_numpy()
    use, weight = intervals["use"].to_numpy(), intervals["weight"].to_numpy()
    night = intervals["night"].fill_null(float("nan")).to_numpy()
    bounds = np.flatnonzero(np.diff(series, prepend=-1, append=-1))
    site_ids, kinds = intervals["site_id"].gather(bounds[:-1]), intervals["kind"].gather(bounds[:-1])
    for site_id, kind, a, b in zip(site_ids, kinds, bounds[:-1], bounds[1:], strict=True):
        known, part = told.get((site_id, kind), {}), slice(a, b)
        begin, days, mean, weights = common_intervals(
            meter[part], start[part], length[part], use[part], weight[part], today
        )
        nights = _night_shares(begin, start[part], use[part], night[part])
        yield UseSeries(site_id, kind, begin, days, mean, weights, nights, known)


def _night_shares(days: Array, start: Array, use: Array, night: Array) -> Array:
    """Return the night share of each interval of ``days``, weighted by the use of the meters."""
    known = np.isfinite(night)
    shares = np.full(len(days), np.nan)
    if not known.any() or not len(days):
        return shares
    first = int(min(days[0], start.min()))
    at, n = start[known] - first, int(max(days[-1], start.max())) - first + 1
    weight = np.bincount(at, use[known], n)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_day = np.bincount(at, use[known] * night[known], n) / weight
    return np.asarray(np.where(weight[days - first] > 0, by_day[days - first], np.nan))
