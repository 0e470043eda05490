"""Daily series of one meter: idle baseline, elevated days and rise."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial_models.frames import Array

_EPOCH = dt.date(1970, 1, 1)
MAX_MISSING_SHARE = 4.5 / 7
"""Greatest missing share of a week that still gives a result."""


@dataclass(frozen=True)
class MeterConfig:
    """Parameters of `spatial_models.suspicion.use_after_closure`; days are calendar days.

    Attributes
    ----------
    settle_days : int
        Days from the closure to the earliest begin of the idle baseline.
    idle_window_days : int
        Length of the quietest span, which gives the baseline.
    least_readings : int
        Readings that a baseline or a former median needs.
    idle_ratio, mad_factor : float
        A day is elevated above ``idle_ratio`` times the baseline and above baseline + ``mad_factor`` times
        MAD.
    elevated_days, of_days : int
        A rise needs ``elevated_days`` elevated days of ``of_days`` days.
    recent_days : int
        The rise must still be present within this many days before the day of the analysis.
    weak_share, strong_share : float
        Shares of the former working-day median.
    weak_idle_ratio, strong_idle_ratio : float
        Used in place of the shares when there is no former median.
    floor_share : float
        Least baseline, as a share of the former median, so that ratios to zero are avoided.
    former_days, run_down_days : int
        The former median covers ``former_days`` up to ``run_down_days`` before the closure.
    agree_days : int
    agree_share : float
        Power and water agree when they rose within ``agree_days``, or when this share of their elevated days
        matches.
    """

    settle_days: int = 30
    idle_window_days: int = 28
    least_readings: int = 10
    idle_ratio: float = 2.0
    mad_factor: float = 5.0
    elevated_days: int = 3
    of_days: int = 5
    recent_days: int = 14
    weak_share: float = 0.10
    strong_share: float = 0.25
    weak_idle_ratio: float = 2.0
    strong_idle_ratio: float = 5.0
    floor_share: float = 0.01
    former_days: int = 180
    run_down_days: int = 14
    agree_days: int = 2
    agree_share: float = 0.7


@dataclass(frozen=True)
class DailySeries:
    """Daily readings of one meter without gaps in the days.

    Attributes
    ----------
    first_day : int
        Days since 1970.
    value : ndarray of float64, shape (days,)
        NaN for a day without a reading.
    estimated : ndarray of bool, shape (days,)
    """

    first_day: int
    value: Array
    estimated: Array

    @classmethod
    def from_readings(cls, day: Array, value: Array, quality: list[str | None]) -> DailySeries:
        """Build the series from sorted, distinct days; missing, infinite and negative values become NaN."""
        kind = np.array([q or "measured" for q in quality])
        usable = np.isfinite(value) & (value >= 0) & (kind != "missing")
        span = np.full(int(day[-1] - day[0]) + 1, np.nan)
        estimated = np.zeros(len(span), bool)
        at = (day - day[0]).astype(int)
        span[at] = np.where(usable, value, np.nan)
        estimated[at] = usable & (kind == "estimated")
        return cls(int(day[0]), span, estimated)

    def day_slice(self, since: int, until: int) -> slice:
        """Return the slice of the days ``[since, until)``, days since 1970."""
        return slice(max(since - self.first_day, 0), max(until - self.first_day, 0))


def meter_signal(
    series: DailySeries | None, closed_on: dt.date | None, at: dt.date, config: MeterConfig
) -> dict[str, Any]:
    """Return the signal of one meter; see `spatial_models.suspicion.use_after_closure` for its fields."""
    signal: dict[str, Any] = {"state": "no_data", "level": "none", "quality": 0.0, "missing_share": 1.0}
    if closed_on is None:
        return signal | {"state": "no_closure_date"}
    if series is None or np.isnan(series.value).all():
        return signal
    today, closed = (at - _EPOCH).days, (closed_on - _EPOCH).days
    former, idle, mad = _former_median(series, closed, config), *_idle_baseline(series, closed, today, config)
    signal |= {"pre_median": former, "idle_baseline": idle, "idle_mad": mad}
    last = series.first_day + int(np.flatnonzero(np.isfinite(series.value))[-1])
    signal |= _window_summary(series, min(last, today) if today - last < config.of_days else today)
    if idle is None:
        missing = signal["missing_share"] > MAX_MISSING_SHARE
        return signal | {"state": "no_data" if missing else "no_baseline", "quality": 0.0}
    floor = max(idle, config.floor_share * (former or 0.0), 1e-9)
    up, start, end = _find_rise(series, closed, today, idle, mad or 0.0, floor, config)
    if start is not None and end is not None:
        return signal | _rise_signal(series, up, start, end, floor, former, today, config)
    if signal["missing_share"] > MAX_MISSING_SHARE:
        return signal | {"quality": 0.0}
    signal |= _ratios(signal["recent_mean"], floor, former)
    return signal | _no_rise_signal(series, idle, former, closed, today, config)


def _former_median(series: DailySeries, closed: int, config: MeterConfig) -> float | None:
    """Return the median of measured working days (Monday to Friday) before the closure."""
    part = series.day_slice(closed - config.run_down_days - config.former_days, closed - config.run_down_days)
    value, estimated = series.value[part], series.estimated[part]
    weekday = (series.first_day + part.start + np.arange(len(value)) + 3) % 7
    chosen = value[np.isfinite(value) & ~estimated & (weekday < 5)]
    return (
        float(np.median(chosen)) if len(chosen) >= config.least_readings and np.median(chosen) > 0 else None
    )


def _idle_baseline(
    series: DailySeries, closed: int, today: int, config: MeterConfig
) -> tuple[float | None, float | None]:
    """Return median and MAD of the quietest span after the closure."""
    part = series.value[series.day_slice(closed + config.settle_days, today + 1)]
    best: tuple[float, float] | None = None
    for begin in range(max(len(part) - config.idle_window_days, 0) + 1):
        span = part[begin : begin + config.idle_window_days]
        span = span[np.isfinite(span)]
        if len(span) >= config.least_readings:
            median = float(np.median(span))
            if best is None or median < best[0]:
                best = median, float(np.median(np.abs(span - median)))
    return best or (None, None)


def _window_summary(series: DailySeries, last: int, since: int | None = None) -> dict[str, Any]:
    """Summarise the seven days up to ``last``, or fewer when the rise began within them (``since``)."""
    begin = max(last - 6, since if since is not None else last - 6)
    part = series.day_slice(begin, last + 1)
    value = series.value[part]
    known = np.isfinite(value)
    missing, n = 1.0 - known.sum() / (last + 1 - begin), max(int(known.sum()), 1)
    estimated = float(series.estimated[part].sum() / n)
    return {
        "recent_mean": float(value[known].mean()) if known.any() else None,
        "window_from": _EPOCH + dt.timedelta(days=begin),
        "window_to": _EPOCH + dt.timedelta(days=last),
        "missing_share": float(missing),
        "estimated_share": estimated,
        "quality": float((1.0 - 0.5 * estimated) * (1.0 - 0.5 * missing)),
    }


def _ratios(recent: float, floor: float, former: float | None) -> dict[str, Any]:
    return {"ratio_idle": recent / floor, "ratio_pre": None if former is None else recent / former}


def _find_rise(
    series: DailySeries, closed: int, today: int, idle: float, mad: float, floor: float, config: MeterConfig
) -> tuple[Array, int | None, int | None]:
    """Return the elevated days (days since 1970), and the first and last day of the current rise."""
    part = series.day_slice(closed + config.settle_days, today + 1)
    value = series.value[part]
    first = series.first_day + part.start
    limit = max(idle + config.mad_factor * mad, config.idle_ratio * floor)
    elevated = np.nan_to_num(value, nan=-1.0) > limit
    up = first + np.flatnonzero(elevated)
    sums = np.convolve(elevated.astype(int), np.ones(config.of_days, int))[: len(elevated)]
    sustained = first + np.flatnonzero(sums >= config.elevated_days)
    if len(sustained) == 0 or sustained[-1] < today - config.recent_days:
        return up, None, None
    # the run goes back while its sustained days are no more than a week apart: a weekend does not end it
    breaks = np.flatnonzero(np.diff(sustained) > 7)
    begin = sustained[breaks[-1] + 1] if len(breaks) else sustained[0]
    start = int(up[up > begin - config.of_days][0])
    return up[up >= start], start, int(up[-1])


def _rise_signal(
    series: DailySeries,
    up: Array,
    start: int,
    end: int,
    floor: float,
    former: float | None,
    today: int,
    config: MeterConfig,
) -> dict[str, Any]:
    """Return the signal of a rise, with its level in the last week."""
    window = _window_summary(series, end, since=start)
    ratios = _ratios(window["recent_mean"], floor, former)
    part = series.day_slice(today - config.recent_days + 1, today + 1)
    return {
        **window,
        **ratios,
        "state": "rise",
        "level": _level(ratios["ratio_pre"], ratios["ratio_idle"], config),
        "days_elevated": int((up > today - config.recent_days).sum()),
        "started_on": _EPOCH + dt.timedelta(days=start),
        "weekday_ratio": _weekday_ratio(series, start, today),
        "missing_share": float(np.isnan(series.value[part]).mean()),
        "elevated": up,
    }


def _level(share: float | None, ratio: float, config: MeterConfig) -> str:
    measure, weak, strong = (
        (ratio, config.weak_idle_ratio, config.strong_idle_ratio)
        if share is None
        else (share, config.weak_share, config.strong_share)
    )
    return "strong" if measure > strong else "weak" if measure >= weak else "none"


def _no_rise_signal(
    series: DailySeries, idle: float, former: float | None, closed: int, today: int, config: MeterConfig
) -> dict[str, Any]:
    """Return the signal of a meter without a rise: quiet, or never fell to the level of a stopped plant."""
    if former is None or idle / former <= config.strong_share:
        return {"state": "quiet", "days_elevated": 0}
    start = closed + config.settle_days
    return {
        "state": "never_fell",
        "level": "weak",
        "days_elevated": 0,
        "started_on": _EPOCH + dt.timedelta(days=closed),
        "weekday_ratio": _weekday_ratio(series, start, today),
    }


def _weekday_ratio(series: DailySeries, since: int, until: int) -> float | None:
    """Return the mean of Monday to Friday divided by the mean of the weekend."""
    part = series.day_slice(since, until + 1)
    value = series.value[part]
    weekday = (series.first_day + part.start + np.arange(len(value)) + 3) % 7
    work, rest = value[(weekday < 5) & np.isfinite(value)], value[(weekday >= 5) & np.isfinite(value)]
    if len(work) < 3 or len(rest) < 2 or rest.mean() <= 0:
        return None
    return float(work.mean() / rest.mean())
