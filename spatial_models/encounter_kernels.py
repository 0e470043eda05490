"""Compiled loops of encounters: who is near whom at sampled moments, and exactly from when to when."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from spatial_models.distances import M_PER_DEG, RAD, wrap_deg
from spatial_models.kernels import Array

APART, SILENT, TRACK_EDGE = range(3)
# columns of an encounter
EN_A, EN_B, EN_BEGUN, EN_ENDED, EN_START, EN_END, EN_NEAREST_T = range(7)
EF_NEAREST, EF_REST, EF_CONVOY, EF_LON, EF_LAT, EF_PATH_A, EF_PATH_B, EF_NEAREST_S = range(8)


@njit(cache=True, nogil=True)
def sample(
    t: Array, lon: Array, lat: Array, starts: Array, ends: Array, step: int, max_gap: int, since: int, until: int,
    room: int,
) -> tuple[int, Array, Array, Array, Array, Array]:  # fmt: skip
    """Positions at the multiples ``since <= m < until`` of ``step`` in segments that may be interpolated.

    Returns how many (more than ``room``: call again with that room), vehicle, m, row of the segment, lon, lat.
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
    """How many cells around the earth a band of latitude has, each at least ``reach`` wide."""
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
    """When ``|D + V s| <= d`` for ``0 <= s <= length``: the first and last ``s``; (1, 0) when never.

    The square of the distance is a quadratic in time, so its interval is exact.

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
def _relative(
    t: Array, lon: Array, lat: Array, ra: int, rb: int, lo: int, hi: int
) -> tuple[float, float, float, float, float, float]:
    """Metres between two vehicles at ``lo`` and ``hi`` (microseconds) on segments ``ra`` and ``rb``, and each one's path."""
    ta, tb = t[ra + 1] - t[ra], t[rb + 1] - t[rb]
    kx = M_PER_DEG * math.cos(0.25 * (lat[ra] + lat[ra + 1] + lat[rb] + lat[rb + 1]) * RAD)
    wax, way = wrap_deg(lon[ra + 1] - lon[ra]) / ta, (lat[ra + 1] - lat[ra]) / ta
    wbx, wby = wrap_deg(lon[rb + 1] - lon[rb]) / tb, (lat[rb + 1] - lat[rb]) / tb
    x0 = wrap_deg(lon[rb] - lon[ra]) + wbx * (lo - t[rb]) - wax * (lo - t[ra])
    y0 = lat[rb] - lat[ra] + wby * (lo - t[rb]) - way * (lo - t[ra])
    span = hi - lo
    x1, y1 = x0 + (wbx - wax) * span, y0 + (wby - way) * span
    path_a = math.hypot(wax * kx, way * M_PER_DEG) * span
    path_b = math.hypot(wbx * kx, wby * M_PER_DEG) * span
    return x0 * kx, y0 * M_PER_DEG, x1 * kx, y1 * M_PER_DEG, path_a, path_b


@njit(cache=True, nogil=True)
def _add_piece(
    t: Array, lon: Array, lat: Array, ra: int, rb: int, lo: int, hi: int, at: int, x0: float, y0: float, x1: float,
    y1: float, path_a: float, path_b: float, s0: float, s1: float, rest_m_per_us: float, out: Array,
) -> None:  # fmt: skip
    """Add the part ``s0..s1`` (of ``lo..hi``, microseconds) of a segment pair to an encounter's sums."""
    span = hi - lo
    us = s1 - s0
    slow_a, slow_b = path_a <= rest_m_per_us * span, path_b <= rest_m_per_us * span
    if slow_a and slow_b:
        out[EF_REST] += us
    elif not slow_a and not slow_b:
        out[EF_CONVOY] += us
    out[EF_PATH_A] += path_a * us / span
    out[EF_PATH_B] += path_b * us / span
    vx, vy = (x1 - x0) / span, (y1 - y0) / span
    v2 = vx * vx + vy * vy
    s = s0
    if v2 > 0.0:
        s = min(s1, max(s0, -(x0 * vx + y0 * vy) / v2))
    d = math.hypot(x0 + vx * s, y0 + vy * s)
    since = (lo - at) + s
    if d < out[EF_NEAREST] or (d == out[EF_NEAREST] and since < out[EF_NEAREST_S]):
        out[EF_NEAREST], out[EF_NEAREST_S] = d, since
        u = (lo - t[ra] + s) / (t[ra + 1] - t[ra])
        a_lon, a_lat = lon[ra] + u * wrap_deg(lon[ra + 1] - lon[ra]), lat[ra] + u * (lat[ra + 1] - lat[ra])
        w = (lo - t[rb] + s) / (t[rb + 1] - t[rb])
        b_lon, b_lat = lon[rb] + w * wrap_deg(lon[rb + 1] - lon[rb]), lat[rb] + w * (lat[rb + 1] - lat[rb])
        out[EF_LON] = wrap_deg(a_lon + 0.5 * wrap_deg(b_lon - a_lon))
        out[EF_LAT] = 0.5 * (a_lat + b_lat)


@njit(cache=True, nogil=True)
def _walk(
    t: Array, lon: Array, lat: Array, ra: int, rb: int, at: int, begin_a: int, end_a: int, begin_b: int, end_b: int,
    max_gap: int, d2: float, rest_m_per_us: float, forward: bool, out: Array,
) -> tuple[int, int]:  # fmt: skip
    """Follow two vehicles from a moment at which they are near, until they part or one is silent.

    ``ra``, ``rb``: rows of the segments that hold ``at``. Returns the moment (microseconds) and why.
    """
    edge = at
    while True:
        if forward:
            # a segment that ends at the edge is over: go on with the next
            while ra + 1 < end_a and t[ra + 1] <= edge:
                ra += 1
            while rb + 1 < end_b and t[rb + 1] <= edge:
                rb += 1
        else:
            while ra > begin_a and t[ra] >= edge:
                ra -= 1
            while rb > begin_b and t[rb] >= edge:
                rb -= 1
        if ra + 1 >= end_a or rb + 1 >= end_b:
            return edge, TRACK_EDGE
        if not forward and (t[ra] >= edge or t[rb] >= edge):
            return edge, TRACK_EDGE
        if t[ra + 1] - t[ra] > max_gap or t[rb + 1] - t[rb] > max_gap:
            return edge, SILENT
        low, high = max(t[ra], t[rb]), min(t[ra + 1], t[rb + 1])
        x0, y0, x1, y1, path_a, path_b = _relative(t, lon, lat, ra, rb, low, high)
        span = float(high - low)
        s0, s1 = solve_contact(x0, y0, (x1 - x0) / span, (y1 - y0) / span, d2, span)
        here = float(edge - low)
        if s0 > s1 or (forward and s0 > here + 0.5) or (not forward and s1 < here - 0.5):
            return edge, APART
        a, b = (here, max(here, s1)) if forward else (min(here, s0), here)
        if b > a:
            _add_piece(
                t, lon, lat, ra, rb, low, high, at, x0, y0, x1, y1, path_a, path_b, a, b, rest_m_per_us, out
            )
        if forward and b < span:
            return low + round(b), APART
        if not forward and a > 0.0:
            return low + round(a), APART
        edge = high if forward else low


@njit(cache=True, nogil=True)
def find_encounters(
    vehicle: Array, moment: Array, row: Array, x: Array, y: Array, step: int,
    t: Array, lon: Array, lat: Array, starts: Array, ends: Array, max_gap: int, distance_m: float,
    min_duration: int, rest_m_per_us: float, room: int, out_i: Array, out_f: Array,
) -> int:  # fmt: skip
    """Pairs near each other at a sampled moment, each followed both ways to its exact begin and end.

    Candidates come from a hash of (moment, cell): cells are at least ``distance_m`` wide, so the nine around a point hold
    everybody within it. Samples come by vehicle, so what a pair already has is the last found one of that pair. Returns
    how many encounters there are; when they are more than ``room`` call again with more room.
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
    for i in range(n):
        v, m = vehicle[i], moment[i]
        band = int((y[i] + 90.0) / reach_deg)
        for b in range(band - 1, band + 2):
            n_columns = _columns_of(b, reach_deg)
            near_pole = n_columns < 8
            column = 0 if near_pole else int((x[i] + 180.0) / 360.0 * n_columns) % n_columns
            # the neighbouring band may have wider or narrower cells: two on each side hold the reach of both
            side = 1 if b == band else 2
            for c in range(0 if near_pole else column - side, n_columns if near_pole else column + side + 1):
                j = head[_hash(m, b, c % n_columns, size - 1)]
                while j >= 0:
                    w = vehicle[j]
                    if moment[j] == m and w != v:
                        kx = M_PER_DEG * math.cos(0.5 * (y[i] + y[j]) * RAD)
                        dx, dy = wrap_deg(x[j] - x[i]) * kx, (y[j] - y[i]) * M_PER_DEG
                        if dx * dx + dy * dy <= d2 * 1.0001 and not (
                            covered_by[w] == v and m * step <= covered_until[w]
                        ):
                            found = _one_encounter(
                                w, v, row[j], row[i], m * step, t, lon, lat, starts, ends, max_gap, d2, min_duration,
                                rest_m_per_us, room, out_i, out_f, found, covered_by, covered_until,
                            )  # fmt: skip
                    j = following[j]
        n_columns = _columns_of(band, reach_deg)
        column = int((x[i] + 180.0) / 360.0 * n_columns) % n_columns
        slot = _hash(m, band, column, size - 1)
        following[i] = head[slot]
        head[slot] = i
    return found


@njit(cache=True, nogil=True)
def _one_encounter(
    a: int, b: int, ra: int, rb: int, at: int, t: Array, lon: Array, lat: Array, starts: Array, ends: Array,
    max_gap: int, d2: float, min_duration: int, rest_m_per_us: float, room: int, out_i: Array, out_f: Array, found: int,
    covered_by: Array, covered_until: Array,
) -> int:  # fmt: skip
    """Follow one pair from a moment both ways; write it when it lasts. Returns how many there are now."""
    sums = np.zeros(8)
    sums[EF_NEAREST] = math.inf
    begin, how_begun = _walk(
        t,
        lon,
        lat,
        ra,
        rb,
        at,
        starts[a],
        ends[a],
        starts[b],
        ends[b],
        max_gap,
        d2,
        rest_m_per_us,
        False,
        sums,
    )
    end, how_ended = _walk(
        t,
        lon,
        lat,
        ra,
        rb,
        at,
        starts[a],
        ends[a],
        starts[b],
        ends[b],
        max_gap,
        d2,
        rest_m_per_us,
        True,
        sums,
    )
    covered_by[a], covered_until[a] = b, end
    if end - begin < min_duration - 1:  # both ends are rounded to a microsecond
        return found
    if found < room:
        out_i[found, EN_A], out_i[found, EN_B], out_i[found, EN_START], out_i[found, EN_END] = (
            a,
            b,
            begin,
            end,
        )
        out_i[found, EN_BEGUN], out_i[found, EN_ENDED] = how_begun, how_ended
        out_i[found, EN_NEAREST_T] = at + round(sums[EF_NEAREST_S])
        out_f[found] = sums
    return found + 1
