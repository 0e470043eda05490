"""Rows of meter files as intervals or registers: the forms of times, units and qualities that are accepted."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from zoneinfo import ZoneInfo

import polars as pl

from layers.imports.checks import CheckedFrame
from layers.imports.readers import ROW
from layers.imports.written_times import read_clocks
from layers.readings import GIVEN, GREATEST_RATE, METER, UNIT_OF, local_midnight, unit_factor

LONGEST = dt.timedelta(days=400)
"""Longest interval that is a reading: a bill of a year."""
HOUR = dt.timedelta(hours=1)
_UTC = pl.Datetime("us", "UTC")
_PERIOD = r"^(\d{4})[-./年]?(\d{1,2})月?(?:[~/至—](\d{4})[-./年]?(\d{1,2})月?)?$"
TOLD = {
    "quality_assumed": (
        "{n:,} 行未注明质量，按实测（measured）读取，无数值的按缺失（missing）",
        "{n:,} rows without a quality, read as measured (without a value: missing)",
    ),
    "register_beside_value": (
        "{n:,} 行同时有用量和示数，只采用用量",
        "{n:,} rows have a value and a register: the value counts",
    ),
    "days_between": (
        "{n:,} 处相邻时段恰好相隔一天：to 是时段之后的第一天，不含在内，请核对",
        "{n:,} times exactly one day lies between an interval and the next: `to` is the first day after it, look it up",
    ),
}


def check_meter_rows(checked: CheckedFrame, zone: str, now: dt.datetime) -> Counter[str]:
    """Turn the times of each row into an interval or the moment of a register, and units into kWh and m³.

    Faults are noted in ``checked``, whose frame gets the columns of ``layers.readings.GIVEN``.

    Parameters
    ----------
    checked : CheckedFrame
        Checked by the columns of its kind.
    zone : str
        Time zone of the city: of days, months, and times without a zone.
    now : datetime

    Returns
    -------
    Counter
        Counts of ``TOLD``, and ``unit <kind> <written>`` of each unit that was converted.
    """
    told: Counter[str] = Counter()
    frame = checked.frame.with_columns(
        pl.col("meter_id").fill_null(""), period=pl.coalesce("period", "month").cast(pl.Utf8)
    )
    moments = {name: _moments(frame[name], zone) for name in ("from", "to", "at")}
    checked.times_without_zone += sum(each.zoneless for each in moments.values())
    for name, each in moments.items():
        checked.reject(each.wrong, name, "not a time or a day 不是时间或日期")
    frame = _with_spans(frame, moments, zone)
    wrong = frame["period"].is_not_null() & frame["period_from"].is_null()
    checked.reject(wrong, "period", "not a month such as 2026-09, or two 2026-09/2026-10 不是月份")
    _check_forms(checked, frame)
    frame = _with_quality(frame, told)
    frame = _with_units(checked, frame, told)
    _check_spans(checked, frame, zone, now)
    checked.frame = frame
    return told


class _Moments:
    """Times of a column: by the clock of the city, or in UTC."""

    def __init__(self, wall: pl.Series, utc: pl.Series, wrong: pl.Series, zoneless: int) -> None:
        self.wall, self.utc, self.wrong, self.zoneless = wall, utc, wrong, zoneless


def _moments(series: pl.Series, zone: str) -> _Moments:
    nothing = pl.Series([None] * series.len(), dtype=pl.Datetime("us"))
    utc = nothing.cast(_UTC)
    if series.dtype == pl.Utf8:
        text = series.str.strip_chars()
        text = text.set(text == "", None)
        clocks, zoned = read_clocks(text)
        days = text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
        wall = pl.select(pl.when(~zoned).then(pl.coalesce(days, clocks))).to_series()
        utc = pl.select(pl.when(zoned).then(clocks.dt.replace_time_zone("UTC"))).to_series()
        wrong = text.is_not_null() & wall.is_null() & utc.is_null()
        return _Moments(wall, utc, wrong, int((wall.is_not_null() & days.is_null()).sum()))
    right = pl.Series([False] * series.len(), dtype=pl.Boolean)
    if isinstance(series.dtype, pl.Datetime) and series.dtype.time_zone:
        return _Moments(nothing, series.dt.convert_time_zone("UTC").cast(_UTC), right, 0)
    if series.dtype in (pl.Date, pl.Datetime):
        without = int(series.is_not_null().sum()) if series.dtype != pl.Date else 0
        return _Moments(series.cast(pl.Datetime("us")), utc, right, without)
    return _Moments(nothing, utc, series.is_not_null(), 0)


def _with_spans(frame: pl.DataFrame, moments: dict[str, _Moments], zone: str) -> pl.DataFrame:
    """Add ``from_at``, ``to_at``, ``at`` of all forms; an hour that the clocks repeat is found by its second row."""
    frame = frame.with_columns(
        *(each.wall.alias(f"{name}_wall") for name, each in moments.items()),
        *(each.utc.alias(f"{name}_utc") for name, each in moments.items()),
    )
    again = {
        name: (
            pl.col(f"{name}_wall").is_not_null() & (pl.int_range(pl.len()).over(*METER, f"{name}_wall") > 0)
        )
        for name in ("from", "at")
    }
    frame = frame.with_columns(
        from_utc=pl.coalesce("from_utc", _in_zone("from_wall", zone, again["from"])),
        at=pl.coalesce("at_utc", _in_zone("at_wall", zone, again["at"])),
    )
    step = pl.col("to_wall") - pl.col("from_wall")
    hourly = (step > dt.timedelta()) & (step <= HOUR)
    to_utc = (
        pl.when(hourly).then(pl.col("from_utc") + step).otherwise(_in_zone("to_wall", zone, pl.lit(False)))
    )
    frame = frame.with_columns(to_utc=pl.coalesce("to_utc", to_utc))
    frame = frame.with_columns(**_months("period"))
    first = pl.coalesce("period_from", "day")
    after = pl.coalesce("period_to", pl.col("day").dt.offset_by("1d"))
    return frame.with_columns(
        from_at=pl.coalesce("from_utc", local_midnight(first, zone)),
        to_at=pl.coalesce("to_utc", local_midnight(after, zone)),
    )


def _in_zone(name: str, zone: str, again: pl.Expr) -> pl.Expr:
    earliest, latest = (
        pl.col(name)
        .dt.replace_time_zone(zone, ambiguous=which, non_existent="null")
        .dt.convert_time_zone("UTC")
        for which in ("earliest", "latest")
    )
    return pl.when(again).then(latest).otherwise(earliest)


def _months(name: str) -> dict[str, pl.Expr]:
    """First day of a month or of two, and the first day after."""
    part = [pl.col(name).str.strip_chars().str.extract(_PERIOD, n).cast(pl.Int32) for n in range(1, 5)]

    def first(year: pl.Expr, month: pl.Expr) -> pl.Expr:
        return pl.when(month.is_between(1, 12)).then(pl.date(year, month, 1))

    last = pl.coalesce(first(part[2], part[3]), first(part[0], part[1]))
    return {"period_from": first(part[0], part[1]), "period_to": last.dt.offset_by("1mo")}


def _check_forms(checked: CheckedFrame, frame: pl.DataFrame) -> None:
    """One time a row: a day, an interval, a period, or the moment of a register."""
    has = {name: frame[name].is_not_null() for name in ("day", "period")}
    for name in ("from", "to", "at"):
        has[name] = frame[f"{name}_wall"].is_not_null() | frame[f"{name}_utc"].is_not_null()
    count = has["day"].cast(pl.Int8) + (has["from"] | has["to"]) + has["period"] + has["at"]
    checked.reject(count == 0, "day", "no time: day, from and to, period, or at 缺少时段")
    checked.reject(count > 1, "day", "two times in one row: day, from and to, period, or at 时段重复")
    checked.reject(has["from"] & ~has["to"], "to", "empty 为空")
    checked.reject(has["to"] & ~has["from"], "from", "empty 为空")
    for name, column in (("from", "from_at"), ("to", "to_at"), ("at", "at")):
        wall = frame[f"{name}_wall"].is_not_null()
        checked.reject(wall & frame[column].is_null(), name, "the clocks skip this time 夏令时跳过的时间")
    use, register = frame["value"].is_not_null(), frame["register"].is_not_null()
    missing = (frame["quality"] == "missing").fill_null(False)
    checked.reject(has["at"] & ~register & ~missing, "register", "empty 为空")
    checked.reject(has["at"] & use, "value", "a moment has a register; a use needs from and to 用量需要时段")
    checked.reject(
        ~has["at"] & register & ~use,
        "register",
        "a register needs `at`, when it was read 示数需要抄表时刻 at",
    )


def _with_quality(frame: pl.DataFrame, told: Counter[str]) -> pl.DataFrame:
    known = pl.col("value").is_not_null() | pl.col("register").is_not_null()
    told["quality_assumed"] += frame["quality"].null_count()
    both = frame.filter(pl.col("value").is_not_null() & pl.col("register").is_not_null())
    told["register_beside_value"] += both.height
    assumed = pl.when(known).then(pl.lit("measured")).otherwise(pl.lit("missing"))
    return frame.with_columns(
        quality=pl.coalesce("quality", assumed), register=pl.when(pl.col("value").is_null()).then("register")
    )


def _with_units(checked: CheckedFrame, frame: pl.DataFrame, told: Counter[str]) -> pl.DataFrame:
    """Convert values and registers; the unit that a kind is stored in may be left out."""
    written = frame.group_by("kind", "unit").len().drop_nulls()
    known = [
        (kind, unit, unit_factor(kind, unit), n) for kind, unit, n in written.iter_rows() if kind in UNIT_OF
    ]
    for kind, unit, factor, n in known:
        if factor not in (None, 1.0):
            told[f"unit {kind} {unit} {factor:g}"] += n
    factors = pl.DataFrame(
        [row[:3] for row in known],
        schema={"kind": pl.Utf8, "unit": pl.Utf8, "factor": pl.Float64},
        orient="row",
    )
    frame = frame.join(factors, on=("kind", "unit"), how="left", maintain_order="left")
    unknown = frame["unit"].is_not_null() & frame["factor"].is_null()
    checked.reject(unknown, "unit", "not a unit of this kind 不是该类表计的单位")
    times = pl.col("factor").fill_null(1.0)
    return frame.with_columns(value=pl.col("value") * times, register=pl.col("register") * times)


def _check_spans(checked: CheckedFrame, frame: pl.DataFrame, zone: str, now: dt.datetime) -> None:
    length = frame["to_at"] - frame["from_at"]
    checked.reject((length <= dt.timedelta()).fill_null(False), "to", "not after from 不晚于 from")
    checked.reject(
        (length > LONGEST).fill_null(False), "to", f"longer than {LONGEST.days} days 时段超过 400 天"
    )
    today = now.astimezone(ZoneInfo(zone)).date()
    ends = dt.datetime.combine(today + dt.timedelta(days=1), dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
    for name, column in (("to", "to_at"), ("at", "at")):
        if name == "to":
            late = (frame[column] > ends).fill_null(False) & frame["day"].is_null()
        else:
            late = (frame[column] > now + dt.timedelta(minutes=5)).fill_null(False)
        checked.reject(late, name, "in the future 时间晚于现在")
    greatest = frame["kind"].replace_strict(GREATEST_RATE, default=float("inf"), return_dtype=pl.Float64)
    impossible = frame["value"] > greatest * length.dt.total_seconds() / 3600
    checked.reject(impossible.fill_null(False), "value", _impossible)


def _impossible(value: str) -> str:
    return (
        "impossible: more than 2 GW of power, 100,000 m³ of water or 1,000,000 m³ of gas an hour"
        " 用量超出可能范围"
    )


def as_given(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that a plan takes."""
    empty = pl.lit([], dtype=pl.List(pl.Utf8))
    at = pl.col("at").is_not_null()
    return frame.with_columns(
        pl.when(~at).then("from_at").alias("from_at"), pl.when(~at).then("to_at").alias("to_at"), flags=empty,
        row=pl.col(ROW),
    ).select(pl.col(name).cast(kind) for name, kind in GIVEN.items())  # fmt: skip


def days_between(given: pl.DataFrame, zone: str) -> int:
    """Count the times where exactly one day lies between a longer interval of a meter and its next one.

    Then ``to`` may have been meant as the last day, which it is not.
    """
    if given.is_empty():
        return 0
    series = given.filter(pl.col("at").is_null()).sort(*METER, "from_at")
    long = pl.col("to_at") - pl.col("from_at") > dt.timedelta(days=2)
    following = pl.col("from_at").shift(-1).over(METER).dt.convert_time_zone(zone).dt.date()
    apart = following - pl.col("to_at").dt.convert_time_zone(zone).dt.date()
    next_long = long.shift(-1).over(METER)
    return series.filter(long & next_long & (apart == dt.timedelta(days=1))).height
