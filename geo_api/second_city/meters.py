"""Use of power, water and gas day by day, and what the suppliers make of it.

Daily values of smart meters, monthly bills.

The use of a site is a sum of parts (normal work before it was closed, guards' heating, a burst pipe, secret
work …), each a share of what the site used on a normal working day. Suppliers then read it: some lose days,
some guess.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Protocol

import numpy as np
import polars as pl

from geo_api.second_city.winter import (
    METER_DAYS,
    Flags,
    Floats,
    flags,
    heating_season,
    in_festival,
    is_working_day,
)

READ_ON = 25
"""Meters without a transmitter are read on this day of the month; no bill reaches beyond the last reading."""
KINDS = ("power", "water", "gas")


@dataclass(frozen=True)
class Weather:
    """The weather that all sites share: the temperature of every meter day."""

    temperature: Floats


class Part(Protocol):
    """A part of the use of a site."""

    def share(self, weather: Weather, rng: np.random.Generator) -> Floats:
        """Use of every meter day as a share of a normal working day."""
        ...


def _span(first: date | None, last: date | None) -> Flags:
    return flags(lambda day: (first is None or day >= first) and (last is None or day <= last))


def _noise(rng: np.random.Generator, width: float) -> Floats:
    return np.clip(rng.normal(1, width, len(METER_DAYS)), 0.3, 2.0)


@dataclass(frozen=True)
class Normal:
    """Normal work up to a day (the last one that worked); without an end: still at work."""

    last: date | None = None
    weekend: float = 0.85
    festival: float = 0.35

    def share(self, weather: Weather, rng: np.random.Generator) -> Floats:
        """Full on working days, less at weekends, little in the Spring Festival."""
        week = np.where(flags(is_working_day), 1.0, self.weekend)
        return np.where(flags(in_festival), self.festival, week) * _noise(rng, 0.07) * _span(None, self.last)


@dataclass(frozen=True)
class Idle:
    """Use of a closed site all the year: lamps, a pump, a transformer."""

    level: float
    first: date | None = None

    def share(self, weather: Weather, rng: np.random.Generator) -> Floats:
        """Nearly constant."""
        return self.level * _noise(rng, 0.12) * _span(self.first, None)


@dataclass(frozen=True)
class Heating:
    """Electric heating in the heating season; `level` is reached at −10 °C."""

    level: float
    first: date | None = None

    def share(self, weather: Weather, rng: np.random.Generator) -> Floats:
        """In proportion to the degrees below 14 °C."""
        cold = np.clip((14 - weather.temperature) / 24, 0, 1.5)
        return self.level * cold * flags(heating_season) * _noise(rng, 0.06) * _span(self.first, None)


@dataclass(frozen=True)
class Frost:
    """Pumps and trace heating that switch on against frost, or taps that are left dripping."""

    level: float
    below_c: float = -9.0
    first: date | None = None

    def share(self, weather: Weather, rng: np.random.Generator) -> Floats:
        """On cold days only."""
        cold = weather.temperature < self.below_c
        return self.level * cold * _noise(rng, 0.1) * _span(self.first, None)


@dataclass(frozen=True)
class Runs:
    """Work from one day to another; `weekdays` (0 is Monday) narrows it, `ramp_days` lets it grow."""

    first: date
    level: float
    last: date | None = None
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    ramp_days: int = 1
    festival: float = 1.0
    noise: float = 0.1

    def share(self, weather: Weather, rng: np.random.Generator) -> Floats:
        """Return the level on the days named."""
        on = _span(self.first, self.last) & flags(lambda day: day.weekday() in self.weekdays)
        ramp = np.array([np.clip(((day - self.first).days + 1) / self.ramp_days, 0, 1) for day in METER_DAYS])
        rest = np.where(flags(in_festival), self.festival, 1.0)
        return self.level * ramp * on * rest * _noise(rng, self.noise)


@dataclass(frozen=True)
class OnDays:
    """A use on single days."""

    days: tuple[date, ...]
    level: float

    def share(self, weather: Weather, rng: np.random.Generator) -> Floats:
        """Return the level on these days."""
        return self.level * flags(lambda day: day in self.days) * _noise(rng, 0.05)


@dataclass(frozen=True)
class Faults:
    """Faults that a supplier makes in the readings of one meter."""

    lost: tuple[date, date] | None = None
    """First and last day without a transmission; the next value holds the use of all of them."""
    mistyped: date | None = None
    """A day whose value has its decimal point two places to the right."""
    guessed: tuple[date, date] | None = None
    """First and last day of readings that were copied from the year before, marked as estimated."""
    removed: date | None = None
    """From this day on there is no meter."""


@dataclass(frozen=True)
class Meter:
    """A meter of a site: `supply` is ``daily`` (smart meter) or ``bill`` (read once a month)."""

    kind: str
    supply: str
    parts: tuple[Part, ...]
    faults: Faults = field(default_factory=Faults)


@dataclass(frozen=True)
class Metered:
    """A meter in its place, with the use of a normal working day in kWh or m³."""

    site_id: str
    account: str
    normal: float
    meter: Meter


def use_of(metered: Metered, weather: Weather, rng: np.random.Generator) -> Floats:
    """Return true use of every meter day."""
    shares = sum(part.share(weather, rng) for part in metered.meter.parts)
    return np.asarray(metered.normal * shares, dtype=float)


def daily_readings(
    all_metered: Iterable[Metered], weather: Weather, rng: np.random.Generator
) -> pl.DataFrame:
    """Values of the smart meters: account, site, kind, day, value (empty when missing), quality."""
    frames = []
    for metered in all_metered:
        use = use_of(metered, weather, rng)
        if metered.meter.supply != "daily":
            continue
        values, quality = _as_transmitted(use, metered.meter.faults)
        frames.append(
            pl.DataFrame(
                {
                    "account": metered.account,
                    "site_id": metered.site_id,
                    "kind": metered.meter.kind,
                    "day": METER_DAYS,
                    "value": [None if np.isnan(value) else round(float(value), 1) for value in values],
                    "quality": quality,
                },
                schema_overrides={"value": pl.Float64, "day": pl.Date},
            ).filter(pl.col("quality") != "no meter")
        )
    return pl.concat(frames)


def _as_transmitted(use: Floats, faults: Faults) -> tuple[Floats, list[str]]:
    values, quality = use.copy(), ["measured"] * len(use)
    for place, day in enumerate(METER_DAYS):
        if faults.guessed and faults.guessed[0] <= day <= faults.guessed[1]:
            values[place], quality[place] = use[place - 365], "estimated"
        if faults.lost and faults.lost[0] <= day <= faults.lost[1]:
            values[place], quality[place] = np.nan, "missing"
        if faults.lost and day == faults.lost[1] + timedelta(days=1):
            values[place] = use[place - (day - faults.lost[0]).days : place + 1].sum()
        if day == faults.mistyped:
            values[place] *= 100
        if faults.removed and day >= faults.removed:
            quality[place] = "no meter"
    return values, quality


def bills(all_metered: Iterable[Metered], weather: Weather, rng: np.random.Generator) -> pl.DataFrame:
    """Monthly bills: account, site, kind, first and last day, use, and whether the reading was guessed."""
    reading_days = [place for place, day in enumerate(METER_DAYS) if day.day == READ_ON]
    rows = []
    for metered in all_metered:
        use = use_of(metered, weather, rng)
        if metered.meter.supply != "bill":
            continue
        faults = metered.meter.faults
        for start, end in itertools.pairwise(reading_days):
            last = METER_DAYS[end - 1]
            if faults.removed and last >= faults.removed:
                break
            guessed = bool(faults.guessed and faults.guessed[0] <= last <= faults.guessed[1])
            shift = 365 if guessed and start >= 365 else 0
            total = float(use[start - shift : end - shift].sum())
            where = (metered.account, metered.site_id, metered.meter.kind)
            rows.append((*where, METER_DAYS[start], last, round(total, 1), guessed))
    columns = ["account", "site_id", "kind", "first_day", "last_day", "value", "guessed"]
    return pl.DataFrame(rows, schema=columns, orient="row")


def spread_over_days(of_bills: pl.DataFrame) -> pl.DataFrame:
    """Every bill as equal daily values, marked as estimated: the only way to say a bill as daily readings."""
    return (
        of_bills.with_columns(
            day=pl.date_ranges("first_day", "last_day"),
            value=(pl.col("value") / ((pl.col("last_day") - pl.col("first_day")).dt.total_days() + 1)).round(
                2
            ),
        )
        .explode("day")
        .select("site_id", "kind", "day", "value", quality=pl.lit("estimated"))
    )
