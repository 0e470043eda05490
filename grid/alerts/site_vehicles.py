"""Vehicles at the site of an alert: how many different ones, on how many days, what is left out, and where they met."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from layers.records import site_callers, site_encounters, site_silences
from layers.visit_share import LEAST_SHARE

NEAR_M = 300.0
"""Distance from the site (its boundary, where it has one) within which an encounter is told: the reach of a site."""
MAX_VEHICLES = 100
MAX_PLACES = 50


@dataclass(frozen=True)
class CallerCount:
    """Different vehicles of a kind, and their visits, local days and attributed hours.

    ``left_out`` is the kind of place for which they do not count, or ``neighbour``; None: they count.
    """

    kind: str
    left_out: str | None
    vehicles: int
    visits: int
    days: int
    hours: float


@dataclass(frozen=True)
class Caller:
    """One vehicle with its visits, local days and attributed hours. ``plate``: mask it before it leaves."""

    vehicle_id: str
    plate: str | None
    kind: str
    left_out: str | None
    visits: int
    days: int
    hours: float
    first_day: str
    last_day: str


@dataclass(frozen=True)
class NearSilence:
    """A vehicle that fell silent near the site, with what it counts or why it does not; ``plate``: mask it."""

    id: int
    vehicle_id: str
    plate: str | None
    kind: str
    began_at: str
    ended_at: str | None
    duration_s: float
    distance_m: float
    weight: float
    left_out: str | None
    geometry: Mapping[str, object]


@dataclass(frozen=True)
class NearEncounter:
    """Two vehicles that met near the site; ``plate_a`` and ``plate_b``: mask them."""

    id: int
    vehicle_a: str
    plate_a: str | None
    vehicle_b: str
    plate_b: str | None
    kind: str
    started_at: str
    ended_at: str
    duration_s: float
    nearest_m: float
    distance_m: float
    geometry: Mapping[str, object]


@dataclass(frozen=True)
class SiteVehicles:
    """Vehicles at a site in the window of a run.

    Attributes
    ----------
    from_at, to_at : str
        RFC 3339.
    counts : list of CallerCount
        Those that count first.
    callers : list of Caller
        Those with the most days first, at most ``MAX_VEHICLES``.
    silences, encounters : list
        At most ``MAX_PLACES`` each.
    silences_of_all, encounters_of_all : int
        How many there are.
    """

    from_at: str
    to_at: str
    counts: list[CallerCount]
    callers: list[Caller]
    silences: list[NearSilence]
    silences_of_all: int
    encounters: list[NearEncounter]
    encounters_of_all: int


def site_vehicles(db: Session, site_key: int, since: dt.datetime, until: dt.datetime) -> SiteVehicles:
    """Read the vehicles at a site from one moment to another."""
    window = {"since": since, "until": until}
    rows = site_callers(db, site_key, **window, least_share=LEAST_SHARE)
    silences = site_silences(db, site_key, **window, limit=MAX_PLACES)
    encounters = site_encounters(db, site_key, **window, near_m=NEAR_M, limit=MAX_PLACES)
    single = [row for row in rows if row["vehicle_id"] is not None]
    return SiteVehicles(
        from_at=since.isoformat(),
        to_at=until.isoformat(),
        counts=_made(CallerCount, [row for row in rows if row["vehicle_id"] is None]),
        callers=_made(Caller, single[:MAX_VEHICLES]),
        silences=_made(NearSilence, silences),
        silences_of_all=silences[0]["of_all"] if silences else 0,
        encounters=_made(NearEncounter, encounters),
        encounters_of_all=encounters[0]["of_all"] if encounters else 0,
    )


def _made(kind: Any, rows: Sequence[RowMapping]) -> list[Any]:
    names = [field.name for field in fields(kind)]
    return [kind(**{name: row[name] for name in names}) for row in rows]
