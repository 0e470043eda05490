"""Judgement of one series: the probability that work went on in the recent window, and on what it rests."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from spatial_models.frames import Array
from spatial_models.meters.config import MeterConfig
from spatial_models.meters.controls import Company
from spatial_models.meters.daily_use import UseSeries
from spatial_models.meters.evidence import upper, use_evidence
from spatial_models.meters.levels import Fitted, Levels
from spatial_models.meters.rhythm import NO_RHYTHM, Rhythm, find_rhythm
from spatial_models.meters.runs import Run, Start, find_run, find_start

_RHYTHM_DAYS = 70
_DAYS_COUNTED = 7
"""A longer interval counts for as many active days."""
_MISSED = 0.1
"""Share of work that a meter does not show at all (own generator, other connection)."""
_FORGOTTEN_DAYS = 6.0
"""Quiet days after which what would show has shown, but for a part of 1/e."""
_FULL_HISTORY_DAYS = 42.0
_NO_FORMER, _NO_DATE = 0.7, 0.6
_NEIGHBOUR_POWER = 0.6
"""Days resemble their neighbours, so a fifth of them says more than a fifth of what all say."""


@dataclass(frozen=True)
class Calendar:
    """Days of the analysis: the last one, and which ones are days of rest, from ``first`` on."""

    today: int
    first: int
    is_rest_day: Array


@dataclass(frozen=True)
class Judgement:
    """Result of one series.

    Attributes
    ----------
    value : float or None
        Probability that work went on in the recent window; None: nothing to judge by.
    quality : float
    first_day, last_day : int
        Days of the intervals that the value was computed from.
    mean_use : float
        Mean use a day of the recent window; of its active days when there are any.
    active_count : float
        Active days of the recent window, weighted by their chance.
    span_days, busy_days, read_days, missing_days : int
        Days of the window up to the day of the analysis: all, above idle, with a measured reading, without any.
    former : float
        Former level that the mean use is compared with; NaN when it is not known.
    estimated_share : float
        Part of the known days that is estimated.
    longest : int
        Days of the longest interval of the window.
    rhythm : Rhythm
    start : Start or None
    parts : dict of str to float
        Log-likelihood ratios by name, and ``prior``: their sum is the logit of ``meaning``.
    meaning : float
        Probability that the active days are work.
    run_from : int
        Index of the first active interval of the current run; the number of intervals without one.
    """

    value: float | None
    quality: float
    first_day: int
    last_day: int
    mean_use: float = math.nan
    active_count: float = 0.0
    span_days: int = 0
    busy_days: int = 0
    read_days: int = 0
    missing_days: int = 0
    former: float = math.nan
    estimated_share: float = 0.0
    longest: int = 1
    rhythm: Rhythm = NO_RHYTHM
    start: Start | None = None
    parts: dict[str, float] = field(default_factory=dict)
    meaning: float = 0.0
    run_from: int = 0

    @property
    def share(self) -> float:
        """Return the mean use as a share of the former level."""
        return self.mean_use / self.former


def sigmoid(x: float) -> float:
    """Return 1 / (1 + e^-x)."""
    return 1.0 / (1.0 + math.exp(-min(max(x, -40.0), 40.0)))


def judge(
    one: UseSeries,
    fitted: Fitted | None,
    company: Company,
    calendar: Calendar,
    closed: int | None,
    config: MeterConfig,
) -> Judgement:
    """Judge one series; see `spatial_models.meters.meter_signals` for the method.

    Parameters
    ----------
    one : UseSeries
    fitted : Fitted or None
        The series with its levels; None: nothing usable was measured after the closure.
    company : Company
    calendar : Calendar
    closed : int or None
    config : MeterConfig
    """
    today = calendar.today
    recent = _recent_intervals(one, fitted.levels if fitted else None, today, config)
    if not recent.any():
        return Judgement(None, 0.0, today - config.recent_days + 1, today)
    first, last = int(one.start[recent].min()), int((one.start + one.length)[recent].max()) - 1
    days, weight = one.length[recent].astype(float), one.weight[recent]
    estimated = float(days[weight == 0].sum() / days.sum())
    if fitted is None or estimated == 1.0:
        return Judgement(None, 0.0, first, last, estimated_share=estimated, longest=int(days.max()))
    active = fitted.active[recent]
    count = float((weight * active * np.minimum(days, _DAYS_COUNTED)).sum())
    run = find_run(fitted, recent, config)
    rhythm = _rhythm_of(one, run, calendar)
    parts = use_evidence(fitted, recent, count, rhythm, run, company, closed, today, config)
    meaning = _sigmoid(sum(parts.values()))
    chosen = active > 0.5 if (active > 0.5).any() else weight > 0
    begin = min(first, max(today + 1 - config.recent_days, fitted.levels.settled_from))
    return Judgement(
        value=_value(fitted.levels, meaning, count, days, weight, config),
        quality=_quality(one, recent, first, today, fitted.levels, closed, config),
        first_day=first, last_day=last,
        mean_use=float(np.average(one.use[recent][chosen], weights=days[chosen])),
        active_count=count,
        span_days=max(today + 1 - begin, int(days.sum())), busy_days=int(days[active > 0.5].sum()),
        read_days=int(days[weight > 0].sum()), missing_days=max(today + 1 - begin - int(days.sum()), 0),
        former=float(np.average(fitted.levels.former_of(one.length[recent][chosen]), weights=days[chosen])),
        estimated_share=estimated, longest=int(days.max()), rhythm=rhythm,
        start=find_start(fitted, run) if run.begin < len(one.start) else None,
        parts=parts, meaning=meaning, run_from=run.begin,
    )  # fmt: skip


def recent_excess(fitted: Fitted | None, today: int, config: MeterConfig) -> float:
    """Return the recent excess over idle as a share of the former level; NaN when it is not known."""
    if fitted is None or not fitted.levels.has_former:
        return math.nan
    recent = _recent_intervals(fitted.one, fitted.levels, today, config) & (fitted.one.weight > 0)
    busy = recent & (fitted.active > 0.5)
    if not busy.any():
        return 0.0 if recent.any() else math.nan
    length = fitted.one.length[busy]
    return upper(fitted.excess(busy), length) / float(np.mean(fitted.levels.former_of(length)))


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(x, -40.0), 40.0)))


def _value(
    levels: Levels, meaning: float, count: float, days: Array, weight: Array, config: MeterConfig
) -> float:
    """Return the probability of work: of the active days that were seen, or of work that was not seen."""
    known, length = float((days * weight).sum()), float(np.average(days, weights=days))
    seen, missed = 1.0 - math.exp(-1.5 * count), _missed(levels, length, config)
    unseen = config.prior * (missed + (1 - missed) * math.exp(-known / _FORGOTTEN_DAYS))
    unseen = unseen / (unseen + 1 - config.prior)
    return seen * max(meaning, unseen) + (1 - seen) * unseen


def _missed(levels: Levels, length: float, config: MeterConfig) -> float:
    """Return the share of work that the meter would not show: on another connection, or lost in its noise."""
    visible = levels.idle * math.expm1(3.0 * levels.spread * length**-0.3) + levels.offset
    if levels.has_former:
        z = math.log(visible / levels.former_work / config.work_median) / config.work_spread
    else:
        z = math.log(visible / (levels.idle + levels.offset) / config.work_ratio) / config.work_ratio_spread
    lost = 0.5 * math.erfc(-z / math.sqrt(2.0))
    return _MISSED + (1 - _MISSED) * lost


def _recent_intervals(one: UseSeries, levels: Levels | None, today: int, config: MeterConfig) -> Array:
    """Return the intervals in the recent window; the newest one when it ended before and is not stale.

    Use before the closure, and of the first days after it, is no evidence.
    """
    ends = one.start + one.length
    settled = one.start >= (levels.settled_from if levels else one.start.min(initial=0))
    recent = (ends > today + 1 - config.recent_days) & (one.start <= today) & settled
    if not recent.any() and len(ends) and ends[-1] > today + 1 - config.stale_days and settled[-1]:
        recent[-1] = True
    return np.asarray(recent)


def _rhythm_of(one: UseSeries, run: Run, calendar: Calendar) -> Rhythm:
    """Return the rhythm of the current run, in at most the last 70 days."""
    if run.begin >= len(one.start):
        return NO_RHYTHM
    since = max(int(one.start[run.begin]), calendar.today - _RHYTHM_DAYS + 1)
    chosen = (one.start >= since) & (one.length == 1) & (one.weight > 0)
    return find_rhythm(
        one.start[chosen], one.use[chosen], calendar.is_rest_day[one.start[chosen] - calendar.first]
    )


def _quality(
    one: UseSeries,
    recent: Array,
    first: int,
    today: int,
    levels: Levels,
    closed: int | None,
    config: MeterConfig,
) -> float:
    """Return the measured part of the window, lowered by short history, long intervals, and age."""
    days, ends = one.length[recent].astype(float), (one.start + one.length)[recent]
    mean_length = float(np.average(days, weights=days))
    covered = float((days * one.weight[recent]).sum()) / (
        today + 1 - min(first, today + 1 - config.recent_days)
    )
    if mean_length > 1:  # a bill that has not come yet is no gap
        covered *= 1 + min(mean_length - 1, 30) / 60
    measured = min(covered, 1.0) ** _NEIGHBOUR_POWER
    resolution = 1.0 / (1.0 + (mean_length - 1) / 40.0)
    history = min(max(levels.idle_days / _FULL_HISTORY_DAYS, 0.4), 1.0)
    age = math.exp(-max(today - float(ends.max()) - mean_length, 0.0) / 30.0)
    register = (1.0 if levels.has_former else _NO_FORMER) * (1.0 if closed is not None else _NO_DATE)
    return float(measured * resolution * history * age * register)
