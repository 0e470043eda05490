"""Current run of active intervals: its begin, as a step or along a slope, and the interval for the start of work."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from spatial_models.frames import Array
from spatial_models.meters.config import MeterConfig
from spatial_models.meters.levels import Fitted

_QUIET_BEFORE_DAYS = 60
"""Days before a run that are looked at with it."""
_NO_CHANCE = 0.03
"""Chances of being above idle below this one do not add up to a start."""
_LOOK_BACK = 14
"""Intervals before the first active one in which the start may lie."""
_STEP_RATIO = 0.35
"""A run begins at a step when its mean before is below this part of the mean after."""
_SAME_RUN_DAYS = 7
_BILL_MARGIN = 0.2


@dataclass(frozen=True)
class Run:
    """Current run of active intervals.

    Attributes
    ----------
    begin : int
        Index of its first interval; the number of intervals without a run.
    is_step : bool
        Use rose at once, and not slowly.
    slowness : float
        0: the first third of the run is as high as the last; 1: it rose from nothing. 0 for a step.
    """

    begin: int
    is_step: bool = False
    slowness: float = 0.0


@dataclass(frozen=True)
class Start:
    """Interval for the start of the current run.

    Attributes
    ----------
    first_day, last_day : int
        Days since 1970, both included; 90 %.
    """

    first_day: int
    last_day: int


def find_run(fitted: Fitted, recent: Array, config: MeterConfig) -> Run:
    """Return the current run; where use within it rose at once to a multiple, the run begins there.

    A step (two means, change point of least squares) is compared with a rising line over the same intervals and the
    60 days before them.

    Parameters
    ----------
    fitted : Fitted
    recent : ndarray of bool
        Intervals of the recent window: a run that does not reach it is over.
    config : MeterConfig
    """
    one = fitted.one
    known = (one.weight > 0) & (one.start >= fitted.levels.settled_from)
    busy = np.flatnonzero((fitted.active > 0.5) & known)
    if not len(busy) or not recent[busy].any():
        return Run(len(one.start))
    ends = (one.start + one.length)[busy]
    breaks = np.flatnonzero(one.start[busy][1:] - ends[:-1] > config.run_gap_days)
    begin = int(busy[breaks[-1] + 1] if len(breaks) else busy[0])
    index = np.flatnonzero(known & (one.start >= one.start[begin] - _QUIET_BEFORE_DAYS))
    excess = _without_extremes(fitted.excess(index))
    days = one.length[index].astype(float)
    at = one.start[index] - one.start[index[0]] + days / 2
    cut, rest, before, after = best_step(excess, days)
    if rest <= _ramp_rest(excess, at, days) and after > 0:
        if index[cut] > begin and before < _STEP_RATIO * after:
            begin = _first_as_high(fitted, index, excess, cut, begin, 0.5 * after)
        return Run(begin, is_step=True)
    inside = index >= begin
    early, late = _thirds(excess[inside], at[inside])
    if at[inside][-1] - at[inside][0] < config.slow_run_days or not late > 0:
        return Run(begin)
    return Run(begin, slowness=float(np.clip(1 - early / late, 0, 1)))


def find_start(fitted: Fitted, run: Run) -> Start:
    """Return the interval for the start: the first active interval, and what lies unseen before it.

    The first active interval is the earliest at which the chance that one was active has passed 5 and 95 %. A start
    in unread days may be any of them. In a bill the part of its days that work took follows from its excess beside
    that of the next one, ± a fifth of its length.
    """
    one, begin = fitted.one, run.begin
    since = max(begin - _LOOK_BACK, 0, int(np.searchsorted(one.start, fitted.levels.settled_from)))
    chance = np.where((one.weight > 0) & (fitted.active > _NO_CHANCE), fitted.active, 0.0)[since:]
    reached = 1.0 - np.cumprod(1.0 - np.minimum(chance, 1 - 1e-12))
    low = min(since + int(np.searchsorted(reached, 0.05)), begin)
    high = max(min(since + int(np.searchsorted(reached, 0.95)), len(one.start) - 1), begin)
    before = np.flatnonzero(one.weight[:low] > 0)
    first = int(one.start[before[-1]] + one.length[before[-1]]) if len(before) else int(one.start[low])
    last = int(one.start[high] + one.length[high]) - 1
    if one.length[begin] > 1 and low == high == begin and begin + 1 < len(one.start):
        part = float(np.clip(fitted.excess(begin) / max(float(fitted.excess(begin + 1)), 1e-300), 0.0, 1.0))
        length, end = int(one.length[begin]), int(one.start[begin] + one.length[begin])
        middle, margin = end - part * length, _BILL_MARGIN * length
        first, last = max(first, int(middle - margin)), min(last, math.ceil(middle + margin))
    return Start(min(first, last), last)


def best_step(excess: Array, days: Array) -> tuple[int, float, float, float]:
    """Return the change point of least squares, its rest, and the means before and after.

    Examples
    --------
    >>> best_step(np.array([1.0, 1.0, 5.0, 5.0]), np.ones(4))
    (2, 0.0, 1.0, 5.0)
    >>> best_step(np.array([5.0]), np.ones(1))
    (0, 0.0, 0.0, 5.0)
    """
    if len(excess) < 2:
        return 0, 0.0, 0.0, float(excess.max(initial=0.0))
    weight, total, square = np.cumsum(days), np.cumsum(days * excess), np.cumsum(days * excess**2)
    w, t = weight[:-1], total[:-1]
    rest = square[-1] - t**2 / w - (total[-1] - t) ** 2 / (weight[-1] - w)
    cut = int(np.argmin(rest))
    after = float((total[-1] - t[cut]) / (weight[-1] - w[cut]))
    return cut + 1, float(rest[cut]), float(t[cut] / w[cut]), after


def _without_extremes(excess: Array) -> Array:
    """Return the excess cut at one and a half times its 90 % quantile."""
    if not (excess > 0).mean() > 0.1:
        return excess
    return np.asarray(np.minimum(excess, 1.5 * float(np.quantile(excess, 0.9))))


def _first_as_high(fitted: Fitted, index: Array, excess: Array, cut: int, begin: int, least: float) -> int:
    """Return the first interval with the excess ``least`` that no more than a week parts from the step at ``cut``."""
    one = fitted.one
    high = np.flatnonzero((excess >= least) & (index >= begin))
    after = high[high >= cut]
    found = int(after[0]) if len(after) else cut
    for i in high[high < found][::-1]:
        if one.start[index[found]] - one.start[index[i]] - one.length[index[i]] > _SAME_RUN_DAYS:
            break
        found = int(i)
    return int(index[found])


def _thirds(excess: Array, at: Array) -> tuple[float, float]:
    """Return the means of the first and of the last third of a run."""
    third = (at[-1] - at[0]) / 3
    return float(excess[at <= at[0] + third].mean()), float(excess[at >= at[-1] - third].mean())


def _ramp_rest(excess: Array, at: Array, days: Array) -> float:
    """Return the rest of the best rising line that begins on one of twelve days of the first two thirds."""
    if len(at) < 4:
        return math.inf
    best = math.inf
    for begin in at[0] + (at[-1] - at[0]) * np.arange(12) / 18:
        x = np.maximum(at - begin, 0.0)
        mean, level = np.average(x, weights=days), np.average(excess, weights=days)
        spread = float((days * (x - mean) ** 2).sum())
        slope = float((days * (x - mean) * (excess - level)).sum() / spread) if spread > 0 else 0.0
        if slope > 0:
            best = min(best, float((days * (excess - level - slope * (x - mean)) ** 2).sum()))
    return best
