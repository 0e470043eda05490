"""Compiled loops of silences: one pass over the fixes of each vehicle, and the silences of others at the same time.

``t`` is int64 microseconds since 1970 UTC, ``lon`` and ``lat`` are float64 degrees (WGS 84), sorted by vehicle and
time; ``starts`` and ``ends`` hold the rows of each vehicle.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from spatial_models.distances import haversine_m, wrap_deg
from spatial_models.fixes import NO_TIME, Array

CODE, BEGAN, ENDED = range(3)
LON, LAT, AHEAD_LON, AHEAD_LAT, BEFORE_S, REAPPEARED_M = range(6)
INTERVALS = 12
"""Intervals before a silence of which the median is taken."""
STANDING_M_PER_US = 5.0 / 3.6e6
"""Speed up to which a vehicle stands, 5 km/h."""


@njit(cache=True, nogil=True)
def scan_silences(
    t: Array, lon: Array, lat: Array, starts: Array, ends: Array, usual: Array, last: int, least: float,
    least_intervals: float, max_ahead_m: float,
) -> tuple[Array, Array]:  # fmt: skip
    """Return the silences of all vehicles as integers and floats (columns above)."""
    n = 0
    for v in range(len(starts)):
        for r in range(starts[v], ends[v]):
            after = t[r + 1] if r + 1 < ends[v] else last
            n += r > starts[v] and after - t[r] >= max(least, least_intervals * usual[v])
    out_i, out_f, w = np.empty((n, 3), np.int64), np.empty((n, 6)), 0
    for v in range(len(starts)):
        for r in range(starts[v] + 1, ends[v]):
            is_last = r + 1 == ends[v]
            after = last if is_last else t[r + 1]
            if after - t[r] < max(least, least_intervals * usual[v]):
                continue
            out_i[w, CODE], out_i[w, BEGAN], out_i[w, ENDED] = v, t[r], NO_TIME if is_last else after
            out_f[w, LON], out_f[w, LAT] = lon[r], lat[r]
            first = max(starts[v], r - INTERVALS)
            out_f[w, BEFORE_S] = np.median(np.diff(t[first : r + 1])) / 1e6
            out_f[w, AHEAD_LON], out_f[w, AHEAD_LAT] = lon[r], lat[r]
            step = t[r] - t[r - 1]
            moved = haversine_m(lon[r - 1], lat[r - 1], lon[r], lat[r])
            if step > 0 and step <= 3.0 * usual[v] and moved > STANDING_M_PER_US * step:
                ahead = min(usual[v] / step, max_ahead_m / moved)
                out_f[w, AHEAD_LON] = wrap_deg(lon[r] + ahead * wrap_deg(lon[r] - lon[r - 1]))
                out_f[w, AHEAD_LAT] = min(90.0, max(-90.0, lat[r] + ahead * (lat[r] - lat[r - 1])))
            out_f[w, REAPPEARED_M] = math.nan
            if not is_last:
                out_f[w, REAPPEARED_M] = haversine_m(lon[r], lat[r], lon[r + 1], lat[r + 1])
            w += 1
    return out_i, out_f


@njit(cache=True, nogil=True)
def count_together(silences: Array, before_s: Array, most: int) -> tuple[Array, Array]:
    """Count, of each silence, the other vehicles whose silence began, and also ended, in the same minutes.

    The same minutes are two usual intervals of the slower of both, at least a minute and at most ``most``.
    """
    n = len(silences)
    began_with, ended_with = np.zeros(n, np.int64), np.zeros(n, np.int64)
    order = np.argsort(silences[:, BEGAN], kind="mergesort")
    low = 0
    for i in range(n):
        a = order[i]
        while silences[a, BEGAN] - silences[order[low], BEGAN] > most:
            low += 1
        j = low
        seen = -np.ones(0, np.int64)
        while j < n and silences[order[j], BEGAN] - silences[a, BEGAN] <= most:
            b = order[j]
            j += 1
            if silences[b, CODE] == silences[a, CODE] or (seen == silences[b, CODE]).any():
                continue
            within = min(most, max(60e6, 2e6 * max(before_s[a], before_s[b])))
            if abs(silences[b, BEGAN] - silences[a, BEGAN]) > within:
                continue
            seen = np.append(seen, silences[b, CODE])
            began_with[a] += 1
            both_open = silences[a, ENDED] == NO_TIME and silences[b, ENDED] == NO_TIME
            both_end = silences[a, ENDED] != NO_TIME and silences[b, ENDED] != NO_TIME
            ended_with[a] += both_open or (
                both_end and abs(silences[a, ENDED] - silences[b, ENDED]) <= within
            )
    return began_with, ended_with
