"""Daily view of intervals: what a model that reads days is given."""

from __future__ import annotations

import datetime as dt

import polars as pl

from layers.readings.intervals import METER, local_midnight

LONGEST_DAY = dt.timedelta(hours=27)
"""Longest interval that counts as one day: registers are not read at the same minute every day."""
LEAST_COVERED = 0.9
"""Part of a local day that must be known for its sum to be given."""
_DAILY = {"site_id": pl.String, "kind": pl.String, "day": pl.Date, "value": pl.Float64, "quality": pl.String}


def is_longer_than_a_day() -> pl.Expr:
    """Condition on intervals that have no place in the daily view, such as bills."""
    return (pl.col("to_at") - pl.col("from_at")) > LONGEST_DAY


def daily_readings(readings: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Return the use of each local day of a site by kind.

    Parameters
    ----------
    readings : polars.DataFrame
        Intervals (``INTERVALS``). Those that are longer than a day are left out: a bill is never spread over days.
    zone : str
        Time zone of the city.

    Returns
    -------
    polars.DataFrame
        ``site_id``, ``kind``, ``day``, ``value``, ``quality`` (measured, estimated, missing), sorted. An interval
        belongs to the day in which its middle lies; a day of which less than ``LEAST_COVERED`` is known is missing.
        Of several meters of a site the sum, missing as soon as one of them is.

    Examples
    --------
    One day, the next one in hours (one is estimated), and a bill:

    >>> at = lambda day, hour=0: dt.datetime(2026, 9, day, hour, tzinfo=dt.UTC)
    >>> spans = [(at(1), at(2), 24.0, "measured")]
    >>> hours = [(at(2, h), at(2, h) + dt.timedelta(hours=1), 2.0, "estimated" if h else "measured") for h in range(24)]
    >>> spans += hours
    >>> spans += [(at(3), at(30), 900.0, "measured")]
    >>> rows = [("S", "power", "", *span, []) for span in spans]
    >>> from layers.readings.intervals import INTERVALS
    >>> readings = pl.DataFrame(rows, schema=INTERVALS, orient="row")
    >>> daily_readings(readings, "UTC").select(pl.col("day").dt.day(), "value", "quality").rows()
    [(1, 24.0, 'measured'), (2, 48.0, 'estimated')]
    >>> daily_readings(readings.clear(), "UTC").height
    0
    """
    span = pl.col("to_at") - pl.col("from_at")
    middle = (pl.col("from_at") + span / 2).dt.convert_time_zone(zone).dt.date()
    known = pl.col("value").is_not_null() & (pl.col("quality") != "missing")
    days = (
        readings.filter(~is_longer_than_a_day() & (span > dt.timedelta()))
        .with_columns(day=middle, span=span, known=known)
        .group_by(*METER, "day")
        .agg(
            covered=pl.col("span").filter(pl.col("known")).sum(),
            value=pl.col("value").filter(pl.col("known")).sum(),
            measured=(pl.col("quality") == "measured").all(),
        )
    )
    length = local_midnight(pl.col("day").dt.offset_by("1d"), zone) - local_midnight(pl.col("day"), zone)
    days = days.with_columns(known=pl.col("covered") >= length * LEAST_COVERED)
    return _of_sites(days)


def _of_sites(days: pl.DataFrame) -> pl.DataFrame:
    """Sum the meters of a site: known on a day when all are that report before and after it."""
    spans = days.group_by(METER).agg(first=pl.col("day").min(), last=pl.col("day").max())
    site_day = days.group_by("site_id", "kind", "day").agg(
        value=pl.col("value").sum(),
        known=pl.col("known").all(),
        measured=pl.col("measured").all(),
        meters=pl.len(),
    )
    several = spans.group_by("site_id", "kind").len().filter(pl.col("len") > 1)
    if several.height:
        due = (
            site_day.join(several, on=("site_id", "kind"), how="semi")
            .join(spans, on=("site_id", "kind"))
            .filter(pl.col("day").is_between("first", "last"))
            .group_by("site_id", "kind", "day")
            .agg(due=pl.len().cast(pl.UInt32))
        )
        site_day = site_day.join(due, on=("site_id", "kind", "day"), how="left").with_columns(
            known=pl.col("known") & (pl.col("meters") >= pl.col("due").fill_null(1))
        )
    quality = (
        pl.when(~pl.col("known"))
        .then(pl.lit("missing"))
        .when(pl.col("measured"))
        .then(pl.lit("measured"))
        .otherwise(pl.lit("estimated"))
    )
    return (
        site_day.with_columns(value=pl.when("known").then("value"), quality=quality)
        .select(pl.col(name).cast(kind) for name, kind in _DAILY.items())
        .sort("site_id", "kind", "day")
    )
