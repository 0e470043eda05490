"""Evidence that use above idle is work: log-likelihood ratios by name, for and against."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np

from spatial_models.frames import Array
from spatial_models.meters.config import MeterConfig
from spatial_models.meters.controls import Company
from spatial_models.meters.daily_use import EPOCH
from spatial_models.meters.levels import Fitted, Levels
from spatial_models.meters.nights import night_shares
from spatial_models.meters.rhythm import Rhythm
from spatial_models.meters.runs import Run

_COUNT = ((0, 1, 2, 3, 5, 10), (-4.5, -4.5, -3.0, -1.0, 0.0, 0.5))
"""By the number of active days: one day is a test, a delivery, a visitor."""
_STEP_DAYS = 5
_LEAST_RHYTHM = 0.3
_LEAST_SLOWNESS, _FULL_SLOWNESS = 0.3, 0.6
_FLAT_CONTRAST, _FLAT_SHARE = 0.25, 0.2
"""Use without a rhythm, or one that is small beside the excess, is flat."""
_LEAST_LIKENESS = 0.3
_COMMON_SHARE = 0.25
_NIGHT_SHIFT, _FULL_NIGHT_SHIFT = 0.15, 0.3
_MOST = 5.0
"""No level says more than this."""


def use_evidence(
    fitted: Fitted,
    recent: Array,
    count: float,
    rhythm: Rhythm,
    run: Run,
    company: Company,
    closed: int | None,
    today: int,
    config: MeterConfig,
) -> dict[str, float]:
    """Return the log-likelihood ratios for work, by name, with the logit of the prior.

    Parameters
    ----------
    fitted : Fitted
    recent : ndarray of bool
        Intervals of the recent window.
    count : float
        Active days in it.
    rhythm, run, company
        Of the current run.
    closed : int or None
    today : int
    config : MeterConfig
    """
    one, levels = fitted.one, fitted.levels
    busy = recent & (fitted.active > 0.5)
    if not busy.any():
        busy = recent & (one.weight > 0)
    typical = upper(fitted.excess(busy), one.length[busy])
    former = float(np.mean(levels.former_of(one.length[busy])))
    parts = {
        "prior": math.log(config.prior / (1 - config.prior)),
        "days": float(np.interp(count, *_COUNT)),
        "level": level_evidence(typical, former, levels, config),
    }
    strength = _rhythm_strength(rhythm, levels)
    if strength > 0:
        parts["rhythm"] = config.rhythm_evidence * strength
    if run.begin == len(one.start):
        return parts
    parts |= _season_evidence(fitted, run, rhythm, typical, typical / former, company, today, config)
    parts |= _year_before(fitted, typical, today, config)
    parts |= _night_evidence(fitted, "heating" in parts, closed, today, config)
    if run.is_step and count >= _STEP_DAYS:
        parts["step"] = config.step_evidence
    if run.slowness > _LEAST_SLOWNESS:
        parts["slow"] = config.slow_evidence * min(run.slowness / _FULL_SLOWNESS, 1.0)
    for name in ("slow", "weather"):  # neither a leak nor the weather knows every third day
        if name in parts:
            parts[name] *= 1 - strength
    return parts


def level_evidence(excess: float, former: float, levels: Levels, config: MeterConfig) -> float:
    """Return the log ratio of two log-normal densities of the excess over idle: of work, and of other use.

    Parameters
    ----------
    excess : float
        Use a day less idle use.
    former : float
        Former use a day; NaN: the excess is judged as a multiple of idle.
    levels : Levels
    config : MeterConfig

    Examples
    --------
    A quarter of the former use speaks for work, a twentieth against it:

    >>> levels = Levels(100.0, 100.0, 5.0, 5.0, 0.1, 1.0, 200.0, 0)
    >>> [round(level_evidence(excess, 100.0, levels, MeterConfig()), 1) for excess in (25.0, 5.0, 0.0)]
    [2.2, -3.6, -5.0]
    """
    if levels.has_former:
        ratio, work, spread = excess / former, config.work_median, config.work_spread
        rest, rest_spread = config.rest_median, config.rest_spread
    else:
        ratio, work, spread = (
            excess / (levels.idle + levels.offset),
            config.work_ratio,
            config.work_ratio_spread,
        )
        rest, rest_spread = config.rest_ratio, config.rest_ratio_spread
    # far above the usual level it is not less like work
    x = min(math.log(max(ratio, 1e-3)), math.log(work) + 2 * spread)
    of_work = -0.5 * ((x - math.log(work)) / spread) ** 2 - math.log(spread)
    of_rest = -0.5 * ((x - math.log(rest)) / rest_spread) ** 2 - math.log(rest_spread)
    return float(np.clip(of_work - of_rest, -_MOST, _MOST))


def upper(excess: Array, length: Array) -> float:
    """Return the 80 % quantile of the excess, weighted by days: a few heating days do not hide the working ones."""
    order = np.argsort(excess)
    reached = np.cumsum(length[order]) / length.sum()
    return float(excess[order][np.searchsorted(reached, 0.8 - 1e-9)])


def _rhythm_strength(rhythm: Rhythm, levels: Levels) -> float:
    """Return how clear and how large a rhythm is, 0 to 1."""
    return rhythm.strength(levels.large_contrast) if rhythm.share > _LEAST_RHYTHM else 0.0


def _season_evidence(
    fitted: Fitted, run: Run, rhythm: Rhythm, typical: float, share: float, company: Company, today: int,
    config: MeterConfig,
) -> dict[str, float]:  # fmt: skip
    """Return evidence that the run is heating, or something that many closed sites have in common."""
    parts, kind = {}, fitted.one.kind
    begin, now = (EPOCH + dt.timedelta(days=int(day)) for day in (fitted.one.start[run.begin], today))
    flat = rhythm.contrast < _FLAT_CONTRAST * max(typical, 1e-300) or rhythm.share < _FLAT_SHARE
    in_season = now.month in config.heating_months and begin.month in (10, *config.heating_months)
    if in_season and flat and kind in ("power", "gas"):
        limit = config.power_heating_share if kind == "power" else config.gas_heating_share
        says = config.power_heating_evidence if kind == "power" else config.gas_heating_evidence
        likely = 1.0 if share != share else float(np.clip(2.0 - share / limit, 0.0, 1.0))
        parts["heating"] = says * likely
    if company.likeness > _LEAST_LIKENESS:
        parts["weather"] = config.weather_evidence * company.likeness
    if company.as_high_share > _COMMON_SHARE and flat:
        parts["common"] = -math.log(company.as_high_share / _COMMON_SHARE)
    return parts


def _year_before(fitted: Fitted, typical: float, today: int, config: MeterConfig) -> dict[str, float]:
    """Return evidence that the same season of the year before, after the closure, had the same excess."""
    one, levels = fitted.one, fitted.levels
    middle = today - 365 - config.recent_days // 2
    same = (one.start + one.length > middle - 25) & (one.start < middle + 25)
    same &= (one.start >= levels.settled_from) & (one.weight > 0)
    if levels.settled_from < 0 or one.length[same].sum() < 14 or not typical > 0:
        return {}
    ratio = upper(fitted.excess(same), one.length[same]) / typical
    return {"year_before": config.year_before_evidence * min(ratio, 1.0)} if ratio >= 0.5 else {}


def _night_evidence(
    fitted: Fitted, may_be_heating: bool, closed: int | None, today: int, config: MeterConfig
) -> dict[str, float]:
    """Return evidence that power moved to the night, or that the day is divided as before the closure."""
    shares = (
        night_shares(fitted, today - config.recent_days + 1, closed) if fitted.one.kind == "power" else None
    )
    if shares is None or shares.shift != shares.shift:
        return {}
    moved = min(shares.shift / _FULL_NIGHT_SHIFT, 1.0) if shares.shift > _NIGHT_SHIFT else 0.0
    says = max(0.5 * moved if may_be_heating else moved, float(shares.is_as_formerly))
    return {"hours": config.hours_evidence * says} if says > 0 else {}
