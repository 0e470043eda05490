"""Geofence events as frames: columns, rows, and clipping to a report window."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from spatial_models.errors import NaiveTimeError, ParameterError
from spatial_models.fences import kernels as f
from spatial_models.fences.crossings import Crossings
from spatial_models.fences.shapes import RULES, FenceShapes
from spatial_models.frames import Array, utc_times

BEGUN_BY = ("entered", "gap", "track_start", "table", "crossed")
ENDED_BY = ("left", "gap", "track_end", "table", "crossed")
_UTC = pl.Datetime("us", "UTC")
EVENT_SCHEMA: dict[str, Any] = {
    "event_id": pl.String,
    "fence_id": pl.String,
    "rule": pl.String,
    "vehicle_id": pl.String,
    "started_at": _UTC,
    "started_after": _UTC,
    "begun_by": pl.String,
    "ended_at": _UTC,
    "left_by": _UTC,
    "ended_by": pl.String,
    "open": pl.Boolean,
    "confirmed_at": _UTC,
    "duration_s": pl.Float64,
    "over_s": pl.Float64,
    "n_fixes": pl.Int64,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "mean_lon": pl.Float64,
    "mean_lat": pl.Float64,
    "clipped_start": pl.Boolean,
    "clipped_end": pl.Boolean,
}
"""Columns of the events; ``vehicle_id`` keeps the type of the input."""


def event_frame(
    found: list[tuple[Array, Array]],
    vehicle: Array,
    fence: Array,
    shapes: FenceShapes,
    vehicle_ids: pl.Series,
) -> pl.DataFrame:
    """Build a frame of ``EVENT_SCHEMA`` from the arrays of the compiled loops.

    Parameters
    ----------
    found : list of (integers, floats)
        Columns as in `spatial_models.fences.kernels`.
    vehicle, fence : ndarray of int64, shape (pairs,)
    """
    out_i, out_f = np.concatenate([i for i, _ in found]), np.concatenate([x for _, x in found])
    pair = out_i[:, f.EV_PAIR]
    duration_s = (out_i[:, f.EV_END] - out_i[:, f.EV_START]) / 1e6
    if vehicle_ids.dtype == pl.Null:
        vehicle_ids = vehicle_ids.cast(pl.String)
    frame = pl.DataFrame(
        {
            "fence_id": pl.Series(shapes.ids, dtype=pl.String).gather(fence[pair]),
            "rule": pl.Series(RULES).gather(shapes.rule[fence[pair]].astype(np.int64)),
            "vehicle_id": vehicle_ids.gather(vehicle[pair]),
            "begun_by": pl.Series(BEGUN_BY).gather(out_i[:, f.EV_BEGUN]),
            "ended_by": pl.Series(ENDED_BY).gather(out_i[:, f.EV_ENDED]),
            "open": out_i[:, f.EV_OPEN] == 1,
            "duration_s": duration_s,
            "over_s": duration_s - shapes.threshold_us[fence[pair]] / 1e6,
            "n_fixes": out_i[:, f.EV_N],
            **{name: utc_times(out_i[:, column]) for name, column in _TIMES.items()},
            **{name: out_f[:, n] for n, name in enumerate(("lon", "lat", "mean_lon", "mean_lat"))},
        }
    )
    start_text = pl.col("started_at").dt.strftime("%Y%m%dT%H%M%S%.6fZ")
    event_id = pl.concat_str(
        "fence_id", pl.lit(":"), pl.col("vehicle_id").cast(pl.String), pl.lit("@"), start_text
    )
    frame = frame.with_columns(
        event_id=event_id, clipped_start=pl.col("begun_by") == "track_start", clipped_end=pl.col("open")
    )
    return frame.select(EVENT_SCHEMA.keys()).sort("vehicle_id", "started_at", "fence_id")


_TIMES = {
    "started_at": f.EV_START,
    "started_after": f.EV_AFTER,
    "ended_at": f.EV_END,
    "left_by": f.EV_LEFT_BY,
    "confirmed_at": f.EV_CONFIRMED,
}


def crossing_rows(crossings: Crossings, first_pair: int) -> tuple[Array, Array]:
    """Convert inferred crossings to event rows whose pairs are numbered from ``first_pair``."""
    n = len(crossings.vehicle)
    out_i = np.zeros((n, 10), np.int64)
    out_i[:, f.EV_PAIR] = first_pair + np.arange(n)
    columns = [f.EV_AFTER, f.EV_START, f.EV_END, f.EV_LEFT_BY]
    out_i[:, columns] = crossings.times
    out_i[:, f.EV_CONFIRMED] = crossings.times[:, 3]
    out_i[:, f.EV_BEGUN], out_i[:, f.EV_ENDED] = BEGUN_BY.index("crossed"), ENDED_BY.index("crossed")
    return out_i, crossings.places


def clip_to_window(events: pl.DataFrame, since: dt.datetime, until: dt.datetime) -> pl.DataFrame:
    """Keep the events of a report window ``[since, until)``; flag and measure those that it cuts.

    Returns
    -------
    polars.DataFrame
        Events that were going on in the window, with ``clipped_start`` (began before, or before the data),
        ``clipped_end`` (goes on after, or after the data) and ``in_window_s``.

    Raises
    ------
    NaiveTimeError, ParameterError
    """
    if since.tzinfo is None or until.tzinfo is None:
        raise NaiveTimeError("window: times without a zone")
    if since >= until:
        raise ParameterError(f"window: {since} is not before {until}")
    a, b = pl.lit(since).cast(_UTC), pl.lit(until).cast(_UTC)
    cut = pl.min_horizontal(pl.col("ended_at"), b) - pl.max_horizontal(pl.col("started_at"), a)
    return events.filter((pl.col("started_at") < b) & (pl.col("ended_at") >= a)).with_columns(
        clipped_start=(pl.col("started_at") < a) | (pl.col("begun_by") == "track_start"),
        clipped_end=(pl.col("ended_at") >= b) | pl.col("open"),
        in_window_s=cut.dt.total_microseconds() / 1e6,
    )
