"""Vehicles and boats of the second city, the operators that pass on their fixes, and how often each reports.

No list says which vehicle carries dangerous goods: the tank trucks that do are lorries like the others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geo_api.second_city.enterprises import Enterprises
from geo_api.second_city.land.gazetteer import PLATE_LETTERS
from geo_api.second_city.land.ground import XY, Ground


@dataclass(frozen=True)
class Fleet:
    """Vehicles of one sort.

    How many, their kind in the documented format, the office's words for kind and plate.
    """

    size: int
    kind: str
    words: str
    plate_color: str
    color_words: str


FLEETS = {
    "tankers": Fleet(13, "other", "重型罐式货车", "yellow", "黄牌"),
    "outage_tanker": Fleet(1, "other", "重型罐式货车", "yellow", "黄牌"),
    "trucks": Fleet(9, "other", "重型栏板货车", "yellow", "黄牌"),
    "flatbeds": Fleet(3, "other", "重型平板货车", "yellow", "黄牌"),
    "vans": Fleet(4, "other", "轻型厢式货车", "blue", "蓝牌"),
    "coaches": Fleet(4, "coach", "大型普通客车", "yellow", "黄牌"),
    "municipal": Fleet(3, "other", "专项作业车", "yellow", "黄牌"),
    "vessels": Fleet(2, "vessel", "渔船", "", ""),
    "unlisted": Fleet(3, "other", "", "", ""),
}
"""The unlisted ones send fixes but stand on no list of vehicles."""
MOVING_S = (120, 60, 60, 120, 30, 120, 300, 60, 120, 60, 120, 120, 60, 120, 60, 300, 120, 60, 120, 120)
HEARTBEAT_S = (1200, 1800, 3600)
OPERATORS = ("甲", "乙")
"""Fixes of 甲 are WGS-84, those of 乙 have passed the shift of public maps; 乙 loses two days."""


@dataclass(frozen=True)
class Vehicle:
    """A vehicle with its terminal."""

    vehicle_id: str
    plate: str
    fleet: str
    operator: str
    home: XY
    moving_s: int
    heartbeat_s: int
    """How often it reports at home, once the ignition has been off for 20 minutes."""
    sleeps: bool
    """Whether it falls back to heartbeats during a job too, and to one in four hours at home."""
    lives_in: str = ""
    """Key of the story about the home of this vehicle; it serves no other story."""

    @property
    def listed(self) -> bool:
        """Whether the list of vehicles has it."""
        return self.fleet != "unlisted"


def make_vehicles(enterprises: Enterprises, ground: Ground, rng: np.random.Generator) -> list[Vehicle]:
    """All vehicles; one tank truck and one lorry live where the stories say."""
    lives_in = {("tankers", 12): "D08", ("trucks", 8): "D21"}
    reservoir = ground.borders.reservoir
    made: list[Vehicle] = []
    for fleet, about in FLEETS.items():
        for number in range(about.size):
            place = len(made)
            story = lives_in.get((fleet, number), "")
            home = enterprises.companion_xy[story] if story else None
            if fleet == "vessels":
                mooring = reservoir.buffer(-60).exterior.interpolate(0.2 + 0.5 * number, normalized=True)
                home = (mooring.x, mooring.y)
            made.append(
                Vehicle(
                    vehicle_id=f"YC{place + 1:04d}"
                    if fleet != "unlisted"
                    else f"X{int(rng.integers(1_000_000_000, 9_000_000_000))}",
                    plate=_plate(fleet, number, rng),
                    fleet=fleet,
                    operator="乙" if fleet == "outage_tanker" or place % 3 == 1 else "甲",
                    home=home or ground.free(420),
                    moving_s=10 if place == 0 else MOVING_S[place % len(MOVING_S)],
                    heartbeat_s=600 if story else HEARTBEAT_S[place % len(HEARTBEAT_S)],
                    sleeps=not story and place % 4 == 2,
                    lives_in=story,
                )
            )
    return made


def _plate(fleet: str, number: int, rng: np.random.Generator) -> str:
    if fleet == "unlisted":
        return ""
    if fleet == "vessels":
        return f"砚渔{number + 1:03d}"
    return f"{PLATE_LETTERS}{int(rng.integers(10_000, 99_999))}"
