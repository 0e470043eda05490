"""Places where vehicles stand for good reasons, registered reasons for use, and fences."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import shapely
from shapely.geometry import Point

from geo_api.second_city.enterprises import Enterprises
from geo_api.second_city.land.borders import Borders
from geo_api.second_city.land.ground import XY, Ground
from geo_api.second_city.stories import STORIES

LISTED = {"petrol": 45.0, "gate_queue": 80.0, "licensed_parking": 70.0}
"""Kinds of companions that stand on the list of places, and how far they reach in metres."""


LISTED_NAMES = {"petrol": "兴工路加油站", "gate_queue": "产业园一号门", "licensed_parking": "货车停车场"}


@dataclass(frozen=True)
class Place:
    """A place on the list."""

    kind: str
    xy: XY
    radius_m: float
    name: str


@dataclass(frozen=True)
class Fence:
    """A fence with its outline in metres of the zone."""

    fence_id: str
    name: str
    rule: str
    medium: str
    shape: Any
    limit_s: int | None
    vehicle_kinds: str
    times: str
    legal_basis: str


@dataclass(frozen=True)
class Notice:
    """A registered reason for use at a closed site."""

    site_id: str
    kind: str
    valid_from: date
    valid_to: date | None


def make_places(enterprises: Enterprises, ground: Ground) -> list[Place]:
    """Return the list of places: those beside the closed plants of the stories, and others far from any of them."""
    listed = []
    for story in STORIES:
        kind = story.companion.kind if story.companion else ""
        if kind in LISTED:
            listed.append(Place(kind, enterprises.companion_xy[story.key], LISTED[kind], LISTED_NAMES[kind]))
    for number in range(3):
        listed.append(Place("petrol", ground.free(450), 45.0, f"砚川第{number + 1}加油站"))
    listed.append(Place("service_area", ground.free(600), 150.0, "砚川服务区"))
    listed.append(Place("licensed_parking", ground.free(600), 110.0, "北关停车场"))
    return listed


def make_notices(enterprises: Enterprises) -> list[Notice]:
    """Return what the stories have registered."""
    return [
        Notice(enterprises.site_of_story[story.key].site_id, kind, first, last)
        for story in STORIES
        for kind, first, last in story.notices
    ]


def make_fences(borders: Borders, places: list[Place]) -> list[Fence]:
    """Return a ban on boats, a night ban for lorries in the old town, and a limit of standing at the gate."""
    reservoir = borders.reservoir
    old_town = borders.towns["621702001"].buffer(-700).simplify(40)
    gate = next(place.xy for place in places if place.kind == "gate_queue")
    always_night = json.dumps({"weekly": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "22:00", "to": "06:00"}]})
    winter = json.dumps({"yearly": [["11-01T00:00", "03-31T23:59"]]})
    largest = max(shapely.get_parts(old_town), key=lambda part: part.area)
    return [
        Fence(
            "YC-F-01",
            "月砚水库封冻期禁航",
            "forbid_enter",
            "water",
            reservoir.buffer(-200),
            None,
            "vessel",
            winter,
            "渔业法第三十条",
        ),
        Fence(
            "YC-F-02",
            "北关老城夜间货车禁行",
            "forbid_enter",
            "land",
            largest,
            None,
            "other",
            always_night,
            "市政府通告2024年第7号",
        ),
        Fence(
            "YC-F-03",
            "园区大门限停",
            "dwell_limit",
            "land",
            Point(gate).buffer(120, 6),
            3600,
            "other",
            "",
            "园区管理办法第九条",
        ),
    ]
