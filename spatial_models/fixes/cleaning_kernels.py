"""Compiled loops that check, sort and de-duplicate fixes and remove spikes.

Arrays are as in `spatial_models.fixes.row_layout`. ``starts`` holds the first row of each vehicle and one
past the last row, ``counts`` the counts by ``C_…``, ``state_i`` and ``state_f`` one row of state per vehicle.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from spatial_models.distances import M_PER_DEG, haversine_m, wrap_deg
from spatial_models.fixes.row_layout import (
    BAD_NUMBER,
    BAD_RANGE,
    BAD_TIME,
    BAD_VEHICLE,
    BAD_ZERO,
    C_CONFLICTS,
    C_DUPLICATES,
    C_OUT_OF_ORDER,
    C_PENDING,
    C_SPIKES,
    C_USED,
    DUPLICATE,
    KEEP,
    KEPT_LAT,
    KEPT_LON,
    KEPT_T,
    LAST_T,
    LATE,
    NO_TIME,
    TIME_LIMIT,
    Array,
)


@njit(cache=True, nogil=True)
def check_rows(
    code: Array, t: Array, us_per_unit: int, lon: Array, lat: Array, begin: int, end: int, last_t: Array,
    reason: Array, by_reason: Array, per_vehicle: Array,
) -> None:  # fmt: skip
    """Write to ``reason`` (uint8) why each row of ``begin..end`` cannot be used; count usable rows.

    ``us_per_unit`` is the number of microseconds in a unit of ``t``.

    ``us_per_unit`` is the number of microseconds in a unit of ``t``.

    ``us_per_unit``: microseconds of a unit of ``t``.
    """
    limit = TIME_LIMIT // us_per_unit
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
        elif at * us_per_unit <= last_t[v]:
            why = LATE if at * us_per_unit < last_t[v] else DUPLICATE
        else:
            per_vehicle[v] += 1
        reason[row - begin] = why
        by_reason[why] += 1


@njit(cache=True, nogil=True)
def gather_rows(
    code: Array, t: Array, us_per_unit: int, lon: Array, lat: Array, begin: int, end: int, reason: Array, at: Array,
    t_out: Array, lon_out: Array, lat_out: Array,
) -> None:  # fmt: skip
    """Copy the usable rows to the output arrays, grouped by vehicle (a stable counting sort).

    A row is usable when its reason is ``KEEP``. ``at`` holds the next output row of each vehicle.
    """
    for row in range(begin, end):
        if reason[row - begin] == KEEP:
            v = code[row]
            k = at[v]
            t_out[k], lon_out[k], lat_out[k] = t[row] * us_per_unit, lon[row], lat[row]
            at[v] = k + 1


@njit(cache=True, nogil=True)
def _order_segment(t: Array, lon: Array, lat: Array, start: int, end: int) -> int:
    """Sort one vehicle's rows by time, stable; return how many rows were out of order.

    It is an insertion sort while rows move a few places, and a merge sort when the moves exceed a budget.
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
    """Keep the first row of each time; return the new end."""
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
def _is_too_fast(
    t_a: int, lon_a: float, lat_a: float, t_b: int, lon_b: float, lat_b: float, m_per_us: float
) -> bool:
    """Return whether the way from one fix to another needs more than the greatest speed."""
    reach_m = (t_b - t_a) * m_per_us
    if (abs(lat_b - lat_a) + abs(wrap_deg(lon_b - lon_a))) * M_PER_DEG <= reach_m:
        return False  # the sum of both legs is an upper bound: no trigonometry for nearly every row
    return haversine_m(lon_a, lat_a, lon_b, lat_b) > reach_m


@njit(cache=True, nogil=True)
def _drop_spikes(
    t: Array, lon: Array, lat: Array, start: int, end: int, kept_t: int, kept_lon: float, kept_lat: float,
    m_per_us: float, counts: Array,
) -> tuple[int, bool]:  # fmt: skip
    """Drop fixes that are too fast both from the last kept fix and to the next fix.

    Whether the last row is a spike depends on the next batch. It then lies at the new end, and the flag is
    True.
    """
    w = start
    pending = False
    for k in range(start, end):
        if pending and not _is_too_fast(t[w], lon[w], lat[w], t[k], lon[k], lat[k], m_per_us):
            kept_t, kept_lon, kept_lat = t[w], lon[w], lat[w]
            w += 1
        elif pending:
            counts[C_SPIKES] += 1
        t[w], lon[w], lat[w] = t[k], lon[k], lat[k]
        pending = kept_t != NO_TIME and _is_too_fast(
            kept_t, kept_lon, kept_lat, t[k], lon[k], lat[k], m_per_us
        )
        if not pending:
            kept_t, kept_lon, kept_lat = t[k], lon[k], lat[k]
            w += 1
    return w, pending


@njit(cache=True, nogil=True)
def order_vehicles(starts: Array, t: Array, lon: Array, lat: Array, counts: Array) -> Array:
    """Sort and de-duplicate each vehicle's rows in place; return one past its last usable row."""
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
    """Sort and de-duplicate each vehicle's rows in place and remove spikes.

    Returns ``ends`` (one past the last usable row) and ``pending`` (whether the row at ``ends`` may be a
    spike, which the next batch decides).
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
