"""Sizes of a demo city."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
END_DAY = dt.date(2026, 10, 31)
"""The last day (UTC+8) of cities whose end nobody names.

Tests and evaluations give the same city at any time.
"""


@dataclass(frozen=True)
class CitySize:
    """Numbers of everything, and the last day of the data (UTC+8).

    ``planted`` counts the kinds of planted sites, resumptions and decoys; with ``other_models`` places of the other
    shipped models are planted beside them.
    """

    grids: int = 12_000
    communities: int = 2_000
    enterprises: int = 20_000
    chemical: int = 400
    closed: int = 60
    warehouses: int = 40
    parks: int = 14
    trucks: int = 300
    depots: int = 12
    petrol: int = 80
    track_days: int = 30
    end_day: dt.date = END_DAY
    meter_days: int = 730
    duty_share: float = 0.39
    other_models: bool = False
    county_codes: tuple[str, ...] = ()
    town_codes: tuple[str, ...] = ()
    planted: dict[str, int] = field(
        default_factory=lambda: {
            "illegal_resumption": 6,
            "guards_only": 8,
            "beside_open": 8,
            "dismantling": 4,
            "missing_meters": 4,
            "shared_meter": 4,
            "gate_queue": 4,
            "petrol": 3,
            "licensed_parking": 3,
        }
    )


FULL = CitySize(other_models=True)
SMALL = CitySize(
    grids=300,
    communities=60,
    enterprises=300,
    chemical=100,
    closed=30,
    warehouses=8,
    parks=4,
    trucks=40,
    depots=4,
    petrol=12,
    track_days=10,
    duty_share=0.6,
    county_codes=("320682",),
    town_codes=("320682001", "320682105", "320682110", "320682111", "320682117", "320682401"),
    planted={
        "illegal_resumption": 6,
        "guards_only": 3,
        "beside_open": 3,
        "dismantling": 2,
        "missing_meters": 2,
        "shared_meter": 2,
        "gate_queue": 2,
        "petrol": 2,
        "licensed_parking": 2,
    },
)
EVALUATION = CitySize(
    grids=400,
    communities=60,
    enterprises=360,
    chemical=120,
    closed=0,
    warehouses=8,
    parks=6,
    trucks=5,
    depots=4,
    petrol=12,
    track_days=60,
    meter_days=540,
    duty_share=0.4,
    county_codes=SMALL.county_codes,
    town_codes=SMALL.town_codes,
    planted=dict.fromkeys(SMALL.planted, 0),
)
"""One county that plants nothing itself: the ground for ``kinds``."""
SIZES = {"full": FULL, "small": SMALL, "evaluation": EVALUATION}
