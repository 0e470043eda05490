"""Movement of a run: its window, the fixes in it, and their stays and events at fences, found and written."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from sqlalchemy.orm import Session

from geo_api.http.progress import step
from geo_api.jobs.parameters import GAP_RULE, STAY_PARAMETERS
from grid.areas import cells_of
from layers.errors import InputError
from layers.records import fences, findings, meters, refresh_tracks, tracks
from layers.runs import read_spans
from spatial_models.fences import detect_fence_events
from spatial_models.stays import detect_stays, longest_gaps_s, sampling_gaps_s

MICROSECOND = dt.timedelta(microseconds=1)
LINK_GAP_S = 43_200.0
"""Longest gap between the stays of one visit, seconds."""
LEAD = dt.timedelta(days=1)
"""Time before the window that is read, too: a stay that began before the window is seen to have begun there."""

SAMPLED = dt.timedelta(days=30)
"""Time before the end of a window from whose fixes the sampling of vehicles is known."""


@dataclass(frozen=True)
class Window:
    """The moment of a run, the window ``[start, end)`` that it judges, and what it reads.

    Attributes
    ----------
    read_from : datetime
        From here on stays and visits are written anew.
    today : date
        Day of ``at`` in the city.
    """

    at: dt.datetime
    start: dt.datetime
    end: dt.datetime
    read_from: dt.datetime
    today: dt.date


def window_of(at: dt.datetime, days: int, zone: str) -> Window:
    """Return the window of so many days that ends with a moment.

    Examples
    --------
    >>> at = dt.datetime(2026, 3, 1, 18, tzinfo=dt.UTC)
    >>> window_of(at, 30, "Asia/Shanghai").today
    datetime.date(2026, 3, 2)
    """
    at = at.astimezone(dt.UTC)
    start = at - dt.timedelta(days=days)
    return Window(at, start, at + MICROSECOND, start - LEAD, at.astimezone(ZoneInfo(zone)).date())


def newest_moment(db: Session) -> dt.datetime:
    """Return the moment of the newest fix or reading; a reading is of the last second of its interval.

    Raises
    ------
    layers.errors.InputError
        There is neither.
    """
    span, read = tracks.time_span(db), meters.last_moment(db)
    moments = [span[1]] if span else []
    if read:
        moments.append(read - dt.timedelta(seconds=1))
    if not moments:
        raise InputError("nothing to analyse: import tracks or meters first")
    return max(moments)


@dataclass(frozen=True)
class Movement:
    """Fixes of a run with the stays in them.

    Attributes
    ----------
    fixes : polars.DataFrame
        From ``read_from`` on.
    begins : dict of int to datetime
        Vehicles whose stays were found from an earlier moment on, since one of them lies over ``read_from``.
    quality : dict of str to int
        Counts of `spatial_models.stays.detect_stays`.
    fences, fence_events : polars.DataFrame
        Fences, with the database's integers (as text) as their vehicles, and what happened at them.
    sampling : polars.DataFrame
        Of `spatial_models.stays.sampling_gaps_s`.
    """

    fixes: pl.DataFrame
    stays: pl.DataFrame
    begins: dict[int, dt.datetime]
    quality: dict[str, int]
    fences: pl.DataFrame
    fence_events: pl.DataFrame
    sampling: pl.DataFrame

    def counts(self) -> dict[str, int]:
        """Return the counts that are stored with the run."""
        left_out = {
            f"fixes_{reason}": int(n)
            for reason, n in self.quality.items()
            if n and reason not in ("rows", "used")
        }
        return {"fixes": self.fixes.height, "stays": self.stays.height} | left_out


def read_movement(db: Session, window: Window, zone: str, seconds: dict[str, float]) -> Movement:
    """Read the fixes of a window, and find the stays in them and what happened at fences."""
    with step("读取轨迹 reading fixes", seconds, "read_fixes"):
        fixes = tracks.read_fixes(db, window.read_from, window.end)
        spans, more = read_spans(
            db, window.read_from, window.end, max_gap_s=GAP_RULE.most_s, link_gap_s=LINK_GAP_S
        )
    with step(f"停留 stays of {fixes.height:,} fixes", seconds, "stays"):
        max_gap_s = STAY_PARAMETERS["max_gap_s"]
        sampling = sampling_gaps_s(_sampled(db, fixes, window))
        longest = longest_gaps_s(sampling, max_gap_s, GAP_RULE)
        result = detect_stays(pl.concat([fixes, more]), longest_gaps=longest, **STAY_PARAMETERS)
        cells = cells_of(result.stays["lon"].to_numpy(), result.stays["lat"].to_numpy(), 9)
        stays = result.stays.with_columns(h3_9=pl.Series(cells.astype(np.int64))).join(
            longest, on="vehicle_id", how="left", maintain_order="left"
        )
        stays = stays.with_columns(pl.col("max_gap_s").fill_null(max_gap_s))
    begins = {span.vehicle_id: span.begins_at for span in spans if span.begins_at < window.read_from}
    with step("围栏 fences", seconds, "fences"):
        given, events = _at_fences(db, fixes, zone)
    return Movement(fixes, stays, begins, result.quality, given, events, sampling)


def _sampled(db: Session, fixes: pl.DataFrame, window: Window) -> pl.DataFrame:
    """Return the vehicles and times of the fixes of ``SAMPLED`` until the end, whatever the window.

    The stays of a short window are so those of a long one.
    """
    since = window.end - SAMPLED
    times = fixes.select("vehicle_id", "t").filter(pl.col("t") >= since)
    if since >= window.read_from:
        return times
    return pl.concat([tracks.read_fixes(db, since, window.read_from).select("vehicle_id", "t"), times])


def _at_fences(db: Session, fixes: pl.DataFrame, zone: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the fences with the database's numbers of their vehicles, and what happened at them."""
    vehicles = tracks.read_vehicles(db)
    number = dict(zip(vehicles["vehicle_id"], vehicles["id"].cast(pl.String), strict=True))
    given = fences.read_fences(db).with_columns(
        pl.col("vehicle_ids", "exempt_vehicle_ids").list.eval(pl.element().replace(number))
    )
    kinds = vehicles.select(pl.col("id").alias("vehicle_id"), "kind")
    asked = given.select(pl.exclude("name", "legal_basis", "exempt_vehicle_ids"))
    seen = fixes if given.height else fixes.clear()
    return given, detect_fence_events(seen, asked, kinds, crossings=True, local_zone=zone).events


def write_movement(
    db: Session, run_id: int, window: Window, moved: Movement, seconds: dict[str, float]
) -> dict[str, int]:
    """Write the stays, the lines of the tracks and what happened at fences; returns counts."""
    with step("写入停留 writing stays", seconds, "write_stays"):
        findings.write_stays(db, moved.stays, run_id, window.read_from, window.end, moved.begins)
    with step("轨迹线 tracks", seconds, "tracks"):
        counts = {"tracks": refresh_tracks(db, window.start, window.end)}
    if moved.fences.height:
        with step("写入围栏事件 writing events at fences", seconds, "write_fence_events"):
            counts["fence_events"] = fences.write_fence_events(
                db, moved.fence_events, run_id, window.read_from, window.end
            )
    return counts
