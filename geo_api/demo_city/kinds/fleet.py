"""Vehicles with their terminals: sorts, operators, sampling, homes and habits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geo_api.demo_city.kinds.land import Land, Site
from geo_api.demo_city.kinds.weather import Floats

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Fleet:
    """Vehicles of one sort: how many, kind in the list, seconds between the fixes of its terminals."""

    size: int
    kind: str
    sampling_s: tuple[int, ...]
    plate_color: str = "yellow"


FLEETS = {
    "hazmat": Fleet(58, "hazmat", (30, 30, 60, 60, 120, 180)),
    "outage": Fleet(15, "hazmat", (60, 120)),
    "sparse": Fleet(8, "hazmat", (960,)),
    "tankers": Fleet(26, "other", (30, 60, 120, 300)),
    "lorries": Fleet(42, "other", (60, 120, 300, 600, 960)),
    "flatbeds": Fleet(8, "other", (60, 120, 300)),
    "vans": Fleet(16, "other", (60, 120, 300), "blue"),
}
OPERATORS = 3
OUTAGE_OPERATOR = 2
"""The operator that passes on nothing for two days."""
EVERY_UNLISTED = 7
"""Every so many tank trucks stand on no list of vehicles: they only send fixes."""


@dataclass(frozen=True)
class Vehicle:
    """A vehicle.

    Attributes
    ----------
    vehicle_id, fleet : str
    operator : int
    sampling_s : int
        Seconds between fixes under way.
    sleeps : bool
        Falls back to a heartbeat after 20 minutes of standing, also at a customer's.
    home : ndarray, shape (2,)
    customers : ndarray of int
        Its usual customers; those of other days are any.
    listed : bool
    """

    vehicle_id: str
    fleet: str
    operator: int
    sampling_s: int
    sleeps: bool
    home: Floats
    customers: Ints
    listed: bool = True


def make_vehicles(land: Land, depots: Floats, sites: list[Site], rng: np.random.Generator) -> list[Vehicle]:
    """All vehicles; the homes beside closed sites go to hazmat trucks that serve no story.

    Parameters
    ----------
    land : Land
    depots : ndarray, shape (k, 2)
    sites : list of Site
    rng : Generator
    """
    homes = [site.beside for site in sites if site.kind.beside and site.kind.beside.what == "home"]
    made: list[Vehicle] = []
    numbers = rng.permutation(9000) + 1000
    for name, fleet in FLEETS.items():
        for place in range(fleet.size + (len(homes) if name == "hazmat" else 0)):
            at_home = name == "hazmat" and place >= fleet.size
            depot = depots[int(rng.integers(len(depots)))] + rng.uniform(-40, 40, 2)
            home = homes[place - fleet.size] if at_home else depot
            assert home is not None
            gap = np.hypot(*(land.customers - home).T) + rng.uniform(0, 9000, len(land.customers))
            made.append(
                Vehicle(
                    f"W{numbers[len(made)]}",
                    "home" if at_home else name,
                    OUTAGE_OPERATOR if name == "outage" else len(made) % OPERATORS,
                    int(rng.choice(fleet.sampling_s)),
                    bool(rng.uniform() < 0.12),
                    np.asarray(home),
                    np.argsort(gap, kind="stable")[: int(rng.integers(3, 8))],
                    listed=not (name == "tankers" and place % EVERY_UNLISTED == 3),
                )
            )
    return made


def vehicle_table(vehicles: list[Vehicle], letters: str, rng: np.random.Generator) -> pl.DataFrame:
    """Vehicles on the list, in columns of the import; ``letters`` begin every plate."""
    listed = [vehicle for vehicle in vehicles if vehicle.listed]
    plates = rng.permutation(90_000)[: len(listed)] + 10_000
    of = [FLEETS["hazmat" if vehicle.fleet == "home" else vehicle.fleet] for vehicle in listed]
    return pl.DataFrame(
        {
            "vehicle_id": [vehicle.vehicle_id for vehicle in listed],
            "plate": [f"{letters}{number}" for number in plates],
            "plate_color": [fleet.plate_color for fleet in of],
            "kind": [fleet.kind for fleet in of],
        }
    )
