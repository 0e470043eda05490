"""Compiled loops over arrays of fixes (numba): cleaning, ordering and the stay scan.

Everything here works on plain arrays: ``t`` int64 microseconds since 1970 UTC, ``lon`` and ``lat`` float64 degrees
(WGS 84), ``code`` int64 dense vehicle number. ``spatial_models.stays`` is the door.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from spatial_models.distances import M2_PER_DEG2, M_PER_DEG, RAD, cos_sin, haversine_m, wrap_deg

Array = np.ndarray[Any, Any]

NO_TIME = np.iinfo(np.int64).min
TIME_LIMIT = 4_000_000_000_000_000_000
POLAR_DEG = 80.0

KEEP, BAD_VEHICLE, BAD_TIME, BAD_NUMBER, BAD_RANGE, BAD_ZERO, LATE, DUPLICATE = range(8)
LEFT, GAP, TRACK_END = 0, 1, 2

# columns of the carried state: integers and floats of one vehicle
PHASE, ANCHOR_T, LAST_IN_T, N_IN, N_OUTLIERS, LAST_T, KEPT_T = range(7)
ANCHOR_LON, ANCHOR_LAT, SUM_DLON, SUM_DLAT, FAR_M2, KEPT_LON, KEPT_LAT = range(7)
# columns of a found stay
OUT_CODE, OUT_START, OUT_END, OUT_LEFT_BY, OUT_ENDED_BY, OUT_N = range(6)
# columns of the counts that cleaning and scanning add to
C_DUPLICATES, C_CONFLICTS, C_OUT_OF_ORDER, C_SPIKES, C_PENDING, C_OUTLIERS, C_STAYS, C_USED = range(8)


@njit(cache=True, nogil=True)
def check_rows(
    code: Array, t: Array, us: int, lon: Array, lat: Array, begin: int, end: int, last_t: Array,
    reason: Array, by_reason: Array, per_vehicle: Array,
) -> None:  # fmt: skip
    """Write to ``reason`` (uint8) why a row of ``begin..end`` cannot be used, and count the usable ones.

    ``us``: microseconds of a unit of ``t``.
    """
    limit = TIME_LIMIT // us
    for row in range(begin, end):
        x, y, v, at = lon[row], lat[row], code[row], t[row]
        why = KEEP
        if v < 0:
            why = BAD_VEHICLE
        elif at < -limit or at > limit:
            why = BAD_TIME
        elif not (math.isfinite(x) and math.isfinite(y)):
            why = BAD_NUMBER
        elif x < -180.0 or x > 180.0 or y < -90.0 or y > 90.0:
            why = BAD_RANGE
        elif x == 0.0 and y == 0.0:
            why = BAD_ZERO
        elif at * us <= last_t[v]:
            why = LATE if at * us < last_t[v] else DUPLICATE
        else:
            per_vehicle[v] += 1
        reason[row - begin] = why
        by_reason[why] += 1


@njit(cache=True, nogil=True)
def gather_rows(
    code: Array, t: Array, us: int, lon: Array, lat: Array, begin: int, end: int, reason: Array, at: Array,
    t_out: Array, lon_out: Array, lat_out: Array,
) -> None:  # fmt: skip
    """Counting sort by vehicle, stable in row order, of the rows whose reason is ``KEEP``; ``at``: next place of each."""
    for row in range(begin, end):
        if reason[row - begin] == KEEP:
            v = code[row]
            k = at[v]
            t_out[k], lon_out[k], lat_out[k] = t[row] * us, lon[row], lat[row]
            at[v] = k + 1


@njit(cache=True, nogil=True)
def _order_segment(t: Array, lon: Array, lat: Array, start: int, end: int) -> int:
    """Sort one vehicle's rows by time, stable; returns how many came after a later one.

    Insertion while it is cheap (late rows move a little), a merge sort when the moves explode.
    """
    late = 0
    newest = NO_TIME
    for k in range(start, end):
        if t[k] < newest:
            late += 1
        else:
            newest = t[k]
    if late == 0:
        return 0
    budget = 16 * (end - start) + 64
    for k in range(start + 1, end):
        key_t, key_lon, key_lat = t[k], lon[k], lat[k]
        j = k
        while j > start and t[j - 1] > key_t:
            t[j], lon[j], lat[j] = t[j - 1], lon[j - 1], lat[j - 1]
            j -= 1
        t[j], lon[j], lat[j] = key_t, key_lon, key_lat
        budget -= k - j
        if budget < 0:
            order = np.argsort(t[start:end], kind="mergesort")
            t[start:end] = t[start:end][order]
            lon[start:end] = lon[start:end][order]
            lat[start:end] = lat[start:end][order]
            break
    return late


@njit(cache=True, nogil=True)
def _drop_equal_times(t: Array, lon: Array, lat: Array, start: int, end: int, counts: Array) -> int:
    """Keep the first row of each time; returns the new end."""
    w = min(start + 1, end)
    while w < end and t[w] != t[w - 1]:
        w += 1
    for k in range(w, end):
        if w > start and t[k] == t[w - 1]:
            counts[C_DUPLICATES] += 1
            if lon[k] != lon[w - 1] or lat[k] != lat[w - 1]:
                counts[C_CONFLICTS] += 1
            continue
        if w != k:
            t[w], lon[w], lat[w] = t[k], lon[k], lat[k]
        w += 1
    return w


@njit(cache=True, nogil=True, inline="always")
def _too_fast(
    t_a: int, lon_a: float, lat_a: float, t_b: int, lon_b: float, lat_b: float, m_per_us: float
) -> bool:
    reach_m = (t_b - t_a) * m_per_us
    if (abs(lat_b - lat_a) + abs(wrap_deg(lon_b - lon_a))) * M_PER_DEG <= reach_m:
        return False  # the sum of both legs is an upper bound: no trigonometry for nearly every row
    return haversine_m(lon_a, lat_a, lon_b, lat_b) > reach_m


@njit(cache=True, nogil=True)
def _drop_spikes(
    t: Array, lon: Array, lat: Array, start: int, end: int, kept_t: int, kept_lon: float, kept_lat: float,
    m_per_us: float, counts: Array,
) -> tuple[int, bool]:  # fmt: skip
    """Drop fixes that are too fast from the last kept one AND to the next one.

    The last row can only be judged when the next one comes: it then stands at the new end, and the flag is True.
    """
    w = start
    pending = False
    for k in range(start, end):
        if pending and not _too_fast(t[w], lon[w], lat[w], t[k], lon[k], lat[k], m_per_us):
            kept_t, kept_lon, kept_lat = t[w], lon[w], lat[w]
            w += 1
        elif pending:
            counts[C_SPIKES] += 1
        t[w], lon[w], lat[w] = t[k], lon[k], lat[k]
        pending = kept_t != NO_TIME and _too_fast(kept_t, kept_lon, kept_lat, t[k], lon[k], lat[k], m_per_us)
        if not pending:
            kept_t, kept_lon, kept_lat = t[k], lon[k], lat[k]
            w += 1
    return w, pending


@njit(cache=True, nogil=True)
def order_vehicles(starts: Array, t: Array, lon: Array, lat: Array, counts: Array) -> Array:
    """Order and de-duplicate each vehicle's rows in place; returns one past the last usable row of each."""
    ends = np.empty(len(starts) - 1, np.int64)
    for v in range(len(ends)):
        counts[C_OUT_OF_ORDER] += _order_segment(t, lon, lat, starts[v], starts[v + 1])
        ends[v] = _drop_equal_times(t, lon, lat, starts[v], starts[v + 1], counts)
    return ends


@njit(cache=True, nogil=True)
def clean_vehicles(
    starts: Array, n_carried: Array, t: Array, lon: Array, lat: Array, state_i: Array, state_f: Array,
    m_per_us: float, counts: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """Order, de-duplicate and de-spike each vehicle's rows in place.

    Returns ``ends`` (one past the last usable row) and ``pending`` (the row at ``ends`` waits for its judgement).
    """
    n_vehicles = len(starts) - 1
    ends = np.empty(n_vehicles, np.int64)
    pending = np.zeros(n_vehicles, np.bool_)
    for v in range(n_vehicles):
        start, end = starts[v], starts[v + 1]
        counts[C_OUT_OF_ORDER] += _order_segment(t, lon, lat, start, end)
        end = _drop_equal_times(t, lon, lat, start, end, counts)
        if end > start:
            state_i[v, LAST_T] = t[end - 1]
        fresh = start + n_carried[v]
        if m_per_us > 0.0:
            end, pending[v] = _drop_spikes(
                t, lon, lat, fresh, end,
                state_i[v, KEPT_T], state_f[v, KEPT_LON], state_f[v, KEPT_LAT], m_per_us, counts,
            )  # fmt: skip
        if end > start:
            state_i[v, KEPT_T] = t[end - 1]
            state_f[v, KEPT_LON], state_f[v, KEPT_LAT] = lon[end - 1], lat[end - 1]
        counts[C_PENDING] += pending[v]
        counts[C_USED] += end - fresh
        ends[v] = end
    return ends, pending


@njit(cache=True, nogil=True)
def _cut_off(
    t: Array,
    lon: Array,
    lat: Array,
    i: int,
    k: int,
    end: int,
    radius_m2: float,
    min_duration: int,
    outliers: int,
) -> int:
    """First row from ``k`` of a run of fixes outside that leaves anchor ``i`` too little time; -1 when there is none.

    The run that ended the last window mostly ends the next one too: an anchor is refused without walking its window,
    which a dense track that creeps would make quadratic.
    """
    cos_a, sin_a = cos_sin(lat[i])
    polar = abs(lat[i]) > POLAR_DEG
    run = 0
    while k < end:
        if run == 0 and t[k - 1] - t[i] >= min_duration:
            return -1
        dlon, dlat = wrap_deg(lon[k] - lon[i]), lat[k] - lat[i]
        middle = 0.5 * RAD * dlat
        e_lon = dlon * (cos_a - middle * (sin_a + 0.5 * middle * cos_a))
        d2 = (e_lon * e_lon + dlat * dlat) * M2_PER_DEG2
        if polar:
            d2 = haversine_m(lon[i], lat[i], lon[k], lat[k]) ** 2
        if d2 > radius_m2:
            run += 1
            if run > outliers:
                return k - outliers
        else:
            run = 0
        k += 1
    return -1


@njit(cache=True, nogil=True)
def scan_vehicle(
    t: Array, lon: Array, lat: Array, start: int, end: int, v: int, state_i: Array, state_f: Array,
    radius_m2: float, min_duration: int, max_gap: int, centroid: bool, outliers: int,
    out_i: Array, out_f: Array, counts: Array,
) -> int:  # fmt: skip
    """Find the stays of one vehicle (Li 2008: on failure the anchor advances by one fix).

    Closed stays are written; an open one goes into the state. Returns the first row that the next batch needs.

    One function on purpose, longer than a page: it is where the time goes, and an array handed to a function in the
    loop costs two atomic reference counts, more than a fix itself.
    """
    resumed = state_i[v, PHASE] == 1
    i, cut = start, start
    while i < end or resumed:
        if cut > i and not resumed:
            cut = _cut_off(t, lon, lat, i, cut, end, radius_m2, min_duration, outliers)
            if cut > i:
                i += 1
                continue
        if resumed:
            begin, last_in, n = state_i[v, ANCHOR_T], state_i[v, LAST_IN_T], state_i[v, N_IN]
            a_lon, a_lat, far_m2 = state_f[v, ANCHOR_LON], state_f[v, ANCHOR_LAT], state_f[v, FAR_M2]
            sum_dlon, sum_dlat, k = state_f[v, SUM_DLON], state_f[v, SUM_DLAT], i
        else:
            begin, last_in, n, a_lon, a_lat = t[i], t[i], 1, lon[i], lat[i]
            far_m2, sum_dlon, sum_dlat, k = 0.0, 0.0, 0.0, i + 1
        cos_a, sin_a = cos_sin(a_lat)
        polar = abs(a_lat) > POLAR_DEG
        previous, run, first_out, tolerated, how = last_in, 0, k, 0, TRACK_END
        c_lon, c_lat = 0.0, 0.0
        if centroid:
            c_lon, c_lat = sum_dlon / n, sum_dlat / n
        while k < end:
            if t[k] - previous > max_gap:
                how = LEFT if run > 0 else GAP
                break
            dlon, dlat = wrap_deg(lon[k] - a_lon), lat[k] - a_lat
            e_lon, e_lat, middle = dlon - c_lon, dlat - c_lat, 0.5 * RAD * (dlat + c_lat)
            e_lon *= cos_a - middle * (sin_a + 0.5 * middle * cos_a)
            d2 = (e_lon * e_lon + e_lat * e_lat) * M2_PER_DEG2
            if polar:
                d2 = haversine_m(a_lon + c_lon, a_lat + c_lat, lon[k], lat[k]) ** 2
            previous = t[k]
            if d2 <= radius_m2:
                n += 1
                sum_dlon += dlon
                sum_dlat += dlat
                if centroid:
                    c_lon, c_lat = sum_dlon / n, sum_dlat / n
                far_m2 = max(far_m2, d2)
                last_in = previous
                tolerated += run
                run = 0
            else:
                if run == 0:
                    first_out = k
                run += 1
                if run > outliers:
                    how = LEFT
                    break
            k += 1
        following = first_out if run > 0 else k
        enough = n >= 2 and last_in - begin >= min_duration
        if how == TRACK_END:
            state_i[v, PHASE] = 1 if enough else 0
            if not enough:
                return i
            counts[C_OUTLIERS] += tolerated
            state_i[v, ANCHOR_T], state_i[v, LAST_IN_T], state_i[v, N_IN] = begin, last_in, n
            state_f[v, ANCHOR_LON], state_f[v, ANCHOR_LAT], state_f[v, FAR_M2] = a_lon, a_lat, far_m2
            state_f[v, SUM_DLON], state_f[v, SUM_DLAT] = sum_dlon, sum_dlat
            return following
        if enough:
            counts[C_OUTLIERS] += tolerated
            m = counts[C_STAYS]
            out_i[m, OUT_CODE], out_i[m, OUT_START], out_i[m, OUT_END] = v, begin, last_in
            out_i[m, OUT_LEFT_BY], out_i[m, OUT_ENDED_BY], out_i[m, OUT_N] = t[following], how, n
            out_f[m, 0] = wrap_deg(a_lon + sum_dlon / n)
            out_f[m, 1] = a_lat + sum_dlat / n
            out_f[m, 2] = math.sqrt(far_m2)
            out_f[m, 3] = haversine_m(out_f[m, 0], out_f[m, 1], lon[following], lat[following])
            counts[C_STAYS] = m + 1
        cut = first_out if run > outliers and not enough and not centroid else i
        # after a gap no later anchor of the window can do better: skipping them is still exact
        i = following if enough or how == GAP else i + 1
        resumed = False
    state_i[v, PHASE] = 0
    return end


@njit(cache=True, nogil=True)
def scan_vehicles(
    t: Array, lon: Array, lat: Array, starts: Array, ends: Array, state_i: Array, state_f: Array,
    radius_m2: float, min_duration: int, max_gap: int, centroid: bool, outliers: int,
    out_i: Array, out_f: Array, counts: Array,
) -> Array:  # fmt: skip
    """`scan_vehicle` for every vehicle; returns the first row of each that the next batch needs."""
    needed = np.empty(len(ends), np.int64)
    for v in range(len(ends)):
        needed[v] = scan_vehicle(
            t, lon, lat, starts[v], ends[v], v, state_i, state_f,
            radius_m2, min_duration, max_gap, centroid, outliers, out_i, out_f, counts,
        )  # fmt: skip
    return needed


@njit(cache=True, nogil=True)
def write_open_stays(state_i: Array, state_f: Array, out_i: Array, out_f: Array) -> int:
    """Write the stays that are still open, one a vehicle at most; returns how many."""
    m = 0
    for v in range(len(state_i)):
        if state_i[v, PHASE] == 1:
            n = state_i[v, N_IN]
            out_i[m, OUT_CODE], out_i[m, OUT_START], out_i[m, OUT_END] = (
                v,
                state_i[v, ANCHOR_T],
                state_i[v, LAST_IN_T],
            )
            out_i[m, OUT_LEFT_BY], out_i[m, OUT_ENDED_BY], out_i[m, OUT_N] = NO_TIME, TRACK_END, n
            out_f[m, 0] = wrap_deg(state_f[v, ANCHOR_LON] + state_f[v, SUM_DLON] / n)
            out_f[m, 1] = state_f[v, ANCHOR_LAT] + state_f[v, SUM_DLAT] / n
            out_f[m, 2] = math.sqrt(state_f[v, FAR_M2])
            out_f[m, 3] = math.nan
            m += 1
    return m
