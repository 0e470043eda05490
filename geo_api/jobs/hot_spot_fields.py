"""Fields whose hot spots are looked for: what is counted in each cell, and out of what."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy.orm import Session

from grid.areas import parents_of
from layers.hot_spots import stops_elsewhere, visits_by_day
from layers.records import enterprises, tracks

CELL_RES = 8
"""About 0.55 km² a cell at 32 degrees north: a plant and its surroundings."""
RECENT_SHARE, MOST_RECENT_DAYS = 4, 7
"""The newest days that are compared with the days before: a quarter of them, at most a week."""


@dataclass(frozen=True)
class CountedField:
    """Cases and exposure of each cell of a study area; ``chance`` as in `spatial_models.hotspots.count_excess`.

    Attributes
    ----------
    counts : polars.DataFrame
        ``h3`` (uint64), ``cases``, ``exposure`` (above 0), in the order of the cells.
    from_day, until_day : date or None
        First and last day of the cases, where they are of days.
    """

    name: str
    counts: pl.DataFrame
    from_day: dt.date | None = None
    until_day: dt.date | None = None


def counted_fields(
    db: Session, scored: pl.DataFrame, start: dt.datetime, end: dt.datetime, local_zone: str
) -> list[CountedField]:
    """Count each field over its own study area: the cells that have an exposure.

    ``visits``: vehicle-days at sites of the newest days, out of those of the whole time: more than the cell's
    own past, compared with the change of the whole city. ``alerts``: sites with an alert, out of the sites
    that were judged. ``stops``: hazardous-goods vehicles that stood where no known site or place explains it,
    out of those that passed.

    Parameters
    ----------
    scored : polars.DataFrame
        ``site_id`` and ``level`` of every candidate.
    """
    return [
        _visits(visits_by_day(db, start, end, local_zone)),
        _alerts(db, scored),
        _stops(db, start, end),
    ]


def _visits(days: pl.DataFrame) -> CountedField:
    if days.is_empty():
        return CountedField("visits", _counts([], [], []))
    first, last = _day(days["day"].min()), _day(days["day"].max())
    recent = min(max(((last - first).days + 1) // RECENT_SHARE, 1), MOST_RECENT_DAYS)
    since = last - dt.timedelta(days=recent - 1)
    vehicle_days = days.with_columns(h3=cells_at(days["h3_9"])).unique(["h3", "day", "what"])
    counted = vehicle_days.group_by("h3").agg(cases=(pl.col("day") >= since).sum(), exposure=pl.len())
    return CountedField("visits", _sorted(counted), since, last)


def _alerts(db: Session, scored: pl.DataFrame) -> CountedField:
    sites = enterprises.cells_of_sites(db, scored["site_id"].unique().to_list())
    placed = scored.select("site_id", "level").join(sites, on="site_id")
    placed = placed.with_columns(h3=cells_at(placed["h3_9"]))
    counted = placed.group_by("h3").agg(cases=(pl.col("level") != "none").sum(), exposure=pl.len())
    return CountedField("alerts", _sorted(counted))


def _stops(db: Session, start: dt.datetime, end: dt.datetime) -> CountedField:
    passed = tracks.vehicles_by_cell(db, start, end, kind="hazmat")
    passed = passed.select("vehicle_id", h3=cells_at(passed["h3_9"]))
    stood = stops_elsewhere(db, start, end)
    stood = stood.select("vehicle_id", h3=cells_at(stood["h3_9"]))
    known = pl.concat([passed, stood.filter(pl.col("h3").is_in(passed["h3"].implode()))]).unique()
    stood = stood.unique().join(known, on=["h3", "vehicle_id"], how="semi")
    counted = known.group_by("h3").agg(exposure=pl.len())
    counted = counted.join(stood.group_by("h3").agg(cases=pl.len()), on="h3", how="left")
    return CountedField("stops", _sorted(counted.with_columns(pl.col("cases").fill_null(0))))


def cells_at(fine: Any) -> pl.Series:
    """Return the cells of the fields that hold these H3 cells of resolution 9, uint64."""
    return pl.Series("h3", parents_of(np.asarray(fine).astype(np.uint64), CELL_RES), pl.UInt64)


def _sorted(counted: pl.DataFrame) -> pl.DataFrame:
    placed = counted.filter(pl.col("h3") > 0)  # 0: a row without a cell
    return placed.select("h3", pl.col("cases", "exposure").cast(pl.Int64)).sort("h3")


def _counts(h3: list[int], cases: list[int], exposure: list[int]) -> pl.DataFrame:
    schema = {"h3": pl.UInt64, "cases": pl.Int64, "exposure": pl.Int64}
    return pl.DataFrame({"h3": h3, "cases": cases, "exposure": exposure}, schema=schema)


def _day(value: object) -> dt.date:
    assert isinstance(value, dt.date)
    return value
