"""Compiled loops (numba) that scan the fixes of vehicles for stays, and the columns of a found stay.

Callers use `spatial_models.stays.detect`. ``t`` is int64 microseconds since 1970 UTC, ``lon`` and ``lat`` are
float64 degrees (WGS 84), durations are int64 microseconds. State and counts are as in
`spatial_models.fixes.row_layout`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from spatial_models.distances import M2_PER_DEG2, RAD, cos_sin, haversine_m, wrap_deg
from spatial_models.fixes import (
    ANCHOR_LAT,
    ANCHOR_LON,
    ANCHOR_T,
    C_OUTLIERS,
    C_STAYS,
    FAR_M2,
    LAST_IN_T,
    N_IN,
    NO_TIME,
    PHASE,
    POLAR_DEG,
    SUM_DLAT,
    SUM_DLON,
    Array,
)

MAX_SLIDES = 4096
"""Steps after which a sliding sum is computed anew, so that its rounding stays far below 1e-6 of the radius."""

LEFT, GAP, TRACK_END = 0, 1, 2

# columns of a found stay
OUT_CODE, OUT_START, OUT_END, OUT_LEFT_BY, OUT_ENDED_BY, OUT_N = range(6)


@njit(cache=True, nogil=True)
def _first_cut_off_row(
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
    """Return the first row of a run of fixes outside that ends the window of anchor ``i`` too early.

    The search begins at row ``k``.

    The result is -1 when there is no such run. The run that ended the last window usually ends the next one
    too, so an anchor can be rejected without a walk over its window; a dense track that creeps would
    otherwise take quadratic time.
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
def _next_anchor(
    t: Array, lon: Array, lat: Array, i: int, k: int, end: int, sum_dlon: float, sum_dlat: float,
    radius_m2: float, min_duration: int,
) -> int:  # fmt: skip
    """Return the next anchor whose window must be walked, after the window ``i..k-1`` failed at ``k``.

    The anchor is a running mean. Anchor ``j`` is rejected when the mean of ``j..k-1`` has ``k`` outside
    before the duration is enough, because its walk would fail at ``k`` or sooner. The sums slide along; a
    margin of a millionth keeps their rounding from deciding. So a dense track that creeps is not walked again
    for every fix. ``sum_dlon`` and ``sum_dlat`` are the sums of the window, relative to fix ``i``.
    """
    ref_lon, ref_lat, n = lon[i], lat[i], k - i
    margin_m2 = radius_m2 * (1.0 + 1e-6)
    for _ in range(MAX_SLIDES):
        sum_dlon -= wrap_deg(lon[i] - ref_lon)
        sum_dlat -= lat[i] - ref_lat
        i, n = i + 1, n - 1
        if n == 0 or abs(lat[i]) > POLAR_DEG:
            return i
        cos_a, sin_a = cos_sin(lat[i])
        while k < end and t[k - 1] - t[i] < min_duration:
            dlon, dlat = wrap_deg(lon[k] - ref_lon), lat[k] - ref_lat
            e_lon, e_lat = dlon - sum_dlon / n, dlat - sum_dlat / n
            middle = 0.5 * RAD * (dlat + sum_dlat / n - 2.0 * (lat[i] - ref_lat))
            e_lon *= cos_a - middle * (sin_a + 0.5 * middle * cos_a)
            if (e_lon * e_lon + e_lat * e_lat) * M2_PER_DEG2 > margin_m2:
                break
            sum_dlon += dlon
            sum_dlat += dlat
            k, n = k + 1, n + 1
        if k >= end or t[k - 1] - t[i] >= min_duration:
            return i
    return i


@njit(cache=True, nogil=True)
def scan_vehicle(  # noqa: C901, PLR0912, PLR0915  one pass, compiled
    t: Array, lon: Array, lat: Array, start: int, end: int, v: int, state_i: Array, state_f: Array,
    radius_m2: float, min_duration: int, max_gap: int, centroid: bool, outliers: int,
    out_i: Array, out_f: Array, counts: Array,
) -> int:  # fmt: skip
    """Find the stays of one vehicle (Li 2008: on failure the anchor advances by one fix).

    Closed stays are written to ``out_i`` and ``out_f``, an open one into the state. Returns the first row
    that the next batch needs. It is one long function because most of the time is spent here: passing an
    array to a function inside the loop costs two atomic reference counts, more than the work on a fix.
    """
    resumed = state_i[v, PHASE] == 1
    i, cut = start, start
    while i < end or resumed:
        if cut > i and not resumed:
            cut = _first_cut_off_row(t, lon, lat, i, cut, end, radius_m2, min_duration, outliers)
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
        if enough or how == GAP:
            i = following
        elif centroid and outliers == 0 and run > 0:
            i = _next_anchor(t, lon, lat, i, k, end, sum_dlon, sum_dlat, radius_m2, min_duration)
        else:
            i += 1
        resumed = False
    state_i[v, PHASE] = 0
    return end


@njit(cache=True, nogil=True)
def scan_vehicles(
    t: Array, lon: Array, lat: Array, starts: Array, ends: Array, state_i: Array, state_f: Array,
    radius_m2: float, min_duration: int, max_gaps: Array, centroid: bool, outliers: int,
    out_i: Array, out_f: Array, counts: Array,
) -> Array:  # fmt: skip
    """Run `scan_vehicle` for every vehicle with its gap; return the first row of each that the next batch needs."""
    needed = np.empty(len(ends), np.int64)
    for v in range(len(ends)):
        needed[v] = scan_vehicle(
            t, lon, lat, starts[v], ends[v], v, state_i, state_f,
            radius_m2, min_duration, max_gaps[v], centroid, outliers, out_i, out_f, counts,
        )  # fmt: skip
    return needed


@njit(cache=True, nogil=True)
def find_undecided(
    t: Array, lon: Array, lat: Array, needed: Array, ends: Array, state_i: Array,
    radius_m2: float, min_duration: int, max_gaps: Array, centroid: bool, outliers: int, out_i: Array, out_f: Array,
) -> int:  # fmt: skip
    """Find open stays behind an anchor that the end of the data leaves undecided; return their number.

    There is at most one per vehicle. The last fixes may be outliers of a window that is still too short, or a
    stay of their own. The next batch decides, so nothing is written to the state; a run that ends here must
    still report them.
    """
    m = 0
    one_i, one_f = np.zeros((1, 7), np.int64), np.zeros((1, 7))
    made_i, made_f, counts = np.empty((2, 6), np.int64), np.empty((2, 4)), np.zeros(8, np.int64)
    for v in range(len(ends)):
        i = needed[v] + 1
        while state_i[v, PHASE] == 0 and i + 1 < ends[v]:
            one_i[0, PHASE], counts[C_STAYS] = 0, 0
            i = 1 + scan_vehicle(
                t, lon, lat, i, ends[v], 0, one_i, one_f, radius_m2, min_duration, max_gaps[v], centroid, outliers,
                made_i, made_f, counts,
            )  # fmt: skip
            if write_open_stays(one_i, one_f, made_i, made_f) == 1:
                out_i[m], out_f[m] = made_i[0], made_f[0]
                out_i[m, OUT_CODE] = v
                m += 1
                break
    return m


@njit(cache=True, nogil=True)
def write_open_stays(state_i: Array, state_f: Array, out_i: Array, out_f: Array) -> int:
    """Write the open stays, at most one per vehicle; return their number."""
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
