"""Use of a site day by day, as a share of a normal working day: before the closing, at rest, at work again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from geo_api.demo_city.kinds.stories import Meter, Other, Range, Works
from geo_api.demo_city.kinds.weather import Days, Flags, Floats

FIRST_FORTNIGHT = 14


@dataclass(frozen=True)
class Use:
    """Use of a meter by day, parted by the hours in which it falls; shares of a normal working day."""

    flat: Floats
    day: Floats
    night: Floats

    @property
    def total(self) -> Floats:
        """All of a day."""
        return np.asarray(self.flat + self.day + self.night)


def draw(rng: np.random.Generator, within: Range) -> float:
    """Draw a number of a range."""
    return float(rng.uniform(*within))


def draw_days(rng: np.random.Generator, within: Range) -> int:
    """Draw a whole number of a range, both ends included."""
    return int(rng.integers(round(within[0]), round(within[1]) + 1))


def days_on(pattern: str, start: int, days: Days, *, outage: int = -1) -> Flags:
    """Days of a pattern from ``start`` on.

    Parameters
    ----------
    pattern : one of DAY_PATTERNS
    start : int
        Position of the first day.
    days : Days
    outage : int
        Position of the day on which an operator falls silent.

    Returns
    -------
    ndarray of bool, shape (days,)
    """
    number = np.arange(len(days.dates))
    since = number - start
    on = {
        "daily": since >= 0,
        "workdays": ~days.off,
        "weekends": np.array([day.weekday() >= 5 for day in days.dates]),
        "second": since % 2 == 0,
        "third": since % 3 == 0,
        "week": since % 7 == 0,
        "fortnights": since % (2 * FIRST_FORTNIGHT) < FIRST_FORTNIGHT,
        "once": since == 0,
        "outage": number == outage,
    }[pattern]
    return np.asarray(on & (since >= 0))


def noise(count: int, width: float, rng: np.random.Generator) -> Floats:
    """Factors around 1 that remember half of the day before."""
    step = rng.normal(0, width, count)
    out = step.copy()
    for day in range(1, count):
        out[day] = 0.5 * out[day - 1] + 0.87 * step[day]
    return np.clip(1.0 + out, 0.35, 1.9)


def normal_use(days: Days, rng: np.random.Generator) -> Floats:
    """Use of a plant at work: full on working days, less on others, a week of maintenance now and then."""
    count = len(days.dates)
    rest = float(rng.choice([1.0, 0.85, 0.5], p=[0.4, 0.35, 0.25]))
    share = np.where(days.off, rest, 1.0) * noise(count, 0.09, rng)
    for _ in range(int(rng.poisson(1.2))):
        first = int(rng.integers(count))
        share[first : first + int(rng.integers(4, 10))] *= float(rng.uniform(0.1, 0.3))
    return share


def use_of(meter: Meter, closed: int, start: int, days: Days, rng: np.random.Generator) -> Use:
    """Use of a closed site's meter.

    Parameters
    ----------
    meter : Meter
    closed, start : int
        Positions of the day of closing, and of the day on which the story begins.
    days : Days
    rng : Generator
    """
    count = len(days.dates)
    since = np.arange(count) - closed
    falling = np.clip(since / draw(rng, (2.0, 7.0)), 0.0, 1.0)
    flat = normal_use(days, rng) * (1 - falling) + falling * draw(rng, meter.idle) * noise(count, 0.1, rng)
    parts = {"round": flat, "day": np.zeros(count), "night": np.zeros(count)}
    for works in meter.works:
        parts[works.hours] = parts[works.hours] + _work(works, closed, start, days, rng)
    for other in meter.others:
        hours = "day" if other.of == "sun" else "round"
        parts[hours] = parts[hours] + falling * _other(other, start, days, rng)
    return Use(parts["round"], parts["day"], parts["night"])


def _work(works: Works, closed: int, start: int, days: Days, rng: np.random.Generator) -> Floats:
    first = start if works.starts == "start" else closed
    since = np.arange(len(days.dates)) - first
    on = days_on(works.days, first, days).astype(float)
    if works.lasts_days is not None:
        on[since >= draw_days(rng, works.lasts_days)] = 0.0
    ramp = np.clip((since + 1) / draw(rng, works.ramp_days), 0.0, 1.0)
    dull = np.where(rng.uniform(size=len(on)) < 0.06, 0.5, 1.0)
    return np.asarray(draw(rng, works.level) * on * ramp * dull * noise(len(on), 0.1, rng))


def _other(other: Other, start: int, days: Days, rng: np.random.Generator) -> Floats:
    """Use that is no work, since the closing or from the start of the story on."""
    count, level = len(days.dates), draw(rng, other.level)
    number = np.arange(count)
    degrees = days.temperature_c
    shares: dict[str, Callable[[], Floats]] = {
        "heating": lambda: days.heating.astype(np.float64) * np.clip((15 - degrees) / 15, 0, 1.4),
        "cooling": lambda: np.clip((degrees - 22) / 8, 0, 1.3),
        "frost": lambda: (degrees < np.quantile(degrees, 0.06)).astype(float),
        "trend": lambda: np.clip(1 - (days.last - number) / 330, 0, 1),
        "leak": lambda: (number >= start).astype(float),
        "drill": lambda: np.array([day.weekday() == 2 for day in days.dates], dtype=float),
        "sun": lambda: np.clip(rng.beta(1.6, 1.2, count) * (0.6 + (degrees + 5) / 60), 0.02, 1),
    }
    return np.asarray(level * shares[other.of]() * noise(count, 0.07, rng))
