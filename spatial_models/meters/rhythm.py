"""Rhythms of work in daily use: working days, rest days, every second to fifth day, weeks on and off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from spatial_models.frames import Array

LEAST_DAYS = 14
_LOOK_BACK_DAYS = 70


@dataclass(frozen=True)
class Rhythm:
    """A pattern of use by day.

    Attributes
    ----------
    name : str
        ``working_days``, ``rest_days``, ``every_2`` … ``every_5``, ``one_weekday``, ``some_weekdays``,
        ``weeks_on_off`` or ``none``.
    share : float
        Share of the variance of daily use that the pattern explains, adjusted for its degrees of freedom.
    contrast : float
        Mean of the days in the pattern less that of the others, in the unit of use.
    """

    name: str
    share: float
    contrast: float

    def strength(self, large: float) -> float:
        """Return the share of variance times the size, which is full from the contrast ``large`` on.

        One weekday counts half: pumps and generators are tested on one.
        """
        return self.share * min(1.0, self.contrast / large) * (0.5 if self.name == "one_weekday" else 1.0)


NO_RHYTHM = Rhythm("none", 0.0, 0.0)


def find_rhythm(day: Array, use: Array, is_rest_day: Array) -> Rhythm:
    """Return the pattern that explains daily use best.

    Parameters
    ----------
    day : ndarray of int64
        Days since 1970, sorted, gaps allowed.
    use : ndarray of float64
    is_rest_day : ndarray of bool
        Weekends and holidays.

    Examples
    --------
    >>> day = np.arange(20500, 20542)
    >>> rest = (day + 3) % 7 >= 5
    >>> found = find_rhythm(day, np.where(rest, 80.0, 5.0), rest)
    >>> found.name, round(found.share, 6), round(found.contrast, 6)
    ('rest_days', 1.0, 75.0)
    >>> find_rhythm(day, np.where(day % 3 == 1, 60.0, 6.0), rest).name
    'every_3'
    >>> find_rhythm(day[:3], np.ones(3), rest[:3]).name
    'none'
    """
    n = len(day)
    if n < LEAST_DAYS or not use.std() > 1e-9 * max(abs(use).max(), 1e-300):
        return NO_RHYTHM
    # one extreme day must not decide
    high = 2.0 * float(np.quantile(use, 0.9))
    use = np.minimum(use, high) if high > 0 else use
    names, on, parameters = _patterns(day, use, is_rest_day)
    count = on.sum(axis=1)
    total, inside = use.sum(), on @ use
    with np.errstate(invalid="ignore", divide="ignore"):
        above, below = inside / count, (total - inside) / (n - count)
        between = count * above**2 + (n - count) * below**2 - total**2 / n
        rest = 1.0 - between / max(float(((use - total / n) ** 2).sum()), 1e-300)
        share = 1.0 - np.maximum(rest, 0.0) * (n - 1) / np.maximum(n - 1 - parameters, 1)
    usable = (count >= 2) & (count <= n - 2) & (above > below)
    if not usable.any():
        return NO_RHYTHM
    best = int(np.argmax(np.where(usable, share, -np.inf)))
    return Rhythm(names[best], float(max(share[best], 0.0)), float(above[best] - below[best]))


def _patterns(day: Array, use: Array, is_rest_day: Array) -> tuple[list[str], Array, Array]:
    """Return names, days (patterns x days) and degrees of freedom of the patterns that are tried."""
    names, parameters = ["working_days", "rest_days"], [1, 1]
    rows = [np.array([~is_rest_day, is_rest_day])]
    for period in (2, 3, 4, 5):
        rows.append(day % period == np.arange(period)[:, None])
        names += [f"every_{period}"] * period
        parameters += [3] * period
    on = _high_weekdays(day, use)
    rows.append(np.isin((day + 3) % 7, np.flatnonzero(on))[None, :])
    names.append("one_weekday" if on.sum() == 1 else "some_weekdays")
    parameters.append(6)
    if day[-1] - day[0] >= _LOOK_BACK_DAYS - 14:
        rows.append((day - np.arange(0, 28, 2)[:, None]) % 28 < 14)
        names += ["weeks_on_off"] * 14
        parameters += [5] * 14
    return names, np.concatenate(rows), np.array(parameters)


def _high_weekdays(day: Array, use: Array) -> Array:
    """Return which weekdays (Monday first) lie above the middle between the highest and the lowest mean."""
    weekday = (day + 3) % 7
    mean = np.bincount(weekday, use, 7) / np.maximum(np.bincount(weekday, minlength=7), 1)
    return np.asarray(mean > (mean.max() + mean.min()) / 2)
