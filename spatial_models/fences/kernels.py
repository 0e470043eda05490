"""Compiled loops that find fixes near geofences and track the violations of each pair of vehicle and fence.

``t`` is int64 microseconds since 1970 UTC, ``lon`` and ``lat`` are float64 degrees (WGS 84). ``edges`` has
rows ``lon_a, lat_a, lon_b, lat_b``.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from spatial_models.distances import M_PER_DEG, RAD, haversine_m, wrap_deg
from spatial_models.fixes import NO_TIME, Array

GOOD, NEUTRAL, BAD, INACTIVE = 0, 1, 2, 3
ENTERED, AFTER_GAP, TRACK_START, TABLE_BEGAN = range(4)
LEFT, GAP, TRACK_END, TABLE_ENDED = range(4)

# columns of the carried state of one pair of vehicle and fence: integers and floats
PHASE, START_T, AFTER_T, BEGUN_BY, LAST_BAD_T, N_BAD, GOOD_T, N_GOOD, CONFIRMED_T, INACTIVE_T = range(10)
IDLE, CANDIDATE, VIOLATING = range(3)
ST_LON, ST_LAT, ST_SUM_LON, ST_SUM_LAT = range(4)
# columns of a written event
EV_PAIR, EV_START, EV_AFTER, EV_BEGUN, EV_END, EV_LEFT_BY, EV_ENDED, EV_CONFIRMED, EV_N, EV_OPEN = range(10)
ON_EDGE_M = 1e-6


@njit(cache=True, nogil=True)
def signed_distance_m(lon: float, lat: float, edges: Array, begin: int, end: int) -> float:
    """Return the distance of a point to a polygon's edges, metres; negative inside.

    It uses a local plane at the point and the even-odd rule. A point on an edge gets 0 or less.
    """
    kx = M_PER_DEG * math.cos(lat * RAD)
    nearest2 = math.inf
    inside = False
    for e in range(begin, end):
        ax, ay = wrap_deg(edges[e, 0] - lon) * kx, (edges[e, 1] - lat) * M_PER_DEG
        bx, by = wrap_deg(edges[e, 2] - lon) * kx, (edges[e, 3] - lat) * M_PER_DEG
        dx, dy = bx - ax, by - ay
        length2 = dx * dx + dy * dy
        u = 0.0
        if length2 > 0.0:
            u = min(1.0, max(0.0, -(ax * dx + ay * dy) / length2))
        px, py = ax + u * dx, ay + u * dy
        nearest2 = min(nearest2, px * px + py * py)
        if (ay > 0.0) != (by > 0.0) and ax - ay * dx / dy > 0.0:
            inside = not inside
    distance = math.sqrt(nearest2)
    if distance <= ON_EDGE_M:
        return 0.0
    return -distance if inside else distance


@njit(cache=True, nogil=True)
def find_near_pairs(
    lon: Array, lat: Array, vehicle: Array, applies: Array, west: float, south: float, step_lon: float,
    step_lat: float, nx: int, ny: int, cell_starts: Array, cell_boxes: Array, boxes: Array, box_fence: Array,
    edges: Array, edge_starts: Array, buffer_m: Array, room: int,
) -> tuple[int, Array, Array, Array]:  # fmt: skip
    """Find pairs of row and fence with a distance of at most the fence's buffer.

    Returns their number, ``row``, ``fence``, ``distance_m``. When the number exceeds ``room``, call again
    with that room.
    """
    out_row, out_fence, out_m = np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room)
    n = 0
    for row in range(len(lon)):
        x, y = lon[row], lat[row]
        ix, iy = math.floor((x - west) / step_lon), math.floor((y - south) / step_lat)
        if ix < 0 or iy < 0 or ix >= nx or iy >= ny:
            continue
        cell = iy * nx + ix
        for at in range(cell_starts[cell], cell_starts[cell + 1]):
            box = cell_boxes[at]
            if x < boxes[box, 0] or x > boxes[box, 2] or y < boxes[box, 1] or y > boxes[box, 3]:
                continue
            fence = box_fence[box]
            if not applies[vehicle[row], fence]:
                continue
            before = min(n, room) - 1  # boxes of one fence may overlap
            while before >= 0 and out_row[before] == row and out_fence[before] != fence:
                before -= 1
            if before >= 0 and out_row[before] == row:
                continue
            d = signed_distance_m(x, y, edges, edge_starts[fence], edge_starts[fence + 1])
            if d <= buffer_m[fence]:
                if n < room:
                    out_row[n], out_fence[n], out_m[n] = row, fence, d
                n += 1
    return n, out_row[: min(n, room)], out_fence[: min(n, room)], out_m[: min(n, room)]


@njit(cache=True, nogil=True)
def add_following_rows(
    near_pair: Array, near_row: Array, pair_first: Array, pair_end: Array, carried: Array, leave_fixes: Array,
    room: int,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Return the near rows of each pair and the next ``leave_fixes`` rows after each of them.

    A carried pair also gets the first ``leave_fixes`` rows. ``near_pair`` is sorted, rows increase within a
    pair. Returns ``pair``, ``row`` and ``near`` (index among the near rows or -1): the input of
    `track_violations`.
    """
    out_pair, out_row, out_near = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    m, n = 0, 0
    for p in range(len(pair_first)):
        row = pair_first[p]
        left = leave_fixes[p] if carried[p] else 0
        while True:
            is_near = n < len(near_pair) and near_pair[n] == p
            until = near_row[n] if is_near else pair_end[p]
            while row < until and left > 0:
                out_pair[m], out_row[m], out_near[m] = p, row, -1
                m += 1
                row += 1
                left -= 1
            if not is_near:
                break
            out_pair[m], out_row[m], out_near[m] = p, until, n
            m += 1
            row = until + 1
            left = leave_fixes[p]
            n += 1
    return out_pair[:m], out_row[:m], out_near[:m]


@njit(cache=True, nogil=True)
def flag_slow_fixes(
    rows: Array, first_row: Array, t: Array, lon: Array, lat: Array, last_t: Array, limit_kmh: Array,
    max_gap: int, last_lon: Array, last_lat: Array,
) -> Array:  # fmt: skip
    """Flag fixes whose speed since the fix before is at most the limit: 1 yes, 0 no, 2 unknown.

    The speed is unknown for a vehicle's first fix and after a gap.
    """
    out = np.empty(len(rows), np.uint8)
    for n in range(len(rows)):
        row = rows[n]
        if limit_kmh[n] == math.inf:
            out[n] = 1
            continue
        if row > first_row[n]:
            bt, blon, blat = t[row - 1], lon[row - 1], lat[row - 1]
        else:
            bt, blon, blat = last_t[n], last_lon[n], last_lat[n]
        if bt == NO_TIME or t[row] - bt > max_gap:
            out[n] = 2
        else:
            km = haversine_m(blon, blat, lon[row], lat[row]) / 1000.0
            out[n] = 1 if km <= limit_kmh[n] * (t[row] - bt) / 3.6e9 else 0
    return out


@njit(cache=True, nogil=True)
def _write_event(
    pair: int, state_i: Array, state_f: Array, left_by: int, how: int, out_i: Array, out_f: Array, m: int
) -> int:
    out_i[m, EV_PAIR], out_i[m, EV_START], out_i[m, EV_AFTER] = (
        pair,
        state_i[pair, START_T],
        state_i[pair, AFTER_T],
    )
    out_i[m, EV_BEGUN], out_i[m, EV_END], out_i[m, EV_LEFT_BY] = (
        state_i[pair, BEGUN_BY],
        state_i[pair, LAST_BAD_T],
        left_by,
    )
    out_i[m, EV_ENDED], out_i[m, EV_CONFIRMED], out_i[m, EV_N] = (
        how,
        state_i[pair, CONFIRMED_T],
        state_i[pair, N_BAD],
    )
    out_i[m, EV_OPEN] = how == TRACK_END
    n = state_i[pair, N_BAD]
    out_f[m, 0], out_f[m, 1] = state_f[pair, ST_LON], state_f[pair, ST_LAT]
    out_f[m, 2] = wrap_deg(state_f[pair, ST_LON] + state_f[pair, ST_SUM_LON] / n)
    out_f[m, 3] = state_f[pair, ST_LAT] + state_f[pair, ST_SUM_LAT] / n
    return m + 1


@njit(cache=True, nogil=True)
def _is_reported(state_i: Array, pair: int) -> bool:
    """Return whether a violation has enough fixes and time to be an event."""
    return state_i[pair, PHASE] == VIOLATING and state_i[pair, CONFIRMED_T] != NO_TIME


@njit(cache=True, nogil=True)
def _close_event(
    pair: int, at: int, how: int, state_i: Array, state_f: Array, out_i: Array, out_f: Array, m: int
) -> int:
    """Write the pair's violation if it is an event, and clear it; after fixes outside it ends by leaving."""
    if _is_reported(state_i, pair):
        gone = state_i[pair, N_GOOD] > 0
        left_by, how = (state_i[pair, GOOD_T], LEFT) if gone else (at, how)
        m = _write_event(pair, state_i, state_f, left_by, how, out_i, out_f, m)
    state_i[pair, PHASE], state_i[pair, N_GOOD] = IDLE, 0
    return m


@njit(cache=True, nogil=True)
def _add_bad_fix(
    pair: int, at: int, x: float, y: float, before: int, how: int, enter_fixes: int, threshold: int,
    state_i: Array, state_f: Array,
) -> None:  # fmt: skip
    """Add a fix against the rule to the pair's state."""
    if state_i[pair, PHASE] == IDLE:
        state_i[pair, PHASE] = CANDIDATE
        state_i[pair, START_T], state_i[pair, AFTER_T], state_i[pair, BEGUN_BY] = at, before, how
        state_i[pair, N_BAD], state_i[pair, CONFIRMED_T] = 0, NO_TIME
        state_f[pair, ST_LON], state_f[pair, ST_LAT] = x, y
        state_f[pair, ST_SUM_LON], state_f[pair, ST_SUM_LAT] = 0.0, 0.0
    state_i[pair, LAST_BAD_T] = at
    state_i[pair, N_BAD] += 1
    state_i[pair, N_GOOD] = 0
    state_f[pair, ST_SUM_LON] += wrap_deg(x - state_f[pair, ST_LON])
    state_f[pair, ST_SUM_LAT] += y - state_f[pair, ST_LAT]
    if state_i[pair, N_BAD] >= enter_fixes:
        state_i[pair, PHASE] = VIOLATING
        if state_i[pair, CONFIRMED_T] == NO_TIME and at - state_i[pair, START_T] >= threshold:
            state_i[pair, CONFIRMED_T] = at


@njit(cache=True, nogil=True)
def track_violations(  # noqa: C901  one pass, compiled
    pair: Array, row: Array, signal: Array, bad_inactive: Array, first_row: Array, last_t: Array, t: Array, lon: Array,
    lat: Array, enter_fixes: Array, leave_fixes: Array, threshold: Array, max_gap: int,
    state_i: Array, state_f: Array, out_i: Array, out_f: Array,
) -> int:  # fmt: skip
    """Track the violation of each pair over its rows; write events that end, keep the rest in the state.

    Rows that are not given lie outside and follow ``leave_fixes`` given rows outside. ``signal`` is ``GOOD``,
    ``NEUTRAL``, ``BAD`` or ``INACTIVE`` (outside the time table). ``bad_inactive``: the row would break the
    rule inside the time table. Returns the number of events.
    """
    m = 0
    for n in range(len(pair)):
        p, r = pair[n], row[n]
        at = t[r]
        before = t[r - 1] if r > first_row[n] else last_t[n]
        silent = before != NO_TIME and at - before > max_gap
        was_bad_inactive = before != NO_TIME and state_i[p, INACTIVE_T] == before
        if silent and state_i[p, PHASE] != IDLE:
            m = _close_event(p, at, GAP, state_i, state_f, out_i, out_f, m)
        if signal[n] == BAD:
            how = ENTERED
            if before == NO_TIME:
                how = TRACK_START
            elif silent:
                how = AFTER_GAP
            elif was_bad_inactive:
                how = TABLE_BEGAN
            _add_bad_fix(p, at, lon[r], lat[r], before, how, enter_fixes[p], threshold[p], state_i, state_f)
        elif signal[n] == INACTIVE or (signal[n] == GOOD and state_i[p, PHASE] == CANDIDATE):
            m = _close_event(p, at, TABLE_ENDED, state_i, state_f, out_i, out_f, m)
        elif signal[n] == GOOD and state_i[p, PHASE] == VIOLATING:
            if state_i[p, N_GOOD] == 0:
                state_i[p, GOOD_T] = at
            state_i[p, N_GOOD] += 1
            if state_i[p, N_GOOD] >= leave_fixes[p]:
                m = _close_event(p, at, LEFT, state_i, state_f, out_i, out_f, m)
        state_i[p, INACTIVE_T] = at if bad_inactive[n] else NO_TIME
    return m


@njit(cache=True, nogil=True)
def write_open_events(state_i: Array, state_f: Array, out_i: Array, out_f: Array) -> int:
    """Write the events that are still open; return their number."""
    m = 0
    for p in range(len(state_i)):
        if _is_reported(state_i, p):
            m = _write_event(p, state_i, state_f, NO_TIME, TRACK_END, out_i, out_f, m)
    return m
