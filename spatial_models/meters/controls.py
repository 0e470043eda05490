"""Controls: open plants of the same industry, and what other closed sites do on the same days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_models.frames import Array
from spatial_models.meters.daily_use import UseSeries
from spatial_models.meters.levels import Fitted

_LEAST_PLANTS = 5
_SMOOTHED_DAYS = 15
_MOST_RISE = 0.5
COMMON_DAYS = 60
_LEAST_SWING_DAYS = 14


def trade_rise(plants: list[UseSeries], first: int, is_rest_day: Array) -> Array | None:
    """Return the common rise of open plants by day, as a logarithm from 0 to 0.5; None for fewer than five plants.

    Each plant is compared with its own median of working days or of rest days; the median of the plants is
    smoothed over 15 days. Only rises count: a holiday at which all plants rest must not make an idle meter look
    busy. It takes away what weather does to everybody.

    Parameters
    ----------
    plants : list of UseSeries
    first : int
        First day of the result.
    is_rest_day : ndarray of bool
        From ``first`` to the last day.
    """
    days = len(is_rest_day)
    rows = []
    for one in plants:
        values = np.full(days, np.nan)
        chosen = (
            (one.length == 1)
            & (one.weight > 0)
            & (one.start >= first)
            & (one.start < first + days)
            & (one.use > 0)
        )
        if chosen.sum() < 90:
            continue
        values[one.start[chosen] - first] = np.log(one.use[chosen])
        for rest in (True, False):
            same = is_rest_day == rest
            if np.isfinite(values[same]).any():
                values[same] -= np.nanmedian(values[same])
        rows.append(values)
    if len(rows) < _LEAST_PLANTS:
        return None
    known = np.isfinite(np.array(rows)).sum(axis=0) >= _LEAST_PLANTS
    common = np.zeros(days)
    common[known] = np.nanmedian(np.array(rows)[:, known], axis=0)
    padded = np.pad(common, _SMOOTHED_DAYS // 2, mode="edge")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED_DAYS), axis=1)
    return np.clip(smooth, 0.0, _MOST_RISE)


@dataclass(frozen=True)
class Company:
    """Other closed sites beside one of them.

    Attributes
    ----------
    as_high_share : float
        Share of the others whose recent excess is at least half of the own one; 0 when there are fewer than five.
    likeness : float
        Correlation of the daily ups and downs of the last 60 days with those of the other sites above idle; 0 when
        there are too few.
    """

    as_high_share: float
    likeness: float


def company_of(fitted: list[Fitted | None], excess: Array, today: int) -> list[Company]:
    """Compare each closed site with the others of the same kind.

    Ups and downs are logarithms less a parabola over the 60 days and the mean of each weekday, so that a common
    working week or a common slow change is no likeness: what remains in common is weather.

    Parameters
    ----------
    fitted : list of Fitted or None
    excess : ndarray of float64
        Recent excess of each site as a share of its former level; NaN when not known.
    today : int

    Examples
    --------
    >>> company_of([], np.array([]), 100)
    []
    """
    n, first = len(fitted), today - COMMON_DAYS + 1
    swing = np.full((n, COMMON_DAYS), np.nan)
    for i, each in enumerate(fitted):
        if each is None:
            continue
        one, a = each.one, each.active
        daily = (
            (one.start >= first)
            & (one.start <= today)
            & (one.weight > 0)
            & (one.length == 1)
            & (a > 0.5)
            & (one.use > 0)
        )
        if daily.sum() >= _LEAST_SWING_DAYS:
            swing[i, one.start[daily] - first] = _ups_and_downs(one.start[daily] - first, one.use[daily])
    total, known = np.nansum(swing, axis=0), np.isfinite(swing).sum(axis=0)
    ordered = np.sort(excess[np.isfinite(excess)])
    found = []
    for i in range(n):
        share = 0.0
        if np.isfinite(excess[i]) and excess[i] > 0 and len(ordered) > _LEAST_PLANTS:
            as_high = len(ordered) - np.searchsorted(ordered, 0.5 * excess[i]) - 1
            share = float(as_high / (len(ordered) - 1))
        found.append(Company(share, _likeness(swing[i], total, known)))
    return found


def _ups_and_downs(day: Array, use: Array) -> Array:
    """Return logarithms of use less a parabola and the mean of each weekday."""
    values = np.log(use)
    values = np.clip(values - np.median(values), -1.5, 1.5)
    values = values - np.polyval(np.polyfit(day / COMMON_DAYS, values, 2), day / COMMON_DAYS)
    weekday = day % 7
    count = np.bincount(weekday, minlength=7)
    mean = np.bincount(weekday, values, 7) / np.maximum(count, 1)
    return np.asarray(np.clip(values - mean[weekday], -0.7, 0.7))


def _likeness(swing: Array, total: Array, known: Array) -> float:
    days = np.isfinite(swing) & (known - 1 >= _LEAST_PLANTS)
    if days.sum() < _LEAST_SWING_DAYS + 7:
        return 0.0
    others = (total[days] - swing[days]) / (known[days] - 1)
    if swing[days].std() < 1e-9 or others.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(swing[days], others)[0, 1])
