"""Draws of counts given their exposure, and their likelihood ratios, in compiled loops."""

from __future__ import annotations

import numpy as np
from numba import njit

from spatial_models.errors import ParameterError
from spatial_models.frames import Array

ALL_WINDOWS = 8
"""Most windows of one cell."""
MAX_TRIALS = 50_000_000
"""Greatest number of trials or cases: a table of this many numbers is kept in memory."""
CHUNK = 2_000_000
"""Random numbers that are made at once."""


def x_log_x(most: int) -> Array:
    """Return k ln k for k = 0 to ``most``; 0 ln 0 is 0.

    Raises
    ------
    ParameterError
        There are more trials or cases than memory is kept for.
    """
    if most > MAX_TRIALS:
        raise ParameterError(f"at most {MAX_TRIALS} trials or cases, got {most}")
    k = np.arange(most + 1, dtype=float)
    return k * np.log(np.maximum(k, 1.0))


def places_of_cases(exposure: Array, is_each: bool) -> Array:
    """Return what a case is drawn from: the cell of each trial, or the bounds of each cell's share."""
    if is_each:
        return np.repeat(np.arange(len(exposure)), exposure.astype(np.int64))
    total = exposure.sum()
    shares = np.cumsum(exposure) / total if total else np.cumsum(exposure)
    last = np.flatnonzero(exposure)[-1:]  # rounding must not give a case to cells behind the last exposed one
    shares[last.item() if last.size else 0 :] = 1.0
    return np.asarray(shares)


def log_ratios(
    sums: Array, under: Array, expected: Array, every: int, trials: float, is_each: bool, table: Array
) -> Array:
    """Return the signed logarithm of the likelihood ratio of each window, in the shape of ``sums``."""
    flat = (sums.ravel(), under.ravel(), expected.ravel())
    logs, rest = window_logs(*flat[1:], every, trials, is_each, table)
    found: Array = _signed_ratios(*flat, logs, rest, every, trials, is_each, table)
    return found.reshape(sums.shape)


@njit(cache=True, nogil=True)
def window_logs(
    under: Array, expected: Array, every: int, trials: float, is_each: bool, table: Array
) -> tuple[Array, Array]:
    """Parts of the ratio that no draw changes."""
    logs, rest = np.zeros(len(under)), np.zeros(len(under))
    for i in range(len(under)):
        if is_each:
            m = int(under[i])
            n = int(trials)
            logs[i] = table[m] + table[n - m]
            rest[i] = table[every] + table[n - every] - table[n]
        elif 0.0 < expected[i] < every * (1 - 1e-12):
            logs[i], rest[i] = np.log(expected[i]), np.log(every - expected[i])
    return logs, rest


@njit(cache=True, nogil=True)
def _ratio(
    o: int, m: float, every: int, trials: float, is_each: bool, log: float, rest: float, table: Array
) -> float:
    if m <= 0.0 or m >= trials * (1 - 1e-12):
        return 0.0
    if is_each:
        inside, n = int(m), int(trials)
        outside = n - inside - (every - o)
        return table[o] + table[inside - o] + table[every - o] + table[outside] - log - rest
    return table[o] + table[every - o] - o * log - (every - o) * rest


@njit(cache=True, nogil=True)
def _signed_ratios(
    sums: Array, under: Array, expected: Array, logs: Array, rest: Array, every: int, trials: float,
    is_each: bool, table: Array,
) -> Array:  # fmt: skip
    found = np.empty(len(sums))
    for i in range(len(sums)):
        ratio = _ratio(int(sums[i]), under[i], every, trials, is_each, logs[i], rest[i], table)
        found[i] = max(ratio, 0.0) if sums[i] > expected[i] else -max(ratio, 0.0)
    return found


def draws_of_counts(
    places: Array, every: int, indptr: Array, indices: Array, n: int, under: Array, expected: Array,
    trials: float, is_each: bool, table: Array, draws: int, rng: np.random.Generator,
) -> Array:  # fmt: skip
    """Return the greatest absolute ratio of all windows in each draw, shape (draws,)."""
    logs, rest = window_logs(under, expected, every, trials, is_each, table)
    greatest = np.empty(draws)
    width = max(1, min(draws, CHUNK // every, CHUNK // n))
    labels = places.copy()
    place = _place_labels if is_each else _place_by_share
    for begin in range(0, draws, width):
        chance = rng.random((min(width, draws - begin), every))
        counts = np.zeros((len(chance), n), np.int32)
        place(labels, chance, counts)
        greatest[begin : begin + len(chance)] = _greatest(
            counts, indptr, indices, under, logs, rest, every, trials, is_each, table
        )
    return greatest


@njit(cache=True, nogil=True)
def _place_labels(trials: Array, chance: Array, counts: Array) -> None:
    """Choose the cases among the trials: the first of a Fisher-Yates shuffle, which may begin from any order."""
    for r in range(len(chance)):
        for c in range(chance.shape[1]):
            at = c + int(chance[r, c] * (len(trials) - c))
            chosen = trials[at]
            trials[at] = trials[c]
            trials[c] = chosen
            counts[r, chosen] += 1


@njit(cache=True, nogil=True)
def _place_by_share(shares: Array, chance: Array, counts: Array) -> None:
    """Give each case to a cell in proportion to its exposure."""
    for r in range(len(chance)):
        for c in range(chance.shape[1]):
            counts[r, np.searchsorted(shares, chance[r, c], side="right")] += 1


@njit(cache=True, nogil=True)
def _greatest(
    counts: Array, indptr: Array, indices: Array, under: Array, logs: Array, rest: Array, every: int,
    trials: float, is_each: bool, table: Array,
) -> Array:  # fmt: skip
    found = np.zeros(len(counts))
    for r in range(len(counts)):
        most = 0.0
        for i in range(len(under)):
            o = 0
            for at in range(indptr[i], indptr[i + 1]):
                o += counts[r, indices[at]]
            most = max(most, _ratio(o, under[i], every, trials, is_each, logs[i], rest[i], table))
        found[r] = most
    return found
