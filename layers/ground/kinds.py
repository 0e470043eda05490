"""Kinds of roads, waterways and buildings.

From the values of OpenStreetMap and of Chinese tables, with their zooms.
"""

from __future__ import annotations

from collections.abc import Mapping

ROADS: Mapping[str, str] = {
    "motorway": "motorway",
    "motorway_link": "motorway",
    "trunk": "trunk",
    "trunk_link": "trunk",
    "primary": "primary",
    "primary_link": "primary",
    "secondary": "secondary",
    "secondary_link": "secondary",
    "tertiary": "tertiary",
    "tertiary_link": "tertiary",
    "local": "local",
    "unclassified": "local",
    "residential": "local",
    "living_street": "local",
    "road": "local",
    "service": "service",
    "busway": "service",
    "track": "track",
    "track_grade1": "track",
    "track_grade2": "track",
    "track_grade3": "track",
    "track_grade4": "track",
    "track_grade5": "track",
    "path": "path",
    "footway": "path",
    "pedestrian": "path",
    "cycleway": "path",
    "bridleway": "path",
    "steps": "path",
    "other": "other",
    "高速": "motorway",
    "高速公路": "motorway",
    "快速路": "trunk",
    "城市快速路": "trunk",
    "国道": "trunk",
    "主干路": "primary",
    "主干道": "primary",
    "省道": "primary",
    "次干路": "secondary",
    "次干道": "secondary",
    "县道": "secondary",
    "支路": "tertiary",
    "乡道": "tertiary",
    "村道": "local",
    "街巷": "local",
    "内部道路": "service",
    "机耕路": "track",
    "步道": "path",
    "其他": "other",
}
WATERWAYS: Mapping[str, str] = {
    "river": "river",
    "canal": "canal",
    "stream": "stream",
    "drain": "drain",
    "ditch": "drain",
    "other": "other",
    "河": "river",
    "河流": "river",
    "江": "river",
    "运河": "canal",
    "干渠": "canal",
    "渠": "canal",
    "溪": "stream",
    "沟": "drain",
    "沟渠": "drain",
    "其他": "other",
}
BUILDINGS: Mapping[str, str] = {
    **dict.fromkeys(
        ("residential", "apartments", "house", "detached", "terrace", "dormitory", "住宅", "居住"),
        "residential",
    ),
    **dict.fromkeys(("semidetached_house", "bungalow", "villa", "hut", "cabin"), "residential"),
    **dict.fromkeys(("commercial", "retail", "office", "hotel", "supermarket", "商业", "办公"), "commercial"),
    **dict.fromkeys(
        ("industrial", "warehouse", "factory", "manufacture", "工业", "厂房", "仓储"), "industrial"
    ),
    **dict.fromkeys(
        ("public", "school", "university", "kindergarten", "college", "hospital", "government", "civic"),
        "public",
    ),
    **dict.fromkeys(
        ("train_station", "transportation", "church", "temple", "公共", "学校", "医院"), "public"
    ),
    **dict.fromkeys(
        ("agricultural", "farm", "barn", "greenhouse", "stable", "farm_auxiliary", "农业"), "agricultural"
    ),
    **dict.fromkeys(("other", "yes", "building", "roof", "shed", "garage", "garages", "其他"), "other"),
}
KINDS: Mapping[str, Mapping[str, str]] = {"roads": ROADS, "waterways": WATERWAYS, "buildings": BUILDINGS}
"""Layer to the kinds that values of files mean."""

MIN_ZOOMS: Mapping[str, Mapping[str, int]] = {
    "roads": {
        "motorway": 5,
        "trunk": 6,
        "primary": 7,
        "secondary": 9,
        "tertiary": 11,
        "local": 12,
    },
    "waterways": {"river": 8, "canal": 10, "stream": 12},
    "buildings": {},
}
"""Zoom from which tiles have a kind."""
DETAIL_ZOOM = 13
"""Zoom of the kinds that ``MIN_ZOOMS`` does not name."""
