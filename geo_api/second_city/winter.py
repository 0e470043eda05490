"""The calendar and the weather of the second city.

A dry, cold winter, the heating season, the Spring Festival.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray

from geo_api.second_city.land.gazetteer import FIRST_METER_DAY, FIRST_TRACK_DAY, LAST_DAY

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

LOCAL = timezone(timedelta(hours=8))
METER_DAYS = tuple(FIRST_METER_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_METER_DAY).days + 1))
TRACK_DAYS = tuple(FIRST_TRACK_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_TRACK_DAY).days + 1))

FESTIVAL = (date(2026, 2, 15), date(2026, 2, 23))
"""Public holiday of the Spring Festival of 2026, first and last day."""
_HOLIDAYS = (
    (date(2025, 1, 28), date(2025, 2, 4)),
    (date(2025, 5, 1), date(2025, 5, 5)),
    (date(2025, 10, 1), date(2025, 10, 8)),
    (date(2026, 1, 1), date(2026, 1, 3)),
    FESTIVAL,
)
_WORKED_WEEKENDS = frozenset(
    date(*day)
    for day in (
        (2025, 1, 26),
        (2025, 2, 8),
        (2025, 4, 27),
        (2025, 9, 28),
        (2025, 10, 11),
        (2026, 1, 4),
        (2026, 2, 14),
        (2026, 2, 28),
    )
)


def in_festival(day: date) -> bool:
    """Whether the day belongs to the Spring Festival of 2026."""
    return FESTIVAL[0] <= day <= FESTIVAL[1]


def is_working_day(day: date) -> bool:
    """Whether offices and most plants work that day.

    Weekdays without long holidays, and the worked weekends.
    """
    if any(first <= day <= last for first, last in _HOLIDAYS):
        return False
    return day.weekday() < 5 or day in _WORKED_WEEKENDS


def is_market_day(day: date) -> bool:
    """Whether it is a day of the market (逢集): one that ends in 2, 5 or 8, but in the first of the new year."""
    return day.day % 10 in (2, 5, 8) and not date(2026, 2, 17) <= day <= date(2026, 2, 20)


def heating_season(day: date) -> bool:
    """Public heating runs from November to March."""
    return day.month in (11, 12, 1, 2, 3)


def midnight(day: date) -> datetime:
    """Return the first moment of a local day."""
    return datetime(day.year, day.month, day.day, tzinfo=LOCAL)


def temperatures(rng: np.random.Generator) -> Floats:
    """Daily mean temperature in °C of every meter day.

    A yearly wave, slow weather, and a cold spell in January 2026.
    """
    number = np.array([day.timetuple().tm_yday for day in METER_DAYS], dtype=float)
    wave = 8.5 - 16.5 * np.cos(2 * np.pi * (number - 18) / 365)
    weather = np.zeros(len(METER_DAYS))
    for place in range(1, len(weather)):
        weather[place] = 0.8 * weather[place - 1] + rng.normal(0, 1.6)
    spell = np.array([-7.0 if date(2026, 1, 20) <= day <= date(2026, 1, 27) else 0.0 for day in METER_DAYS])
    return np.round(wave + weather + spell, 1)


def flags(test: object, days: tuple[date, ...] = METER_DAYS) -> Flags:
    """Return what a question about a day answers for every day."""
    assert callable(test)
    return np.array([bool(test(day)) for day in days])
