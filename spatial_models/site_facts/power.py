"""Power that a site draws a day, for sites whose idle use nobody knows: those that were never closed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from spatial_models.frames import LOCAL_ZONE, select_columns
from spatial_models.signal_rows import SIGNAL_ROWS

RECENT_DAYS = 28
LONGEST_DAYS = 93
"""A longer interval is a bill of a quarter or more: it says little of these weeks."""
MEASURED = ("measured", "computed")
_DAY_S = 86_400.0


def power_rows(
    readings: Any, site_ids: pl.Series, *, at: dt.date, local_zone: str = LOCAL_ZONE
) -> pl.DataFrame:
    """Return the signal ``power_per_day`` of some sites: kWh a day over the intervals that end in the last 28 days.

    Parameters
    ----------
    readings : polars.DataFrame
        ``site_id, kind, meter_id, from_at, to_at, value, quality``; several meters of a site are summed. Estimated and
        missing ones are not read.
    site_ids : polars.Series
    at : date
        Local day of the analysis.
    local_zone : str

    Returns
    -------
    polars.DataFrame
        ``SIGNAL_ROWS``, one row a site, by id; the value is null where nothing was measured. ``quality`` is the part
        of the 28 days that was measured, of the meter that was read most.

    Examples
    --------
    >>> noon = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    >>> bill = pl.DataFrame({"site_id": "S", "kind": "power", "meter_id": "", "from_at": [noon],
    ...                      "to_at": [noon + dt.timedelta(days=14)], "value": 700.0, "quality": "measured"})
    >>> found = power_rows(bill, pl.Series(["S", "T"]), at=dt.date(2026, 3, 16), local_zone="UTC")
    >>> found.select("site_id", "value", "quality").rows()
    [('S', 50.0, 0.5), ('T', None, 0.0)]
    >>> power_rows(bill, pl.Series([], dtype=pl.String), at=dt.date(2026, 3, 16)).height
    0
    """
    needed = ("site_id", "kind", "meter_id", "from_at", "to_at", "value", "quality")
    end = dt.datetime.combine(at + dt.timedelta(days=1), dt.time())
    begin = end - dt.timedelta(days=RECENT_DAYS)
    local_end = pl.col("to_at").dt.convert_time_zone(local_zone).dt.replace_time_zone(None)
    length_s = (pl.col("to_at") - pl.col("from_at")).dt.total_microseconds() / 1e6
    read = select_columns(readings, "readings", needed).filter(
        (pl.col("kind") == "power") & pl.col("quality").is_in(MEASURED) & pl.col("value").is_finite()
        & (local_end > begin) & (local_end <= end)
        & (length_s > 0) & (length_s <= LONGEST_DAYS * _DAY_S)
    )  # fmt: skip
    by_meter = read.group_by("site_id", "meter_id").agg(
        a_day=pl.col("value").sum() / (length_s.sum() / _DAY_S),
        part=(length_s.sum() / (RECENT_DAYS * _DAY_S)).clip(0.0, 1.0),
    )
    by_site = by_meter.group_by("site_id").agg(value=pl.col("a_day").sum(), quality=pl.col("part").max())
    asked = pl.DataFrame({"site_id": site_ids.cast(pl.String).unique().sort()})
    known = asked.join(by_site, on="site_id", how="left", maintain_order="left")
    first = begin.date()
    rows = [
        (
            site_id,
            "power_per_day",
            value,
            None,
            quality or 0.0,
            first,
            at,
            *_sentence(value, quality, first, at),
        )
        for site_id, value, quality in known.select("site_id", "value", "quality").iter_rows()
    ]
    return pl.DataFrame(rows, schema=SIGNAL_ROWS, orient="row")


def _sentence(value: float | None, quality: float | None, first: dt.date, last: dt.date) -> tuple[str, str]:
    if value is None:
        return (
            f"{first} 至 {last} 没有实测用电读数（不等于未使用）。",
            f"No measured readings of power from {first} to {last}, which is not the same as no use.",
        )
    return (
        f"{first} 至 {last} 平均每日用电 {value:,.0f} kWh（实测覆盖 {quality:.0%}）。",
        f"{value:,.0f} kWh of power a day from {first} to {last} ({quality:.0%} of the days measured).",
    )
