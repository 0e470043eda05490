"""Breaches at the fence of an alert: by which vehicles, when, where and for how long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from layers.records import fence_breach_rows, fence_vehicle_rows

MAX_VEHICLES = 100
MAX_BREACHES = 200


@dataclass(frozen=True)
class FenceVehicle:
    """One vehicle with its breaches, local days and hours; ``exempt``: it has leave and counts for nothing.

    ``plate``: mask it before it leaves.
    """

    vehicle_id: str
    plate: str | None
    kind: str
    exempt: bool
    breaches: int
    days: int
    hours: float
    first_day: str
    last_day: str


@dataclass(frozen=True)
class CardBreach:
    """One breach with its place, where it began; ``plate``: mask it before it leaves."""

    id: int
    vehicle_id: str
    plate: str | None
    kind: str
    exempt: bool
    started_at: str
    ended_at: str
    duration_s: float
    open: bool
    geometry: Mapping[str, object]


@dataclass(frozen=True)
class FenceBreaches:
    """Breaches at a fence in the window of a run, as far as the caller sees their places.

    Attributes
    ----------
    from_at, to_at : str
        RFC 3339.
    vehicles : list of FenceVehicle
        Those that count first, at most ``MAX_VEHICLES``.
    breaches : list of CardBreach
        Newest first, at most ``MAX_BREACHES``.
    vehicles_of_all, breaches_of_all : int
        How many there are.
    """

    from_at: str
    to_at: str
    vehicles: list[FenceVehicle]
    vehicles_of_all: int
    breaches: list[CardBreach]
    breaches_of_all: int


def fence_breaches(db: Session, fence_key: int, since: dt.datetime, until: dt.datetime) -> FenceBreaches:
    """Read the breaches at a fence from one moment to another."""
    window = {"since": since, "until": until}
    vehicles = fence_vehicle_rows(db, fence_key, **window, limit=MAX_VEHICLES)
    breaches = fence_breach_rows(db, fence_key, **window, limit=MAX_BREACHES)
    return FenceBreaches(
        from_at=since.isoformat(),
        to_at=until.isoformat(),
        vehicles=[FenceVehicle(**_named(FenceVehicle, row)) for row in vehicles],
        vehicles_of_all=vehicles[0]["of_all"] if vehicles else 0,
        breaches=[CardBreach(**_named(CardBreach, row)) for row in breaches],
        breaches_of_all=breaches[0]["of_all"] if breaches else 0,
    )


def _named(kind: Any, row: RowMapping) -> dict[str, Any]:
    return {field.name: row[field.name] for field in fields(kind)}
