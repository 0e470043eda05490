"""Compiled loops of encounters: find near pairs at sampled moments and follow each to its begin and end.

``t`` is int64 microseconds since 1970 UTC, ``lon`` and ``lat`` are float64 degrees (WGS 84), sorted by
vehicle and time; ``starts`` and ``ends`` hold the rows of each vehicle. Durations are int64 microseconds.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from spatial_models.distances import M_PER_DEG, RAD, cos_sin, wrap_deg
from spatial_models.fixes import Array

APART, SILENT, TRACK_EDGE = range(3)
# columns of an encounter
EN_A, EN_B, EN_BEGUN, EN_ENDED, EN_START, EN_END, EN_NEAREST_T = range(7)
EF_NEAREST, EF_REST, EF_CONVOY, EF_LON, EF_LAT, EF_PATH_A, EF_PATH_B, EF_NEAREST_S = range(8)


@njit(cache=True, nogil=True)
def sample_positions(
    t: Array, lon: Array, lat: Array, starts: Array, ends: Array, step: int, max_gap: int, since: int, until: int,
    room: int,
) -> tuple[int, Array, Array, Array, Array, Array]:  # fmt: skip
    """Interpolate positions at multiples of ``step`` inside segments at most ``max_gap`` long.

    The multiples are ``since <= m < until``. Returns the number of samples, vehicle, m, row of the segment,
    lon, lat. When the number exceeds ``room``, call again with that room.
    """
    vehicle, moment, row = np.empty(room, np.int32), np.empty(room, np.int64), np.empty(room, np.int64)
    x, y = np.empty(room), np.empty(room)
    w = 0
    for v in range(len(starts)):
        newest = since - 1
        r = starts[v]
        if r < ends[v] and t[r] // step < since:
            r = max(starts[v], starts[v] + np.searchsorted(t[starts[v] : ends[v]], since * step) - 1)
        while r < ends[v] and t[r] // step < until:
            a = t[r]
            b = t[r + 1] if r + 1 < ends[v] and t[r + 1] - a <= max_gap else a
            first, last = max(-((-a) // step), newest + 1), min(b // step, until - 1)
            newest = max(newest, last)
            if w + last - first >= room:  # only count
                w += max(0, last - first + 1)
                r += 1
                continue
            for m in range(first, last + 1):
                u = 0.0 if b == a else (m * step - a) / (b - a)
                vehicle[w], moment[w], row[w] = v, m, r
                x[w], y[w] = lon[r], lat[r]
                if u > 0.0:
                    x[w] = wrap_deg(lon[r] + u * wrap_deg(lon[r + 1] - lon[r]))
                    y[w] = lat[r] + u * (lat[r + 1] - lat[r])
                w += 1
            r += 1
    n = min(w, room)
    return w, vehicle[:n], moment[:n], row[:n], x[:n], y[:n]


@njit(cache=True, nogil=True, inline="always")
def _columns_of(band: int, reach_deg: float) -> int:
    """Return the number of cells around the earth in a band of latitude, each at least ``reach_deg`` wide."""
    edge = max(abs(band * reach_deg - 90.0), abs((band + 1) * reach_deg - 90.0))
    return max(1, int(360.0 * max(0.0, math.cos(min(edge, 90.0) * RAD)) / reach_deg))


@njit(cache=True, nogil=True, inline="always")
def _hash(moment: int, band: int, column: int, mask: int) -> int:
    h = (
        moment * np.int64(0x9E3779B97F4A7C1)
        ^ band * np.int64(0x2545F4914F6CDD1D)
        ^ column * np.int64(0x165667B19E3779F9)
    )
    h ^= h >> 29
    h *= np.int64(0x3F58476D1CE4E5B9)
    h ^= h >> 32
    return int(h & mask)


@njit(cache=True, nogil=True)
def solve_contact(
    dx: float, dy: float, vx: float, vy: float, d2: float, length: float
) -> tuple[float, float]:
    """Return the first and last ``s`` in ``[0, length]`` with ``|D + V s| <= d``; (1, 0) without one.

    The square of the distance is a quadratic in time, so the interval is exact.

    Parameters
    ----------
    dx, dy : float
        Relative position D at s = 0, metres.
    vx, vy : float
        Relative velocity V, metres per unit of s.
    d2 : float
        Square of the distance d.
    length : float
        End of the interval of s.

    Examples
    --------
    >>> solve_contact(-10.0, 0.0, 1.0, 0.0, 9.0, 100.0)
    (7.0, 13.0)
    """
    a, b, c = vx * vx + vy * vy, dx * vx + dy * vy, dx * dx + dy * dy - d2
    if a * length * length <= 1e-18:
        return (0.0, length) if c <= 0.0 else (1.0, 0.0)
    disc = b * b - a * c
    if disc < 0.0:
        return 1.0, 0.0
    root = math.sqrt(disc)
    # the root of the larger magnitude first: no cancellation
    q = -b - root if b > 0.0 else -b + root
    s1, s2 = (q / a, c / q) if q != 0.0 else (0.0, 0.0)
    low, high = max(0.0, min(s1, s2)), min(length, max(s1, s2))
    if low > high:
        return 1.0, 0.0
    return low, high


@njit(cache=True, nogil=True)
def _follow_pair(  # noqa: C901, PLR0912, PLR0915  one pass, compiled
    t: Array, lon: Array, lat: Array, ra: int, rb: int, at: int, begin_a: int, end_a: int, begin_b: int, end_b: int,
    max_gap: int, d2: float, rest_m_per_us: float, forward: bool, out: Array,
) -> tuple[int, int]:  # fmt: skip
    """Follow two near vehicles from a moment until they part or one of them is silent.

    ``ra`` and ``rb`` are the rows of the segments that contain ``at``. Returns the moment (microseconds) and
    the reason, and adds to the sums in ``out``. It is one long function because passing an array to a
    function inside the loop costs more than the arithmetic.
    """
    edge, why = at, APART
    nearest2, nearest_s = out[EF_NEAREST] ** 2, out[EF_NEAREST_S]
    rest, convoy, sum_a, sum_b = 0.0, 0.0, 0.0, 0.0
    while True:
        if forward:  # a segment that ends at the edge is over: go on with the next
            while ra + 1 < end_a and t[ra + 1] <= edge:
                ra += 1
            while rb + 1 < end_b and t[rb + 1] <= edge:
                rb += 1
        else:
            while ra > begin_a and t[ra] >= edge:
                ra -= 1
            while rb > begin_b and t[rb] >= edge:
                rb -= 1
        if ra + 1 >= end_a or rb + 1 >= end_b or (not forward and (t[ra] >= edge or t[rb] >= edge)):
            why = TRACK_EDGE
            break
        ta, tb = t[ra + 1] - t[ra], t[rb + 1] - t[rb]
        if ta > max_gap or tb > max_gap:
            why = SILENT
            break
        low, high = max(t[ra], t[rb]), min(t[ra + 1], t[rb + 1])
        span, here = float(high - low), float(edge - low)
        # velocities and relative place in metres and microseconds, in a local plane
        kx = M_PER_DEG * cos_sin(0.25 * (lat[ra] + lat[ra + 1] + lat[rb] + lat[rb + 1]))[0]
        wax, way = wrap_deg(lon[ra + 1] - lon[ra]) * kx / ta, (lat[ra + 1] - lat[ra]) * M_PER_DEG / ta
        wbx, wby = wrap_deg(lon[rb + 1] - lon[rb]) * kx / tb, (lat[rb + 1] - lat[rb]) * M_PER_DEG / tb
        x0 = wrap_deg(lon[rb] - lon[ra]) * kx + wbx * (low - t[rb]) - wax * (low - t[ra])
        y0 = (lat[rb] - lat[ra]) * M_PER_DEG + wby * (low - t[rb]) - way * (low - t[ra])
        vx, vy = wbx - wax, wby - way
        x1, y1 = x0 + vx * span, y0 + vy * span
        s0, s1 = 0.0, span
        if x0 * x0 + y0 * y0 > d2 or x1 * x1 + y1 * y1 > d2:  # a disc is convex: else it is the whole span
            s0, s1 = solve_contact(x0, y0, vx, vy, d2, span)
        if s0 > s1 or (forward and s0 > here + 0.5) or (not forward and s1 < here - 0.5):
            break
        a, b = (here, max(here, s1)) if forward else (min(here, s0), here)
        if b > a:
            speed2_a, speed2_b = wax * wax + way * way, wbx * wbx + wby * wby
            slow_a, slow_b = speed2_a <= rest_m_per_us**2, speed2_b <= rest_m_per_us**2
            if slow_a and slow_b:
                rest += b - a
            elif not slow_a and not slow_b:
                convoy += b - a
            sum_a += math.sqrt(speed2_a) * (b - a)
            sum_b += math.sqrt(speed2_b) * (b - a)
            v2 = vx * vx + vy * vy
            s = min(b, max(a, -(x0 * vx + y0 * vy) / v2)) if v2 > 0.0 else a
            x, y = x0 + vx * s, y0 + vy * s
            since = (low - at) + s
            if x * x + y * y < nearest2 or (x * x + y * y == nearest2 and since < nearest_s):
                nearest2, nearest_s = x * x + y * y, since
                u = (low - t[ra] + s) / ta
                out[EF_LON] = wrap_deg(lon[ra] + u * wrap_deg(lon[ra + 1] - lon[ra]) + 0.5 * x / kx)
                out[EF_LAT] = lat[ra] + u * (lat[ra + 1] - lat[ra]) + 0.5 * y / M_PER_DEG
        if (forward and b < span) or (not forward and a > 0.0):
            edge = low + round(b if forward else a)
            break
        edge = high if forward else low
    out[EF_NEAREST], out[EF_NEAREST_S] = math.sqrt(nearest2), nearest_s
    out[EF_REST] += rest
    out[EF_CONVOY] += convoy
    out[EF_PATH_A] += sum_a
    out[EF_PATH_B] += sum_b
    return edge, why


@njit(cache=True, nogil=True)
def find_encounters(
    vehicle: Array, moment: Array, row: Array, x: Array, y: Array, step: int,
    t: Array, lon: Array, lat: Array, starts: Array, ends: Array, max_gap: int, distance_m: float,
    min_duration: int, rest_m_per_us: float, room: int, out_i: Array, out_f: Array,
) -> int:  # fmt: skip
    """Find pairs near each other at a sampled moment and follow each to its exact begin and end.

    Candidates come from a hash of (moment, cell). Cells are at least ``distance_m`` wide, so the nine cells
    around a point contain every vehicle within that distance. Samples are sorted by vehicle, so only the last
    encounter of a pair must be compared. Returns the number of encounters; when it exceeds ``room``, call
    again with more room.
    """
    n, n_vehicles = len(vehicle), len(starts)
    size = 1024
    while size < 2 * n:
        size *= 2
    head, following = np.full(size, -1, np.int32), np.empty(n, np.int32)
    covered_by, covered_until = np.full(n_vehicles, -1, np.int32), np.zeros(n_vehicles, np.int64)
    reach_deg = distance_m / M_PER_DEG * (1.0 + 1e-9) + 1e-12
    d2 = distance_m * distance_m
    found = 0
    sums = np.zeros(8)
    columns, last_band = np.empty(3, np.int64), -(1 << 60)
    for i in range(n):
        v, m = vehicle[i], moment[i]
        band = int((y[i] + 90.0) / reach_deg)
        kx = M_PER_DEG * cos_sin(y[i])[0]
        if band != last_band:
            for b in range(3):
                columns[b] = _columns_of(band - 1 + b, reach_deg)
            last_band = band
        near2 = d2 * 1.01 if abs(y[i]) < 85.0 else math.inf  # following them is what decides
        for b in range(band - 1, band + 2):
            n_columns = columns[b - band + 1]
            near_pole = n_columns < 8
            column = 0 if near_pole else int((x[i] + 180.0) / 360.0 * n_columns) % n_columns
            # the neighbouring band may have wider or narrower cells: two on each side hold the reach of both
            side = 1 if b == band else 2
            for c in range(0 if near_pole else column - side, n_columns if near_pole else column + side + 1):
                j = head[_hash(m, b, c % n_columns, size - 1)]
                while j >= 0:
                    w = vehicle[j]
                    if moment[j] != m or (covered_by[w] == v and m * step <= covered_until[w]):
                        j = following[j]
                        continue
                    dx, dy = wrap_deg(x[j] - x[i]) * kx, (y[j] - y[i]) * M_PER_DEG
                    if dx * dx + dy * dy <= near2 and w != v:
                        found = _record_encounter(
                                w, v, row[j], row[i], m * step, t, lon, lat, starts, ends, max_gap, d2, min_duration,
                                rest_m_per_us, room, out_i, out_f, found, covered_by, covered_until, sums,
                            )  # fmt: skip
                    j = following[j]
        n_columns = columns[1]
        column = int((x[i] + 180.0) / 360.0 * n_columns) % n_columns
        slot = _hash(m, band, column, size - 1)
        following[i] = head[slot]
        head[slot] = i
    return found


@njit(cache=True, nogil=True)
def _record_encounter(
    a: int, b: int, ra: int, rb: int, at: int, t: Array, lon: Array, lat: Array, starts: Array, ends: Array,
    max_gap: int, d2: float, min_duration: int, rest_m_per_us: float, room: int, out_i: Array, out_f: Array, found: int,
    covered_by: Array, covered_until: Array, sums: Array,
) -> int:  # fmt: skip
    """Follow one pair both ways from a moment; write it if it lasts long enough; return the number so far."""
    sums[:] = 0.0
    sums[EF_NEAREST] = math.inf
    pair = (t, lon, lat, ra, rb, at, starts[a], ends[a], starts[b], ends[b], max_gap, d2, rest_m_per_us)
    begin, how_begun = _follow_pair(*pair, False, sums)
    end, how_ended = _follow_pair(*pair, True, sums)
    covered_by[a], covered_until[a] = b, end
    if end - begin < min_duration - 1:  # both ends are rounded to a microsecond
        return found
    if found < room:
        out_i[found, EN_A], out_i[found, EN_B] = a, b
        out_i[found, EN_START], out_i[found, EN_END] = begin, end
        out_i[found, EN_BEGUN], out_i[found, EN_ENDED] = how_begun, how_ended
        out_i[found, EN_NEAREST_T] = at + round(sums[EF_NEAREST_S])
        out_f[found] = sums
    return found + 1
