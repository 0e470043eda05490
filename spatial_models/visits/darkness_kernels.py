"""Compiled loops over silences: other vehicles that were silent at the same place, and own days of silence elsewhere.

Rows are sorted by vehicle and time; ``vehicle`` is the number of the vehicle of each row.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from spatial_models.frames import Array


@njit(cache=True, nogil=True)
def count_others(starts: Array, near: Array, vehicle: Array, passing: Array) -> Array:
    """Count, of each silence, the other vehicles near it that passed, and all others near it; shape (2, n).

    ``near[starts[i]:starts[i + 1]]`` are the sorted rows near row i, itself included.
    """
    counts = np.zeros((2, len(vehicle)), np.int64)
    for i in range(len(vehicle)):
        last, last_passed = -1, -1
        for k in range(starts[i], starts[i + 1]):
            other = vehicle[near[k]]
            if other == vehicle[i]:
                continue
            if other != last:
                counts[1, i] += 1
                last = other
            if passing[near[k]] and other != last_passed:
                counts[0, i] += 1
                last_passed = other
    return counts


@njit(cache=True, nogil=True)
def count_days_elsewhere(vehicle: Array, day: Array, stood: Array, points: Array, dark_m: float) -> Array:
    """Count, of each silence, the days on which its vehicle stood silent farther away than ``dark_m``."""
    counts = np.zeros(len(vehicle), np.int64)
    first = 0
    for i in range(len(vehicle)):
        if vehicle[i] != vehicle[first]:
            first = i
        j, last_day, has_day = first, 0, False
        while j < len(vehicle) and vehicle[j] == vehicle[i]:
            if stood[j] and not (has_day and day[j] == last_day):
                apart = points[j] - points[i]
                if (apart * apart).sum() > dark_m * dark_m:
                    counts[i] += 1
                    last_day, has_day = day[j], True
            j += 1
    return counts
