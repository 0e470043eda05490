"""Form of the intervals: the columns of a frame of readings, and the midnights between which days lie."""

from __future__ import annotations

import polars as pl

KINDS = ("power", "water", "gas")
METER = ("site_id", "kind", "meter_id")
"""Columns that name one meter; ``meter_id`` is empty where a site has one meter of a kind."""
INTERVALS: dict[str, pl.DataType] = {
    "site_id": pl.String(),
    "kind": pl.String(),
    "meter_id": pl.String(),
    "from_at": pl.Datetime("us", "UTC"),
    "to_at": pl.Datetime("us", "UTC"),
    "value": pl.Float64(),
    "quality": pl.String(),
    "flags": pl.List(pl.String()),
}
"""Columns of readings: the use of ``[from_at, to_at)`` in kWh or m³ (null: missing), how it came about, and flags."""


def local_midnight(day: pl.Expr, zone: str) -> pl.Expr:
    """Return the first moment of each local day, in UTC.

    Examples
    --------
    >>> import datetime as dt
    >>> days = pl.DataFrame({"day": [dt.date(2026, 3, 29), dt.date(2026, 3, 30)]})
    >>> days.select(local_midnight(pl.col("day"), "Europe/Berlin").dt.strftime("%d %H:%M"))["day"].to_list()
    ['28 23:00', '29 22:00']
    >>> days.clear().select(local_midnight(pl.col("day"), "UTC")).height
    0
    """
    wall = day.cast(pl.Datetime("us"))
    at = wall.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    after = (wall + pl.duration(hours=1)).dt.replace_time_zone(
        zone, ambiguous="earliest", non_existent="null"
    )  # a midnight that a change of the clocks skips
    return pl.coalesce(at, after).dt.convert_time_zone("UTC")
