"""Readings that suppliers deliver: daily, hourly and monthly, with their faults."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from geo_api.demo_city.kinds.stories import Meter
from geo_api.demo_city.kinds.use import Use
from geo_api.demo_city.kinds.weather import Days, Flags, Floats

HOURLY_DAYS = 120
"""Days at the end of the data of which a meter of the supply ``hourly`` has hourly readings."""
VALLEY_HOURS = (22, 23, 0, 1, 2, 3, 4, 5)
_DAY = np.array([1.0 if 8 <= hour < 18 else 0.0 for hour in range(24)]) / 10
_NIGHT = np.array([1.0 if hour in VALLEY_HOURS else 0.0 for hour in range(24)]) / len(VALLEY_HOURS)
_FLAT = np.full(24, 1 / 24)
MEASURED, ESTIMATED, MISSING = 0, 1, 2
QUALITIES = np.array(["measured", "estimated", "missing"])


@dataclass(frozen=True)
class Supplied:
    """A meter in its place: use of a normal working day in kWh or m³, and by whom it is read how often."""

    site_id: str
    kind: str
    normal: float
    use: Use
    meter: Meter
    supply: str
    closed: int
    start: int
    supplier: int


def readings_of(supplied: Supplied, days: Days, gaps: list[Flags], rng: np.random.Generator) -> pl.DataFrame:
    """Make the readings of one meter as intervals of local time.

    Parameters
    ----------
    supplied : Supplied
    days : Days
    gaps : list of ndarray of bool
        Days that each supplier lost.
    rng : Generator

    Returns
    -------
    polars.DataFrame
        ``site_id, kind, meter_id, first, last`` (naive local times, last excluded), ``value, register``
        (null of one of them), ``quality``.
    """
    daily = supplied.use.total * supplied.normal
    daily, quality = _transmitted(daily, supplied, days, gaps[supplied.supplier], rng)
    kept = np.ones(len(daily), dtype=bool)
    if supplied.meter.fault == "removed":
        kept = np.arange(len(daily)) < supplied.closed + 5
    begins = [dt.datetime.combine(day, dt.time()) for day in days.dates]
    if supplied.supply == "monthly":
        return _bills(supplied, daily, quality, kept, days)
    if supplied.supply == "hourly":
        return _hourly(supplied, daily, quality, kept, begins)
    if supplied.supply == "register":
        return _registers(supplied, daily, quality, begins, rng)
    return _frame(supplied, begins, 24, daily, quality).filter(pl.Series(kept))


def _transmitted(
    daily: Floats, supplied: Supplied, days: Days, gap: Flags, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Values as they arrive, and their qualities."""
    count = len(daily)
    at = np.arange(count)
    chance = rng.uniform(size=count)
    quality = np.where(chance < 0.012, ESTIMATED, np.where(chance < 0.02, MISSING, MEASURED))
    quality = np.where(gap, MISSING, quality)
    odd = min(supplied.start + int(rng.integers(0, 12)), count - 4)
    fault, out = supplied.meter.fault, daily.copy()
    if fault == "old_estimates":
        since = at >= supplied.start
        out = np.where(since, daily[: supplied.closed].mean() * 0.9, out)
        quality = np.where(since, ESTIMATED, quality)
    elif fault == "flat_estimates":
        since = at >= supplied.closed + 20
        out = np.where(since, daily[supplied.closed + 10 : supplied.closed + 20].mean(), out)
        quality = np.where(since, ESTIMATED, quality)
    elif fault == "typo":
        out[odd], quality[odd] = daily[odd] * 100, MEASURED
    elif fault == "unit":
        out = np.where(at >= odd, daily * 10, daily)
    held = np.maximum.accumulate(np.where(quality != ESTIMATED, at, 0))
    if "estimates" not in fault:
        out = np.where(quality == ESTIMATED, out[held], out)
    return out, quality


def _frame(
    supplied: Supplied, begins: list[dt.datetime], hours: int, values: Floats, quality: Any
) -> pl.DataFrame:
    first = pl.Series("first", begins, dtype=pl.Datetime("us"))
    table = pl.DataFrame(
        {
            "first": first,
            "last": first + dt.timedelta(hours=hours),
            "value": np.round(values, 1 if hours >= 24 else 2),
            "quality": QUALITIES[quality.astype(np.int64)],
        }
    )
    return _named(supplied, table)


def _named(supplied: Supplied, table: pl.DataFrame) -> pl.DataFrame:
    value = pl.when(pl.col("quality") == "missing").then(None).otherwise(pl.col("value"))
    return table.select(
        pl.lit(supplied.site_id).alias("site_id"),
        pl.lit(supplied.kind).alias("kind"),
        pl.lit(f"{supplied.site_id}-{supplied.kind[0]}").alias("meter_id"),
        "first",
        "last",
        value.alias("value"),
        pl.lit(None, dtype=pl.Float64).alias("register"),
        "quality",
    )


def _hourly(
    supplied: Supplied, daily: Floats, quality: Floats, kept: Flags, begins: list[dt.datetime]
) -> pl.DataFrame:
    """Daily values, and hourly ones of the last ``HOURLY_DAYS``."""
    use, last = supplied.use, len(daily)
    first = last - HOURLY_DAYS
    total = np.maximum(use.total, 1e-9)
    profile = (
        np.outer(use.flat / total, _FLAT)
        + np.outer(use.day / total, _DAY)
        + np.outer(use.night / total, _NIGHT)
    )
    values = (daily[:, None] * profile)[first:].reshape(-1)
    hours = [day + dt.timedelta(hours=hour) for day in begins[first:] for hour in range(24)]
    early = _frame(supplied, begins[:first], 24, daily[:first], quality[:first]).filter(
        pl.Series(kept[:first])
    )
    late = _frame(supplied, hours, 1, values, np.repeat(quality[first:], 24))
    return pl.concat([early, late.filter(pl.Series(np.repeat(kept[first:], 24)))])


def _registers(
    supplied: Supplied, daily: Floats, quality: Floats, begins: list[dt.datetime], rng: np.random.Generator
) -> pl.DataFrame:
    """Make registers at the midnight that begins each day; on one day the meter is swapped or rolls over."""
    odd = min(supplied.start + int(rng.integers(0, 12)), len(daily) - 4)
    used = np.cumsum(daily) - daily
    if supplied.meter.fault == "swap":
        register = np.where(np.arange(len(used)) < odd, used + 5 * daily[0], used - used[odd])
    elif supplied.meter.fault != "rollover":
        register = used + 5 * daily[0]
    else:
        highest = 10.0 ** np.ceil(np.log10(2 * used[-1]))
        register = (used - used[odd] + daily[odd] / 2) % highest
    first = pl.Series("first", begins, dtype=pl.Datetime("us"))
    table = pl.DataFrame(
        {"first": first, "last": first + dt.timedelta(hours=24), "value": 0.0, "quality": "measured"}
    )
    named = _named(supplied, table).with_columns(
        value=pl.lit(None, dtype=pl.Float64), register=pl.Series(np.round(register, 1))
    )
    return named.filter(pl.Series(quality != MISSING))


def _bills(supplied: Supplied, daily: Floats, quality: Floats, kept: Flags, days: Days) -> pl.DataFrame:
    """Make sums between the readings on one day of the month, the site's own."""
    on = 1 + sum(map(ord, supplied.site_id)) % 27
    reads = [n for n, day in enumerate(days.dates) if day.day == on]
    rows = []
    for first, last in itertools.pairwise(reads):
        if not kept[last - 1]:
            break
        guessed = (quality[first:last] == ESTIMATED).mean() > 0.5
        begin, end = (dt.datetime.combine(days.dates[n], dt.time()) for n in (first, last))
        value = round(float(daily[first:last].sum()), 1)
        rows.append((begin, end, value, "estimated" if guessed else "measured"))
    schema: dict[str, Any] = {
        "first": pl.Datetime("us"),
        "last": pl.Datetime("us"),
        "value": pl.Float64,
        "quality": pl.Utf8,
    }
    return _named(supplied, pl.DataFrame(rows, schema=schema, orient="row"))


def as_imported(readings: pl.DataFrame) -> pl.DataFrame:
    """Write readings in columns of the import: days, hours and bills as intervals, registers with their time.

    Returns
    -------
    polars.DataFrame
        ``site_id, kind, meter_id, day, from, to, at, value, register, quality``, sorted.
    """
    length_h = (pl.col("last") - pl.col("first")).dt.total_hours()
    of_register = pl.col("register").is_not_null()
    text = {name: _written(name, length_h < 24) for name in ("first", "last")}
    is_day = (length_h == 24) & ~of_register
    interval = (length_h != 24) & ~of_register
    table = readings.select(
        "site_id",
        "kind",
        "meter_id",
        pl.when(is_day).then(pl.col("first").dt.date()).alias("day"),
        pl.when(interval).then(text["first"]).alias("from"),
        pl.when(interval).then(text["last"]).alias("to"),
        pl.when(of_register).then(_written("first", pl.lit(True))).alias("at"),
        "value",
        "register",
        "quality",
        "first",
    )
    return table.sort("site_id", "kind", "first").drop("first")


def _written(column: str, with_time: pl.Expr) -> pl.Expr:
    """Write a local time as people do."""
    moment = pl.col(column).dt
    return pl.when(with_time).then(moment.strftime("%Y-%m-%dT%H:%M")).otherwise(moment.strftime("%Y-%m-%d"))
