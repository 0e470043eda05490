"""Silences: times in which a vehicle that otherwise reports regularly sent nothing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl

from spatial_models.errors import NaiveTimeError
from spatial_models.fixes import NO_TIME, OrderedFixes, order_fixes
from spatial_models.frames import Array, utc_times
from spatial_models.parameter_checks import check_between
from spatial_models.stays import silence_kernels as kernels

_UTC = pl.Datetime("us", "UTC")
SILENCE_SCHEMA: dict[str, Any] = {
    "vehicle_id": pl.String,
    "began_at": _UTC,
    "ended_at": _UTC,
    "duration_s": pl.Float64,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "ahead_lon": pl.Float64,
    "ahead_lat": pl.Float64,
    "before_s": pl.Float64,
    "reappeared_m": pl.Float64,
    "began_together": pl.Int64,
    "ended_together": pl.Int64,
    "reporting": pl.Int64,
}
"""Columns of `find_silences`; ``vehicle_id`` keeps the type of the input."""


LEAST_CHANGE = 2.0
"""Least length of a silence in lengths of the one just before it, when one fix alone lies between them."""


def find_silences(
    fixes: Any,
    *,
    until: dt.datetime | None = None,
    min_silence_s: float = 900.0,
    least_intervals: float = 6.0,
    together_s: float = 600.0,
    max_ahead_m: float = 1000.0,
) -> pl.DataFrame:
    """Find the silences of vehicles: long gaps between two fixes, and the silence after the last fix.

    Parameters
    ----------
    fixes : polars.DataFrame, polars.LazyFrame, pandas.DataFrame or pyarrow.Table
        ``vehicle_id``, ``t``, ``lon``, ``lat``, in any order.
    until : datetime or None
        End of the data: a vehicle whose last fix lies longer before it is silent since then. None: the newest fix
        of all vehicles.
    min_silence_s : float
        Least length, seconds.
    least_intervals : float
        Least length in usual intervals of the vehicle (its median): a vehicle that reports every 16 minutes is not
        silent after 20. A terminal that sleeps while its vehicle is parked, and reports every half an hour, falls
        silent once.
    together_s : float
        Silences of two vehicles begin, or end, together when they do so within two usual intervals of the slower one,
        at least a minute and at most this, seconds: when an operator fails, each is silent from its next fix on.
    max_ahead_m : float
        Greatest way for which a moving vehicle is followed beyond its last fix, metres.

    Returns
    -------
    polars.DataFrame
        ``SILENCE_SCHEMA``, sorted by vehicle and begin. ``began_at``, ``lon``, ``lat``: the last fix before.
        ``ended_at``: the first fix after, null when there is none; ``duration_s`` then runs to ``until``.
        ``ahead_lon``, ``ahead_lat``: where the vehicle would have been one usual interval later, had it gone on as
        between its last two fixes; the last fix itself when it stood. ``before_s``: median of the (at most 12)
        intervals before. ``reappeared_m``: from the last fix before to the first after, null when there is none.
        ``began_together``: other vehicles whose silence began in the same minutes; ``ended_together``: those of
        them whose silence also ended together with this one (or not at all, like this one). ``reporting``: vehicles
        that sent a fix in the slot of ``together_s`` of the clock in which it began, or in the one before if more.

    Raises
    ------
    InputFrameError, NaiveTimeError, ParameterError

    Examples
    --------
    >>> import datetime as dt, polars as pl
    >>> t0 = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    >>> minutes = [*range(10), *range(100, 110)]
    >>> track = pl.DataFrame({"vehicle_id": "A", "t": [t0 + dt.timedelta(minutes=m) for m in minutes],
    ...                       "lon": 120.8, "lat": 32.0})
    >>> find_silences(track).select("duration_s", "before_s", "reappeared_m").row(0)
    (5460.0, 60.0, 0.0)
    >>> find_silences(track.clear()).height
    0
    """
    check_between("min_silence_s", min_silence_s, 60, 1e8)
    check_between("least_intervals", least_intervals, 1, 1e6)
    check_between("together_s", together_s, 1, 1e6)
    check_between("max_ahead_m", max_ahead_m, 0, 1e5)
    if until is not None and until.tzinfo is None:
        raise NaiveTimeError("until: a time without a zone")
    rows = order_fixes(fixes)
    some = rows.ends > rows.starts
    if not some.any():
        return _frame(np.empty((0, 3), np.int64), np.empty((0, 6)), np.empty((0, 3), np.int64), rows, 0)
    newest = int(rows.t[rows.ends[some] - 1].max())
    last_us = newest if until is None else max(newest, round(until.timestamp() * 1e6))
    order = rows.vehicle_ids.arg_sort().to_numpy()
    order = order[some[order]]
    starts, ends = rows.starts[order], rows.ends[order]
    usual_us = _usual_intervals(rows.t, starts, ends)
    out_i, out_f = kernels.scan_silences(
        rows.t, rows.lon, rows.lat, starts, ends, usual_us, last_us, min_silence_s * 1e6, least_intervals, max_ahead_m
    )  # fmt: skip
    unusual = ~_goes_on(out_i, last_us)
    out_i, out_f = out_i[unusual], out_f[unusual]
    step = round(together_s * 1e6)
    others = np.column_stack(
        [
            *kernels.count_together(out_i, out_f[:, kernels.BEFORE_S], step),
            _reporting(rows.t, starts, ends, out_i[:, kernels.BEGAN], step),
        ]
    )
    out_i[:, kernels.CODE] = order[out_i[:, kernels.CODE]]
    return _frame(out_i, out_f, others, rows, last_us)


def _goes_on(out_i: Array, last_us: int) -> Array:
    """Return which silences go on with the rhythm of the one before: one fix between, and hardly longer."""
    ended = np.where(out_i[:, kernels.ENDED] == NO_TIME, last_us, out_i[:, kernels.ENDED])
    lasted = ended - out_i[:, kernels.BEGAN]
    found = np.zeros(len(out_i), bool)
    same = out_i[1:, kernels.CODE] == out_i[:-1, kernels.CODE]
    follows = out_i[1:, kernels.BEGAN] == out_i[:-1, kernels.ENDED]
    found[1:] = same & follows & (lasted[1:] <= LEAST_CHANGE * lasted[:-1])
    return found


def _usual_intervals(t: Array, starts: Array, ends: Array) -> Array:
    """Return the median interval of each vehicle, microseconds; 0 with fewer than two fixes."""
    return np.array(
        [np.median(np.diff(t[a:b])) if b - a > 1 else 0.0 for a, b in zip(starts, ends, strict=True)], float
    )


def _reporting(t: Array, starts: Array, ends: Array, began: Array, step: int) -> Array:
    """Return how many vehicles sent a fix in the slot of the clock of each begin, or in the slot before if more."""
    if len(began) == 0:
        return np.zeros(0, np.int64)
    slots = [np.unique(t[a:b] // step) for a, b in zip(starts, ends, strict=True)]
    slot, count = np.unique(np.concatenate(slots), return_counts=True)
    at = np.searchsorted(slot, began // step)  # every begin is a fix, so its slot is there
    before = np.maximum(at - 1, 0)
    follows = slot[before] == slot[at] - 1
    return np.maximum(count[at], np.where(follows, count[before], 0))


def _frame(out_i: Array, out_f: Array, others: Array, rows: OrderedFixes, last_us: int) -> pl.DataFrame:
    began, ended = out_i[:, kernels.BEGAN], out_i[:, kernels.ENDED]
    ids = rows.vehicle_ids if rows.vehicle_ids.dtype != pl.Null else rows.vehicle_ids.cast(pl.String)
    reappeared = pl.Series(out_f[:, kernels.REAPPEARED_M], dtype=pl.Float64)
    return pl.DataFrame(
        {
            "vehicle_id": ids.gather(out_i[:, kernels.CODE]),
            "began_at": utc_times(began),
            "ended_at": utc_times(ended),
            "duration_s": pl.Series(
                (np.where(ended == NO_TIME, last_us, ended) - began) / 1e6, dtype=pl.Float64
            ),
            "lon": out_f[:, kernels.LON],
            "lat": out_f[:, kernels.LAT],
            "ahead_lon": out_f[:, kernels.AHEAD_LON],
            "ahead_lat": out_f[:, kernels.AHEAD_LAT],
            "before_s": out_f[:, kernels.BEFORE_S],
            "reappeared_m": reappeared.fill_nan(None),
            "began_together": others[:, 0],
            "ended_together": others[:, 1],
            "reporting": others[:, 2],
        }
    ).sort("vehicle_id", "began_at")
