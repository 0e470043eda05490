"""Days of a city: temperature, heating season, working days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
_HOLIDAYS = tuple(
    (dt.date.fromisoformat(first), dt.date.fromisoformat(last))
    for first, last in (
        ("2024-10-01", "2024-10-07"),
        ("2025-01-28", "2025-02-04"),
        ("2025-05-01", "2025-05-05"),
        ("2025-10-01", "2025-10-08"),
        ("2026-02-15", "2026-02-23"),
        ("2026-05-01", "2026-05-05"),
        ("2026-10-01", "2026-10-07"),
    )
)
"""Long holidays; the worked weekends around them are left out."""


@dataclass(frozen=True)
class Climate:
    """Climate of a city, in °C.

    Attributes
    ----------
    mean_c, swing_c : float
        Of the year, and between it and the coldest time.
    heating_c : float
        The heating season lasts while the climate is colder than this.
    """

    mean_c: float
    swing_c: float
    heating_c: float = 11.0


MILD = Climate(16.0, 13.0)
"""A coastal city on the lower Yangtze."""
COLD = Climate(8.5, 16.5, 9.0)
"""A dry city in the north-west."""


@dataclass(frozen=True)
class Days:
    """The days of a city's meters, and the window of its tracks.

    Attributes
    ----------
    dates : list of date
        Of the meters; the last one ends the data.
    track_days : int
        At the end of them.
    zone : ZoneInfo
    temperature_c : ndarray, shape (days,)
    heating : ndarray of bool
    off : ndarray of bool
        Weekends and long holidays.
    """

    dates: list[dt.date]
    track_days: int
    zone: ZoneInfo
    temperature_c: Floats
    heating: Flags
    off: Flags

    @property
    def last(self) -> int:
        """Position of the last day."""
        return len(self.dates) - 1

    def midnight_s(self, day: int) -> float:
        """Seconds since 1970 at the beginning of a day; days after the last one count on."""
        date = self.dates[0] + dt.timedelta(days=day)
        return dt.datetime.combine(date, dt.time(), self.zone).timestamp()

    def before_end(self, days: float) -> int:
        """Position of the day so many days before the last one."""
        return self.last - round(days)

    def date(self, day: int) -> dt.date:
        """Date of a position, also beyond the last day."""
        return self.dates[0] + dt.timedelta(days=day)


def make_days(
    end_day: dt.date,
    meter_days: int,
    track_days: int,
    zone: ZoneInfo,
    climate: Climate,
    rng: np.random.Generator,
) -> Days:
    """Days up to ``end_day``, with weather of their own."""
    dates = [end_day - dt.timedelta(days=meter_days - 1 - n) for n in range(meter_days)]
    number = np.array([day.timetuple().tm_yday for day in dates], dtype=float)
    usual = climate.mean_c - climate.swing_c * np.cos(2 * np.pi * (number - 18) / 365.25)
    weather, step = np.zeros(meter_days), rng.normal(0, 1.7, meter_days)
    for day in range(1, meter_days):
        weather[day] = 0.8 * weather[day - 1] + step[day]
    off = np.array([day.weekday() >= 5 or _holiday(day) for day in dates])
    return Days(dates, track_days, zone, np.round(usual + weather, 1), usual < climate.heating_c, off)


def _holiday(day: dt.date) -> bool:
    return any(first <= day <= last for first, last in _HOLIDAYS)
