"""Geofence violations in fixes: vehicles and vessels that enter, leave or overstay against a rule."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from spatial_models.errors import StateMismatch
from spatial_models.fences import kernels as f
from spatial_models.fences.crossings import Crossings, find_crossings
from spatial_models.fences.events import EVENT_SCHEMA as EVENT_SCHEMA
from spatial_models.fences.events import clip_to_window as clip_to_window
from spatial_models.fences.events import crossing_rows, event_frame
from spatial_models.fences.shapes import (
    RULES,
    FenceGrid,
    FenceShapes,
    build_grid,
    group_vehicles,
    read_fences,
)
from spatial_models.fixes import NO_LAST_FIXES, NO_TIME, LastFixes, OrderedFixes, order_fixes
from spatial_models.frames import LOCAL_ZONE, Array
from spatial_models.parameter_checks import check_between

CROSSING_CELLS = 64
"""Cells per side of the grid for segments; with more, a segment would cover too many cells."""


@dataclass(frozen=True)
class FenceState:
    """State that the next batch continues from.

    It holds a few numbers per vehicle, and a few more per vehicle that is at a fence now.
    """

    last_fixes: LastFixes
    last_lon: Array
    last_lat: Array
    vehicle: Array
    fence: Array
    integers: Array
    floats: Array
    parameters: tuple[float, int]


@dataclass(frozen=True)
class FenceResult:
    """Violation events, the count of every row, and the state for the next batch.

    Attributes
    ----------
    events : polars.DataFrame
        ``EVENT_SCHEMA``, sorted by vehicle, start and fence.
    quality : dict of str to int
        ``rows`` = ``used`` + ``duplicates`` + ``late`` + ``invalid``, as in
        `spatial_models.stays.detect_stays`.
    state : FenceState
    """

    events: pl.DataFrame
    quality: dict[str, int]
    state: FenceState = field(repr=False)


def detect_fence_events(
    fixes: Any,
    fences: Any,
    vehicles: Any = None,
    *,
    max_gap_s: float = 900.0,
    crossings: bool = False,
    local_zone: str = LOCAL_ZONE,
    state: FenceState | None = None,
    final: bool = True,
) -> FenceResult:
    """Detect violations of geofence rules, with their begin and end.

    Parameters
    ----------
    fixes : polars.DataFrame, polars.LazyFrame, pandas.DataFrame or pyarrow.Table
        ``vehicle_id``, ``t``, ``lon``, ``lat``, in any order.
    fences : polars.DataFrame
        ``fence_id``; ``rule``: ``forbid_enter``, ``forbid_leave`` or ``dwell_limit``; ``boundary`` (polygon
        as WKB or shapely, WGS 84). Optional, null for the default:

        ``buffer_m`` (30): a fix is inside up to the boundary, it is outside beyond this distance; between
        them nothing changes (hysteresis). ``enter_fixes`` (2), ``leave_fixes`` (2): number of consecutive
        fixes that must agree before a violation begins or ends; it then begins and ends with the first of
        them. ``delay_s`` (0): shorter violations are not reported. ``limit_s``: the dwell limit. ``times``:
        `TimeTable`, or its JSON. ``below_speed_kmh``: only fixes at most this fast count as inside (a vessel
        that fishes, not one that passes). ``medium``: ``land`` or ``water``; ``vehicle_kinds``,
        ``vehicle_ids``: lists of the vehicles that the fence applies to.
    vehicles : polars.DataFrame or None
        ``vehicle_id``, ``kind``; vessels belong to ``water``. None: ``medium`` is ignored.
    max_gap_s : float
        A longer gap between fixes ends an event, seconds.
    local_zone : str
        Time zone of time tables that name none.
    crossings : bool
        Also infer violations of ``forbid_enter`` between two fixes that both lie beyond the buffer: the
        straight line between them crosses the fence for at least ``buffer_m`` metres, at no more than 200
        km/h and ``below_speed_kmh``, within ``max_gap_s`` and, by the interpolated times, for at least
        ``delay_s``.
    state : FenceState or None
        Of the batch before. The batches of a vehicle come in time order.
    final : bool
        Also return events that are still open; a later row with the same ``event_id`` replaces such an event.

    Returns
    -------
    FenceResult
        An event runs from ``started_at`` to ``ended_at``, the first and last fix against the rule.
        ``started_after`` is the last fix before it (null when the track begins in it: ``begun_by``
        track_start), ``left_by`` the first fix after it. ``begun_by``: entered, gap (the vehicle reappeared
        against the rule), track_start, table (it was there when the time table began). ``ended_by``: left,
        gap, track_end (``open``), table. ``confirmed_at``: the fix at which the number of fixes and the time
        were enough to report it. ``over_s``: seconds above the delay or the limit. ``clipped_start``,
        ``clipped_end``: the true begin or end lies outside the data. An inferred crossing has ``begun_by``
        and ``ended_by`` crossed and no fix (``n_fixes`` 0): ``started_at`` and ``ended_at`` are interpolated,
        ``started_after`` and ``left_by`` are the fixes before and after.

    Raises
    ------
    InputFrameError, ParameterError, StateMismatch

    Notes
    -----
    Inside is decided in a local plane at the fix (even-odd rule, the boundary included). The rules
    ``forbid_enter`` and ``dwell_limit`` are broken inside the fence, ``forbid_leave`` is broken beyond its
    buffer. The result does not depend on how the fixes are divided into batches.

    Examples
    --------
    >>> import datetime as dt, polars as pl, shapely
    >>> fence = pl.DataFrame({"fence_id": ["F"], "rule": ["forbid_enter"],
    ...                       "boundary": [shapely.box(120.0, 32.0, 120.1, 32.1).wkb]})
    >>> t0 = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    >>> track = pl.DataFrame({"vehicle_id": "A", "t": [t0 + dt.timedelta(minutes=m) for m in range(6)],
    ...                       "lon": [119.9, 119.95, 120.05, 120.06, 120.2, 120.3], "lat": 32.05})
    >>> events = detect_fence_events(track, fence).events
    >>> events.select("begun_by", "ended_by", "n_fixes", "duration_s").row(0)
    ('entered', 'left', 2, 60.0)
    >>> detect_fence_events(track.clear(), fence).events.height
    0
    >>> detect_fence_events(track, fence, None).events.height
    1
    """
    check_between("max_gap_s", max_gap_s, 0, 1e9)
    shapes = read_fences(fences, local_zone)
    parameters = (float(max_gap_s), shapes.fingerprint)
    if state is not None and state.parameters != parameters:
        raise StateMismatch("the state was made with other fences or another max_gap_s")
    state = state or _empty_state(parameters)
    rows = order_fixes(fixes, state.last_fixes, reuse_buffers=True)
    n_vehicles = len(rows.vehicle_ids)
    last_lon, last_lat = _widened(state.last_lon, n_vehicles), _widened(state.last_lat, n_vehicles)
    group, applies = group_vehicles(shapes, rows.vehicle_ids, vehicles)
    grid = build_grid(shapes)
    pair_rows = _select_pair_rows(rows, shapes, grid, group, applies, state)
    cut = _infer_crossings(
        rows, shapes, group, applies, pair_rows, last_lon, last_lat, max_gap_s, wanted=crossings
    )
    found, carried = _track_violations(
        rows, shapes, pair_rows, state, last_lon, last_lat, round(max_gap_s * 1e6)
    )
    if final:
        found = [*found, _open_events(pair_rows, carried)]
    found = [*found, crossing_rows(cut, len(pair_rows.vehicle))]
    some = rows.ends > rows.starts
    last_lon[some], last_lat[some] = rows.lon[rows.ends[some] - 1], rows.lat[rows.ends[some] - 1]
    return FenceResult(
        events=event_frame(
            found,
            np.concatenate([pair_rows.vehicle, cut.vehicle]),
            np.concatenate([pair_rows.fence, cut.fence]),
            shapes,
            rows.vehicle_ids,
        ),
        quality=rows.quality,
        state=_next_state(rows, pair_rows, carried, last_lon, last_lat, parameters),
    )


@dataclass(frozen=True)
class _PairRows:
    """Rows that decide about each pair of vehicle and fence, sorted by pair and time."""

    vehicle: Array
    fence: Array
    integers: Array
    floats: Array
    pair: Array
    row: Array
    distance_m: Array
    known_near: Array


def _empty_state(parameters: tuple[float, int]) -> FenceState:
    none = np.empty(0, np.int64)
    return FenceState(
        NO_LAST_FIXES,
        np.empty(0),
        np.empty(0),
        none,
        none,
        np.empty((0, 10), np.int64),
        np.empty((0, 4)),
        parameters,
    )


def _widened(values: Array, length: int) -> Array:
    wide = np.full(length, np.nan)
    wide[: len(values)] = values
    return wide


def _near_fixes(
    rows: OrderedFixes, shapes: FenceShapes, grid: FenceGrid, group: Array, applies: Array
) -> tuple[Array, Array, Array, Array]:
    """Return vehicle, fence, row and distance of every fix within a fence or its buffer, sorted."""
    vehicle = np.repeat(np.arange(len(rows.starts)), rows.ends - rows.starts)
    at = np.concatenate(
        [np.arange(a, b) for a, b in zip(rows.starts, rows.ends, strict=True)] or [np.empty(0, np.int64)]
    )
    room = len(at) + 1024
    while True:
        n, row, fence, distance_m = f.find_near_pairs(
            rows.lon[at], rows.lat[at], group[vehicle], applies, grid.west, grid.south, grid.step_lon, grid.step_lat,
            grid.nx, grid.ny, grid.cell_starts, grid.cell_boxes, grid.boxes, grid.box_fence,
            shapes.edges, shapes.edge_starts, shapes.buffer_m, room,
        )  # fmt: skip
        if n <= room:
            break
        room = n
    key = vehicle[row] * max(1, len(shapes.ids)) + fence
    order = np.argsort(key, kind="stable")
    row = row[order]
    return vehicle[row], fence[order].astype(np.int64), at[row], distance_m[order]


def _select_pair_rows(
    rows: OrderedFixes, shapes: FenceShapes, grid: FenceGrid, group: Array, applies: Array, state: FenceState
) -> _PairRows:
    n_fences = max(1, len(shapes.ids))
    vehicle, fence, row, distance_m = _near_fixes(rows, shapes, grid, group, applies)
    near_key = vehicle * n_fences + fence
    old_key = state.vehicle * n_fences + state.fence
    leave = np.flatnonzero(shapes.rule == RULES.index("forbid_leave"))
    moving = np.flatnonzero(rows.ends > rows.starts)
    bound_v, bound_f = (
        np.nonzero(applies[group[moving]][:, leave])
        if len(leave) and len(moving)
        else (np.empty(0, int),) * 2
    )
    bound_key = moving[bound_v] * n_fences + leave[bound_f] if len(leave) else np.empty(0, np.int64)
    keys = np.unique(np.concatenate([near_key, old_key, bound_key]))
    pair_vehicle, pair_fence = keys // n_fences, keys % n_fences
    integers, floats = np.zeros((len(keys), 10), np.int64), np.zeros((len(keys), 4))
    integers[:, f.INACTIVE_T] = NO_TIME
    old = np.searchsorted(keys, old_key)
    integers[old], floats[old] = state.integers, state.floats
    carried = np.zeros(len(keys), bool)
    carried[old] = True
    # outside a fence that forbids to leave every fix counts: all rows are "following" ones
    following = shapes.leave_fixes[pair_fence].copy()
    bound = np.isin(keys, bound_key)
    following[bound] = np.iinfo(np.int64).max // 2
    carried |= bound
    first, end = rows.starts[pair_vehicle], rows.ends[pair_vehicle]
    near_pair = np.searchsorted(keys, near_key)
    room = int(np.minimum((end - first).astype(float), following * (np.bincount(near_pair, minlength=len(keys)) + 1.0)
                          + np.bincount(near_pair, minlength=len(keys))).sum()) + 1  # fmt: skip
    pair, at, near = f.add_following_rows(near_pair, row, first, end, carried, following, room)
    distance = np.where(near >= 0, distance_m[near] if len(distance_m) else math.inf, math.inf)
    return _PairRows(pair_vehicle, pair_fence, integers, floats, pair, at, distance, near >= 0)


def _infer_crossings(
    rows: OrderedFixes, shapes: FenceShapes, group: Array, applies: Array, pair_rows: _PairRows,
    last_lon: Array, last_lat: Array, max_gap_s: float, *, wanted: bool,
) -> Crossings:  # fmt: skip
    if not wanted:
        none = np.empty(0, np.int64)
        return Crossings(none, none, np.empty((0, 4), np.int64), np.empty((0, 4)))
    near = pair_rows.row * len(shapes.ids) + pair_rows.fence[pair_rows.pair]
    return find_crossings(
        rows,
        last_lon,
        last_lat,
        shapes,
        build_grid(shapes, CROSSING_CELLS),
        group,
        applies,
        np.sort(near[pair_rows.known_near]),
        round(max_gap_s * 1e6),
    )


def _classify_rows(
    pair_rows: _PairRows, rows: OrderedFixes, shapes: FenceShapes, slow: Array
) -> tuple[Array, Array]:
    """Return the signal of each row, and whether it breaks the rule apart from the time table."""
    fence = pair_rows.fence[pair_rows.pair]
    forbid_leave = shapes.rule[fence] == RULES.index("forbid_leave")
    inside, outside = pair_rows.distance_m <= 0.0, pair_rows.distance_m > shapes.buffer_m[fence]
    bad = np.where(forbid_leave, outside, inside & (slow == 1))
    good = np.where(forbid_leave, inside, outside | (inside & (slow == 0)))
    signal = np.where(bad, f.BAD, np.where(good, f.GOOD, f.NEUTRAL)).astype(np.uint8)
    ruled = np.ones(len(signal), bool)
    for table in {table for table in shapes.tables if not table.is_always}:
        of_table = np.array([t == table for t in shapes.tables])[fence]
        ruled[of_table] = table.applies_at(rows.t[pair_rows.row[of_table]])
    signal[~ruled] = f.INACTIVE
    return signal, bad & ~ruled


def _track_violations(
    rows: OrderedFixes,
    shapes: FenceShapes,
    pair_rows: _PairRows,
    state: FenceState,
    last_lon: Array,
    last_lat: Array,
    max_gap: int,
) -> tuple[list[tuple[Array, Array]], Array]:
    """Return the events that ended, and a mask of the pairs that the next batch needs."""
    vehicle, fence = pair_rows.vehicle[pair_rows.pair], pair_rows.fence[pair_rows.pair]
    first, last_t = rows.starts[vehicle], rows.last_t[vehicle]
    slow = f.flag_slow_fixes(
        pair_rows.row, first, rows.t, rows.lon, rows.lat, last_t, shapes.below_speed_kmh[fence], max_gap,
        last_lon[vehicle], last_lat[vehicle],
    )  # fmt: skip
    signal, bad_inactive = _classify_rows(pair_rows, rows, shapes, slow)
    room = len(pair_rows.row) + 1
    out_i, out_f = np.empty((room, 10), np.int64), np.empty((room, 4))
    n = f.track_violations(
        pair_rows.pair, pair_rows.row, signal, bad_inactive, first, last_t, rows.t, rows.lon, rows.lat,
        shapes.enter_fixes[pair_rows.fence], shapes.leave_fixes[pair_rows.fence],
        shapes.threshold_us[pair_rows.fence], max_gap, pair_rows.integers, pair_rows.floats, out_i, out_f,
    )  # fmt: skip
    newest = rows.last_fixes.last_t[pair_rows.vehicle]
    needed = (pair_rows.integers[:, f.PHASE] != f.IDLE) | (pair_rows.integers[:, f.INACTIVE_T] == newest)
    return [(out_i[:n], out_f[:n])], needed


def _open_events(pair_rows: _PairRows, needed: Array) -> tuple[Array, Array]:
    out_i, out_f = np.empty((len(pair_rows.integers), 10), np.int64), np.empty((len(pair_rows.integers), 4))
    n = f.write_open_events(pair_rows.integers, pair_rows.floats, out_i, out_f)
    return out_i[:n], out_f[:n]


def _next_state(
    rows: OrderedFixes,
    pair_rows: _PairRows,
    needed: Array,
    last_lon: Array,
    last_lat: Array,
    parameters: tuple[float, int],
) -> FenceState:
    return FenceState(
        rows.last_fixes, last_lon, last_lat, pair_rows.vehicle[needed], pair_rows.fence[needed],
        pair_rows.integers[needed], pair_rows.floats[needed], parameters,
    )  # fmt: skip
