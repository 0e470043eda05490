"""Stay detection: where a vehicle stayed, how long it was seen there, and how the stay ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import polars as pl

from spatial_models.errors import ParameterError, StateMismatch
from spatial_models.fixes import (
    FixChunk,
    count_rows,
    group_by_vehicle,
    read_fix_columns,
    run_in_threads,
    split_rows,
)
from spatial_models.fixes import cleaning_kernels as cleaning
from spatial_models.fixes import row_layout as layout
from spatial_models.frames import Array, select_columns, utc_times
from spatial_models.parameter_checks import check_between, is_number
from spatial_models.stays import kernels

Anchor = Literal["first", "centroid"]
ENDED_BY = ("left", "gap", "track_end")


@dataclass(frozen=True)
class StayState:
    """State that the next batch continues from.

    It is small: at most ``min_duration_s`` of fixes per vehicle, however long the vehicle stays.

    Attributes
    ----------
    vehicle_ids : polars.Series
        One row per vehicle.
    integers, floats : numpy.ndarray
        Sums of each vehicle's open stay and its last times (columns of `spatial_models.fixes.row_layout`).
    tail : polars.DataFrame
        Last fixes: ``vehicle`` (row in ``vehicle_ids``), ``t`` (microseconds), ``lon``, ``lat``, ``waits``
        (not yet known whether it is a spike).
    parameters : dict
        Parameters of the call that made the state; the next call must use the same.
    """

    vehicle_ids: pl.Series
    integers: Array
    floats: Array
    tail: pl.DataFrame
    parameters: dict[str, Any]


@dataclass(frozen=True)
class StayResult:
    """Stays, the count of every row, and the state for the next batch.

    Attributes
    ----------
    stays : polars.DataFrame
        Sorted by vehicle and time: ``vehicle_id``, ``started_at``, ``ended_at`` (last fix inside),
        ``left_by`` (first fix outside or after the gap: an upper bound; null while open), ``ended_by`` (left,
        gap, track_end), ``open`` (the next fixes may change it), ``lon``, ``lat`` (mean of the fixes inside),
        ``radius_m`` (greatest distance of a fix inside from the anchor), ``n_fixes``, ``left_m`` (metres from
        the centre to the fix of ``left_by``; null while open; after a gap it shows whether the vehicle came
        back to the same place).
    quality : dict of str to int
        See `detect_stays`.
    state : StayState
    anchor : str
        Mode of the anchor that was used.
    """

    stays: pl.DataFrame
    quality: dict[str, int]
    state: StayState = field(repr=False)
    anchor: Anchor = "first"


def detect_stays(
    fixes: Any,
    *,
    radius_m: float = 150,
    min_duration_s: float = 600,
    max_gap_s: float = 900,
    anchor: Anchor = "first",
    outliers: int = 0,
    max_speed_kmh: float | None = None,
    state: StayState | None = None,
    final: bool = True,
    longest_gaps: pl.DataFrame | None = None,
) -> StayResult:
    """Detect stays in vehicle fixes.

    Parameters
    ----------
    fixes : polars.DataFrame, polars.LazyFrame, pandas.DataFrame or pyarrow.Table
        ``vehicle_id`` (text or integer), ``t`` (with zone, any unit; cut to microseconds), ``lon``, ``lat``
        (WGS 84 degrees). Rows may come in any order, other columns are ignored.
    radius_m : float
        Greatest distance from the anchor, metres, included.
    min_duration_s : float
        Least time from the first to the last fix inside, seconds, included.
    max_gap_s : float
        A longer gap between fixes ends a stay, seconds.
    anchor : {"first", "centroid"}
        Distance to the first fix (Li 2008) or to the running mean of the fixes inside.
    outliers : int
        Number of consecutive fixes outside that are tolerated when the vehicle is inside again after them.
    max_speed_kmh : float or None
        A fix is a spike when both the way from the last good fix and the way to the next fix need more than
        this. None: no filter.
    state : StayState or None
        Of the batch before. The batches of a vehicle come in time order.
    final : bool
        Also return the stays that are open at the end of the data (flagged ``open``). When more batches
        follow, either pass False, or replace all open rows by the rows of the next batch: an open stay
        usually comes again with the same ``vehicle_id`` and ``started_at``; with ``outliers`` it may become
        part of an earlier stay.
    longest_gaps : polars.DataFrame or None
        ``vehicle_id``, ``max_gap_s`` of vehicles that report seldom, in place of ``max_gap_s``; see
        `spatial_models.stays.longest_gaps_s`. It is no part of the state: batches of a vehicle are given the same.

    Returns
    -------
    StayResult
        ``quality`` counts: ``rows`` given; ``used``; not used: ``duplicates`` (same vehicle and time),
        ``late`` (older than rows of an earlier batch), ``spikes``, ``pending`` (the last fix of a vehicle,
        too fast from the fix before; the next fix decides), ``invalid`` (= ``invalid_vehicle`` +
        ``invalid_time`` + ``invalid_number`` null, NaN, infinite + ``invalid_range`` + ``invalid_zero``
        exactly 0, 0). For one run rows = used + duplicates + late + spikes + pending + invalid. Counted in
        addition: ``conflicts`` (duplicates at another position), ``out_of_order`` (sorted and used),
        ``outliers`` (used, tolerated in a stay).

    Raises
    ------
    InputFrameError, ParameterError, StateMismatch

    Notes
    -----
    Algorithm: Li, Zheng, Xie, Chen, Liu, Ma, "Mining user similarity based on location history", 2008, with
    these decisions:

    1. Anchor: the first fix (exact Li) or the centroid (tolerates drift; a slow queue gives fewer stays). The
       result names the mode.
    2. After a failed window the anchor advances by one fix; after a stay it moves to the first fix outside.
    3. A stay ends with its last fix inside; the first fix outside is ``left_by``.
    4. A gap ends a stay and keeps it (``ended_by`` gap); the stay is neither dropped nor continued over the
       gap.
    5. Duration >= and distance <=; at least 2 fixes.
    6. A stay at the end of the data is returned as ``open``; the next batch continues it.
    7. Of one vehicle and time the first row is used; another position is counted as a conflict, never
       averaged.
    8. Rows out of order are sorted; rows older than the state are counted as late.
    9. Spikes are removed by two-sided speed first, then up to ``outliers`` consecutive fixes outside are
       tolerated.
    10. The centre is the mean of the fixes inside, without spikes and outliers.
    11. Distance: local equirectangular with the cosine of the middle latitude, one cosine per anchor; it
        differs from haversine by less than 1e-6 of the distance up to 5 km. Beyond 80 degrees of latitude it
        is haversine.
    12. Longitudes are compared across the antimeridian. NaN, infinite, out of range (so: swapped axes in
        China) and exactly (0, 0) are counted as invalid. A datum is never guessed: convert before.
    13. Nothing is clipped here; `spatial_models.visits.find_visits` flags stays that a report window cuts.

    The run time is linear in the number of fixes, except for the centroid with ``outliers``: there, each
    anchor of a track that creeps out of the radius just before ``min_duration_s`` walks its window again,
    with at most as many steps as there are fixes in that time.

    Examples
    --------
    >>> import datetime as dt, polars as pl
    >>> t0 = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    >>> track = pl.DataFrame({"vehicle_id": "A", "t": [t0 + dt.timedelta(minutes=m) for m in range(12)],
    ...                       "lon": [120.80] * 11 + [120.85], "lat": 32.0})
    >>> detect_stays(track).stays.select("ended_at", "left_by", "ended_by", "n_fixes").row(0)[2:]
    ('left', 11)
    >>> detect_stays(track.clear()).stays.height
    0
    """
    parameters = _checked(radius_m, min_duration_s, max_gap_s, anchor, outliers, max_speed_kmh)
    state = state or _empty_state(parameters)
    if state.parameters != parameters:
        raise StateMismatch(f"the state was made with {state.parameters}, this call has {parameters}")
    ids, chunks = read_fix_columns(fixes, state.vehicle_ids)
    counts = np.zeros(8, np.int64)
    integers, floats = _widened(state, len(ids))
    rows = _rows(chunks, state, integers, parameters)
    gaps_us = _gaps_us(ids, parameters["max_gap_s"], longest_gaps)
    closed, undecided, tail = _scan(rows, integers, floats, counts, parameters, gaps_us)
    found = [closed, undecided, _open_stays(integers, floats)] if final else [closed]
    return StayResult(
        stays=_stay_frame(found, ids),
        quality=count_rows(rows.by_reason, counts, sum(len(chunk.code) for chunk in chunks)),
        state=StayState(ids, integers, floats, tail, parameters),
        anchor=anchor,
    )


@dataclass(frozen=True)
class _Rows:
    """Usable rows grouped by vehicle, in their input order."""

    t: Array
    lon: Array
    lat: Array
    starts: Array
    carried: Array
    m_per_us: float
    by_reason: Array


def _checked(
    radius_m: float,
    min_duration_s: float,
    max_gap_s: float,
    anchor: str,
    outliers: int,
    max_speed_kmh: float | None,
) -> dict[str, Any]:
    check_between("radius_m", radius_m, 0, 1e6)
    check_between("min_duration_s", min_duration_s, 0, 1e9)
    check_between("max_gap_s", max_gap_s, 0, 1e9)
    if anchor not in get_args(Anchor):
        raise ParameterError(f"anchor must be 'first' or 'centroid', got {anchor!r}")
    if isinstance(outliers, bool) or not isinstance(outliers, int | np.integer) or not 0 <= outliers <= 1000:
        raise ParameterError(f"outliers must be a whole number from 0 to 1000, got {outliers!r}")
    if max_speed_kmh is not None and (not is_number(max_speed_kmh) or not 0 < max_speed_kmh < 1e6):
        raise ParameterError(f"max_speed_kmh must be above 0, or None, got {max_speed_kmh!r}")
    return {
        "radius_m": float(radius_m),
        "min_duration_s": float(min_duration_s),
        "max_gap_s": float(max_gap_s),
        "anchor": anchor,
        "outliers": int(outliers),
        "max_speed_kmh": None if max_speed_kmh is None else float(max_speed_kmh),
    }


def _gaps_us(ids: pl.Series, max_gap_s: float, longest_gaps: pl.DataFrame | None) -> Array:
    """Return the longest gap of each vehicle, microseconds."""
    gaps = np.full(len(ids), round(max_gap_s * 1e6), np.int64)
    if longest_gaps is None or longest_gaps.is_empty() or len(ids) == 0:
        return gaps
    given = select_columns(longest_gaps, "longest_gaps", ("vehicle_id", "max_gap_s"))
    check_between("longest_gaps: max_gap_s", given["max_gap_s"].min(), 0, 1e9)
    check_between("longest_gaps: max_gap_s", given["max_gap_s"].max(), 0, 1e9)
    given = given.with_columns(pl.col("vehicle_id").cast(ids.dtype)).unique("vehicle_id", keep="first")
    own = pl.DataFrame({"vehicle_id": ids}).join(given, on="vehicle_id", how="left", maintain_order="left")
    seconds = own["max_gap_s"].cast(pl.Float64)
    known = seconds.is_not_null().to_numpy()
    gaps[known] = (seconds.drop_nulls().to_numpy() * 1e6).round().astype(np.int64)
    return gaps


def _empty_state(parameters: dict[str, Any]) -> StayState:
    tail = pl.DataFrame(
        schema={"vehicle": pl.Int64, "t": pl.Int64, "lon": pl.Float64, "lat": pl.Float64, "waits": pl.Boolean}
    )
    return StayState(
        pl.Series([], dtype=pl.Null), np.empty((0, 7), np.int64), np.empty((0, 7)), tail, parameters
    )


def _widened(state: StayState, n_vehicles: int) -> tuple[Array, Array]:
    """Copy the state's arrays and add rows for vehicles that are new in this batch."""
    integers = np.zeros((n_vehicles, 7), np.int64)
    integers[:, [layout.LAST_T, layout.KEPT_T]] = layout.NO_TIME
    floats = np.zeros((n_vehicles, 7))
    integers[: len(state.integers)] = state.integers
    floats[: len(state.floats)] = state.floats
    return integers, floats


def _rows(chunks: list[FixChunk], state: StayState, integers: Array, parameters: dict[str, Any]) -> _Rows:
    """Check the rows of the state and of the batch, and group them by vehicle."""
    columns = [state.tail[name].to_numpy() for name in ("vehicle", "t", "lon", "lat")]
    tail = FixChunk(columns[0].astype(np.int32), columns[1], 1, *columns[2:])
    starts, t, lon, lat, by_reason = group_by_vehicle(
        chunks, integers[:, layout.LAST_T].copy(), tail, reuse_buffers=True
    )
    judged = state.tail.filter(~pl.col("waits"))["vehicle"].to_numpy()
    carried = np.bincount(judged, minlength=len(integers))
    speed = parameters["max_speed_kmh"]
    m_per_us = 0.0 if speed is None else speed / 3.6e6
    return _Rows(t, lon, lat, starts, carried, m_per_us, by_reason)


def _scan(
    rows: _Rows, integers: Array, floats: Array, counts: Array, parameters: dict[str, Any], gaps_us: Array
) -> tuple[tuple[Array, Array], tuple[Array, Array], pl.DataFrame]:
    """Scan all vehicles in threads.

    Returns closed stays and undecided stays, each as (integers, floats), and the rows that the next batch
    needs.
    """
    edges = [int(rows.starts.searchsorted(a)) for a, _ in split_rows(len(rows.t))]
    ranges = list(pairwise(sorted({*edges, len(integers)}))) or [(0, 0)]
    work = partial(_scan_some, rows, integers, floats, parameters, gaps_us)
    found = run_in_threads(lambda n: work(*ranges[n]), len(ranges))
    counts += sum(part[2] for part in found)
    closed = np.concatenate([part[0] for part in found]), np.concatenate([part[1] for part in found])
    ends, pending, needed, *undecided = (
        np.concatenate([part[n] for part in found]) for n in range(3, len(found[0]))
    )
    return closed, (undecided[0], undecided[1]), _tail(rows, ends, pending, needed)


def _scan_some(
    rows: _Rows,
    integers: Array,
    floats: Array,
    parameters: dict[str, Any],
    gaps_us: Array,
    first: int,
    last: int,
) -> tuple[Array, ...]:
    """Sort, clean and scan the vehicles ``first..last``."""
    starts, some = rows.starts[first : last + 1], slice(first, last)
    counts = np.zeros(8, np.int64)
    fixes = rows.t, rows.lon, rows.lat
    ends, pending = cleaning.clean_vehicles(
        starts, rows.carried[some], *fixes, integers[some], floats[some], rows.m_per_us, counts
    )
    room = int(starts[-1] - starts[0]) // 2 + last - first + 1
    out_i, out_f = np.empty((room, 6), np.int64), np.empty((room, 4))
    how = (
        parameters["radius_m"] ** 2,
        round(parameters["min_duration_s"] * 1e6),
        gaps_us[some],
        parameters["anchor"] == "centroid",
        parameters["outliers"],
    )
    needed = kernels.scan_vehicles(
        *fixes, starts, ends, integers[some], floats[some], *how, out_i, out_f, counts
    )
    n = counts[layout.C_STAYS]
    maybe_i, maybe_f, m = np.empty((last - first, 6), np.int64), np.empty((last - first, 4)), 0
    if parameters["outliers"] > 0:
        m = kernels.find_undecided(*fixes, needed, ends, integers[some], *how, maybe_i, maybe_f)
    out_i[:n, kernels.OUT_CODE] += first
    maybe_i[:m, kernels.OUT_CODE] += first
    return out_i[:n], out_f[:n], counts, ends, pending, needed, maybe_i[:m], maybe_f[:m]


def _open_stays(integers: Array, floats: Array) -> tuple[Array, Array]:
    out_i, out_f = np.empty((len(integers), 6), np.int64), np.empty((len(integers), 4))
    n = kernels.write_open_stays(integers, floats, out_i, out_f)
    return out_i[:n], out_f[:n]


def _tail(rows: _Rows, ends: Array, pending: Array, needed: Array) -> pl.DataFrame:
    """Return the rows that the next batch needs."""
    without_pending = ends
    ends = ends + pending
    lengths = ends - needed
    vehicle = np.repeat(np.arange(len(ends)), lengths)
    offset = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    at = np.repeat(needed, lengths) + offset
    waits = at >= without_pending[vehicle]
    return pl.DataFrame(
        {"vehicle": vehicle, "t": rows.t[at], "lon": rows.lon[at], "lat": rows.lat[at], "waits": waits},
        schema_overrides={"vehicle": pl.Int64},
    )


def _stay_frame(found: list[tuple[Array, Array]], ids: pl.Series) -> pl.DataFrame:
    out_i, out_f = np.concatenate([i for i, _ in found]), np.concatenate([f for _, f in found])
    ended_by = pl.Series(out_i[:, kernels.OUT_ENDED_BY])
    frame = pl.DataFrame(
        {
            "vehicle_id": ids.gather(out_i[:, kernels.OUT_CODE]),
            "started_at": utc_times(out_i[:, kernels.OUT_START]),
            "ended_at": utc_times(out_i[:, kernels.OUT_END]),
            "left_by": utc_times(out_i[:, kernels.OUT_LEFT_BY]),
            "ended_by": ended_by.replace_strict(list(range(3)), list(ENDED_BY), return_dtype=pl.String),
            "open": ended_by == kernels.TRACK_END,
            "lon": out_f[:, 0],
            "lat": out_f[:, 1],
            "radius_m": out_f[:, 2],
            "n_fixes": out_i[:, kernels.OUT_N],
            "left_m": out_f[:, 3],
        }
    )
    return frame.with_columns(pl.col("left_m").fill_nan(None)).sort("vehicle_id", "started_at")
