"""Names, codes and dates of the second city: all invented (示意), no such place exists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

CITY_CODE = "621700"
"""In Gansu's range of GB/T 2260, but given to no real city."""
CITY_NAME = "砚川市(示意)"
EPSG = 4544
"""CGCS2000, 3-degree Gauss-Krüger, central meridian 105° E."""
CENTRE_LONLAT = (104.32, 38.06)
PLATE_LETTERS = "甘Q"

FIRST_METER_DAY = date(2025, 1, 1)
FIRST_TRACK_DAY = date(2026, 1, 19)
LAST_DAY = date(2026, 3, 1)
"""Meters and tracks both end here: a Sunday, two weeks after the Spring Festival of 2026-02-17."""


@dataclass(frozen=True)
class TownName:
    """A town: nine digits of GB/T 10114, its weight among its siblings (area), its number of communities."""

    code: str
    name: str
    weight: float
    communities: int

    @property
    def is_street(self) -> bool:
        """Streets have residents' committees (社区), towns and townships have villages (村)."""
        return self.code[6] == "0"


@dataclass(frozen=True)
class CountyName:
    """A county-level unit and its towns."""

    code: str
    name: str
    towns: tuple[TownName, ...]


COUNTIES = (
    CountyName(
        "621702",
        "云屏区",
        (
            TownName("621702001", "北关街道", 0.35, 5),
            TownName("621702002", "河西街道", 0.45, 5),
            TownName("621702100", "砚口镇", 1.2, 6),
        ),
    ),
    CountyName(
        "621721",
        "石泓县",
        (
            TownName("621721100", "石泓镇", 0.8, 5),
            TownName("621721101", "青圪镇", 1.1, 5),
            TownName("621721200", "盐湾乡", 1.3, 4),
        ),
    ),
    CountyName(
        "621722",
        "柳原县",
        (TownName("621722100", "柳原镇", 1.0, 5), TownName("621722101", "红井镇", 1.4, 6)),
    ),
)

MERGED_TOWN = "621722101"
MERGED_ON = date(2025, 7, 1)
MERGED_FROM = (("621722201", "红柳乡"), ("621722202", "井沟乡"))
"""Two townships became one town on that day: communities and unit grids in it were coded anew."""

PARK_CODE, PARK_NAME = "YC-GXQ", "砚川循环经济产业园(示意)"
"""A functional zone that lies over the border of two counties and has no code of GB/T 2260."""
RESERVOIR_CODE, RESERVOIR_NAME = "YC-W-SK", "月砚水库"
RIVER_CODE, RIVER_NAME = "YC-W-H", "砚河"

VILLAGE_SYLLABLES = ("沙", "柳", "石", "羊", "马", "上", "下", "东", "西", "红", "白", "水", "盐", "杏", "槐")
VILLAGE_ENDINGS = ("岘", "圪垯", "湾", "坪", "沟", "井", "墩", "台", "滩", "庄")
FIRM_SYLLABLES = (
    "朔",
    "砚",
    "泓",
    "祁",
    "苍",
    "泰",
    "恒",
    "锦",
    "晟",
    "岚",
    "沐",
    "砾",
    "垚",
    "铎",
    "鲲",
    "霁",
)
FIRM_SECOND = ("岭", "源", "川", "峰", "达", "润", "丰", "宁", "辉", "畅", "洋", "拓", "原", "禾")
STREETS = ("朝晖路", "新垦路", "砚河大道", "兴工路", "盐湾路", "纬三路", "经七路", "老街", "北环路", "沙梁路")
