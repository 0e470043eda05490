"""One reader of written times, for files, posts of fixes, devices and questions alike.

Accepted are ISO 8601 (extended and basic), what PostgreSQL and pandas print, and what Chinese offices write; with a
zone or without. The year comes first, because the order of day and month would be a guess. Numbers are no times.
"""

from __future__ import annotations

import datetime as dt
import re

import polars as pl

from layers.codes import to_half_width

_PARTS = ("year", "month", "day", "hour", "minute", "second")
UTC_TIMES = pl.Datetime("us", "UTC")
_ZONE = r"Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?(?::?00)?"
_WRITTEN = re.compile(
    rf"""(?P<year>\d{{4}})
    (?:(?P<sign>[-/.])(?P<month>\d{{1,2}})(?P=sign)(?P<day>\d{{1,2}})(?:[Tt]|\s+)
      |(?P<month_2>\d{{2}})(?P<day_2>\d{{2}})(?:[Tt]|\s+)
      |年\s*(?P<month_3>\d{{1,2}})\s*月\s*(?P<day_3>\d{{1,2}})\s*[日号]\s*)
    (?P<hour>\d{{1,2}})
    (?::(?P<minute>\d{{2}})(?::(?P<second>\d{{2}})(?:[.,](?P<part>\d{{1,9}}))?)?
      |(?P<minute_2>\d{{2}})(?:(?P<second_2>\d{{2}})(?:[.,](?P<part_2>\d{{1,9}}))?)?
      |\s*[时点]\s*(?P<minute_3>\d{{1,2}})\s*分(?:\s*(?P<second_3>\d{{1,2}})\s*秒)?)
    \s*(?P<zone>{_ZONE})?""",
    re.VERBOSE,
)
_USUAL = r"^\d{4}-\d\d-\d\d[T ][0-2]\d:[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-](0\d|1[0-4]):[0-5]\d)?$"
"""Forms that a whole column of is read at once; the others one by one."""


def read_written_time(text: str) -> tuple[dt.datetime, dt.timedelta | None] | None:
    """Return the clock time and the distance from UTC that are written; None when the text is no time.

    Examples
    --------
    >>> read_written_time("2026-10-01 08:00:00+08")
    (datetime.datetime(2026, 10, 1, 8, 0), datetime.timedelta(seconds=28800))
    >>> read_written_time("2026年10月1日 08:00:00"), read_written_time("20261001T080000Z")[1].seconds
    ((datetime.datetime(2026, 10, 1, 8, 0), None), 0)
    >>> read_written_time("2026-02-30T08:00:00Z"), read_written_time("46296.33"), read_written_time("")
    (None, None, None)
    """
    found = _WRITTEN.fullmatch(to_half_width(text))
    if found is None:
        return None

    def group(name: str) -> str:
        return found[name] or found.groupdict().get(f"{name}_2") or found.groupdict().get(f"{name}_3") or "0"

    try:
        year, month, day, hour, minute, second = (int(group(name)) for name in _PARTS)
        clock = dt.datetime(year, month, day, hour, minute, second)
        ahead = _distance(found["zone"])
    except ValueError:
        return None
    part = (found["part"] or found["part_2"] or "0")[:6].ljust(6, "0")
    return clock.replace(microsecond=int(part)), ahead


def _distance(zone: str | None) -> dt.timedelta | None:
    if zone is None:
        return None
    digits = re.sub(r"\D", "", zone)
    if int(digits[:2] or 0) > 14 or int(digits[2:4] or 0) > 59:
        raise ValueError(zone)
    ahead = dt.timedelta(hours=int(digits[:2] or 0), minutes=int(digits[2:4] or 0))
    return -ahead if zone.startswith("-") else ahead


def read_times(series: pl.Series, zone: str) -> tuple[pl.Series, int]:
    """Return written or typed times in UTC, and how many of them had no zone.

    Parameters
    ----------
    series : polars.Series
        Text or times; another type is no time.
    zone : str
        Of times without one. An hour that a change of the clocks skips is no time, of an hour that it repeats the
        first is meant.

    Returns
    -------
    tuple of (polars.Series, int)
        Null where there is no time.

    Examples
    --------
    >>> times, n = read_times(pl.Series(["2026-10-01T08:00:00Z", "2026/10/1 08:00", "soon", None]), "Asia/Shanghai")
    >>> [value and value.isoformat() for value in times], n
    (['2026-10-01T08:00:00+00:00', '2026-10-01T00:00:00+00:00', None, None], 1)
    >>> read_times(pl.Series([], dtype=pl.Utf8), "UTC")[0].len()
    0
    """
    if isinstance(series.dtype, pl.Datetime):
        if series.dtype.time_zone:
            return series.dt.convert_time_zone("UTC").cast(UTC_TIMES), 0
        local = _in_zone(series, zone).cast(UTC_TIMES)
        return local, int(local.is_not_null().sum())
    if series.dtype != pl.Utf8 or not series.len():
        return pl.Series(series.name, [None] * series.len(), dtype=UTC_TIMES), 0
    clocks, zoned = read_clocks(series)
    if zoned.all():
        return clocks.dt.replace_time_zone("UTC"), 0
    local = _in_zone(clocks, zone)
    times = pl.select(pl.when(zoned).then(clocks.dt.replace_time_zone("UTC")).otherwise(local)).to_series()
    return times.alias(series.name), int((~zoned & times.is_not_null()).sum())


def read_clocks(series: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the clock times that are written, those with a zone in UTC, and a mask of the latter.

    Examples
    --------
    >>> clocks, zoned = read_clocks(pl.Series(["2026-10-01T08:00:00+08:00", "2026/10/1 8:00"]))
    >>> [clock.hour for clock in clocks], zoned.to_list()
    ([0, 8], [True, False])
    """
    usual = series.str.contains(_USUAL).fill_null(False)
    clocks, zoned = _usual_times(series, usual)
    return (clocks, zoned) if usual.all() else _with_others(series, usual, clocks, zoned)


def _usual_times(series: pl.Series, usual: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return clock times (of UTC where a zone is written), and where one is."""
    zoned = usual & series.str.contains(r"(Z|[+-]\d\d:\d\d)$").fill_null(False)
    plain = series.str.replace(" ", "T", literal=True).str.replace("Z", "+00:00", literal=True)
    text = pl.select(
        pl.when(zoned).then(plain).when(usual).then(plain + "+00:00").otherwise(pl.lit(None, dtype=pl.Utf8))
    ).to_series()
    read = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%z", time_unit="us", strict=False)
    return read.dt.convert_time_zone("UTC").dt.replace_time_zone(None).alias(series.name), zoned


def _with_others(
    series: pl.Series, usual: pl.Series, clocks: pl.Series, zoned: pl.Series
) -> tuple[pl.Series, pl.Series]:
    others = series.filter(~usual).drop_nulls().unique().to_list()
    read = {text: found for text in others if (found := read_written_time(text)) is not None}
    if not read:
        return clocks, zoned
    table = pl.DataFrame(
        {
            "text": list(read),
            "clock": [clock - (ahead or dt.timedelta()) for clock, ahead in read.values()],
            "has_zone": [ahead is not None for _, ahead in read.values()],
        },
        schema={"text": pl.Utf8, "clock": pl.Datetime("us"), "has_zone": pl.Boolean},
    )
    joined = pl.DataFrame({"text": series}).join(table, on="text", how="left", maintain_order="left")
    both = pl.select(pl.when(usual).then(clocks).otherwise(joined["clock"])).to_series()
    return both.alias(series.name), zoned | joined["has_zone"].fill_null(False)


def _in_zone(naive: pl.Series, zone: str) -> pl.Series:
    return naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone(
        "UTC"
    )
