"""Former and idle level of a series, its noise, and the probability of each interval that use was above idle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial_models.frames import Array
from spatial_models.meters.config import MeterConfig
from spatial_models.meters.daily_use import UseSeries
from spatial_models.meters.kernels import (
    active_probability,
    former_levels,
    idle_level,
    smallest_step,
    weighted_quantile,
)

_UNKNOWN = -1_000_000
_LONG_DAYS = 5
"""From this length on an interval is compared with the former mean day, not with the former working day."""
_ENOUGH_IDLE_DAYS = 14
_RECENT_FREE_DAYS = 90
_FORMER_RATIO = 4.0
_TOO_MUCH = 0.4
_DISTINCT = 5
_NOISE_SAFETY = 1.25
"""The quietest window understates the noise of the others."""


@dataclass(frozen=True)
class Levels:
    """Levels of one series, in its unit a day.

    Attributes
    ----------
    former_work, former_mean : float
        Use of a working day and of a mean day before the closure; NaN: not known.
    idle : float
        Idle use: as measured, or less where that is more than a stopped plant draws.
    measured_idle : float
        The quietest four weeks after the closure as measured, NaN without any.
    spread : float
        Standard deviation of the logarithm of idle use.
    offset : float
        Added to both sides of a ratio, so that zeros have one.
    idle_days : float
        Known days after the closure.
    settled_from : int
        First day that may be idle.
    """

    former_work: float
    former_mean: float
    idle: float
    measured_idle: float
    spread: float
    offset: float
    idle_days: float
    settled_from: int

    @property
    def has_former(self) -> bool:
        """Tell whether the former level is known."""
        return self.former_work == self.former_work

    @property
    def large_contrast(self) -> float:
        """Return the difference between days from which on a rhythm is large: a tenth of the former use."""
        return 0.1 * self.former_work if self.has_former else max(self.idle, self.offset)

    def former_of(self, length: Array) -> Array:
        """Return the former level that intervals of these lengths are compared with."""
        return np.where(length >= _LONG_DAYS, self.former_mean, self.former_work)


@dataclass(frozen=True)
class Fitted:
    """A series with its levels.

    Attributes
    ----------
    one : UseSeries
    levels : Levels
    expected : ndarray of float64
        Expected idle use a day of each interval.
    active : ndarray of float64
        Probability of each interval that use was above it.
    """

    one: UseSeries
    levels: Levels
    expected: Array
    active: Array

    def excess(self, chosen: Any) -> Array:
        """Return use above the expected idle use, of an index or a mask."""
        return np.asarray(np.maximum(self.one.use[chosen] - self.expected[chosen], 0.0))


def find_levels(one: UseSeries, closed: int | None, today: int, config: MeterConfig) -> Levels | None:
    """Return the levels of a series, or None when nothing usable was measured after the closure.

    Examples
    --------
    200 kWh a day up to day 300, 10 after it:

    >>> day = np.arange(600)
    >>> one = UseSeries("S", "power", day, np.ones(600, int), np.where(day < 300, 200.0, 10.0),
    ...     np.ones(600), np.full(600, np.nan))
    >>> found = find_levels(one, 300, 599, MeterConfig())
    >>> found.former_work, found.idle, found.spread
    (200.0, 10.0, 0.08)
    >>> find_levels(one, 600, 599, MeterConfig()) is None
    True
    """
    parts = (one.start, one.length, one.use, one.weight)
    where = _UNKNOWN if closed is None else closed
    work, mean = former_levels(*parts, where, config.run_down_days, config.former_days)
    since = _UNKNOWN if closed is None else closed + _settling(closed, today, config)
    measured, spread, known = idle_level(*parts, since, config.idle_window_days, 0.2)
    if known == 0:
        return None
    if closed is None:
        work = mean = _former_without_date(one, measured, today)
    idle, has_former = measured, work == work
    if has_former:
        prior = config.idle_prior_share * work
        if known < _ENOUGH_IDLE_DAYS and measured > 0:
            idle = math.exp((known * math.log(measured) + 5 * math.log(prior)) / (known + 5))
        idle = _as_a_stopped_plant(idle, prior, config.stopped_share * work)
    step, positive = _resolution(one), one.use[one.use > 0]
    offset = max(0.01 * work if has_former else 0.0, 0.05 * idle, 0.5 * step)
    if offset <= 0:
        offset = 0.5 * float(positive.min()) if len(positive) else 1.0
    rounding = 0.5 * step / (idle + offset)
    noise = max(_NOISE_SAFETY * math.hypot(spread, rounding), config.least_noise)
    return Levels(work, mean, idle, measured, min(noise, 1.0), offset, known, since)


def quietest_median(one: UseSeries, levels: Levels, config: MeterConfig) -> float:
    """Return the median of the four weeks with the lowest median after the closure."""
    parts = (one.start, one.length, one.use, one.weight)
    return float(idle_level(*parts, levels.settled_from, config.idle_window_days, 0.5)[0])


def _settling(closed: int, today: int, config: MeterConfig) -> int:
    """Return the days after the closure that are not idle yet: fewer where the closure is recent."""
    return min(config.settle_days, max(3, (today - closed) // 4))


def _as_a_stopped_plant(idle: float, prior: float, most: float) -> float:
    """Return the idle level: nearer to the prior, the more the quietest use exceeds what a stopped plant draws."""
    if idle <= most:
        return idle
    known = math.exp(-(idle / most - 1) / _TOO_MUCH)
    return math.exp(known * math.log(most) + (1 - known) * math.log(prior))


def _resolution(one: UseSeries) -> float:
    """Return the step of a meter that shows whole units (m³) only; 0 where its values are no multiples of one step."""
    values = one.use[one.length == 1]
    step = smallest_step(values)
    if step <= 0 or len(np.unique(values[values > 0])) < _DISTINCT:
        return 0.0
    parts = values / step
    return step if bool(np.all(np.abs(parts - np.round(parts)) < 1e-6)) else 0.0


def _former_without_date(one: UseSeries, idle: float, today: int) -> float:
    """Return a former level where the closure has no date: clearly higher use that is 90 days old or more."""
    old = (one.start + one.length <= today - _RECENT_FREE_DAYS) & (one.weight > 0)
    if not old.any():
        return math.nan
    high = weighted_quantile(one.use[old], one.length[old].astype(float), 0.9)
    return high if high > _FORMER_RATIO * idle and high > 0 else math.nan


def fit(one: UseSeries, levels: Levels, expected: Array, config: MeterConfig) -> Fitted:
    """Return the series with the probability of each interval that use was above the expected idle use."""
    highest = 1.5 * levels.former_work if levels.has_former else float(max(one.use.max(), 4 * levels.idle))
    active = active_probability(
        one.start, one.length, one.use, one.weight, expected, levels.offset, levels.spread, highest,
        config.start_rate, config.stop_rate, config.outlier_share,
    )  # fmt: skip
    return Fitted(one, levels, expected, np.asarray(active))
