"""The duty list of the second city.

Bodies and codes of its own, powers handed to towns, and powers taken back.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from geo_api.second_city.land import gazetteer as names

RESUMPTION = "YC-STHJ-0412"
"""The matter that this city uses for work at a place that was ordered to close."""
FISHING = "YC-NYNC-0009"
DEFAULT_FROM = date(2024, 7, 1)


@dataclass(frozen=True)
class Matter:
    """A matter: code, name, domain, legal basis, kind of power."""

    code: str
    name: str
    domain: str
    basis: str
    kind: str


@dataclass(frozen=True)
class Duty:
    """A line of the duty list."""

    matter: Matter
    body: str
    level: str
    area_code: str
    role: str
    valid_from: date
    valid_to: date | None = None


MATTERS = (
    Matter(RESUMPTION, "责令停产关闭后擅自恢复生产", "ecology", "环境保护法第六十条", "处罚"),
    Matter("YC-STHJ-0107", "露天焚烧秸秆落叶", "ecology", "大气污染防治法第一百一十九条", "处罚"),
    Matter("YC-STHJ-0215", "未按规定处置危险废物", "ecology", "固体废物污染环境防治法第一百一十二条", "处罚"),
    Matter("YC-STHJ-0301", "擅自排放工业废水", "ecology", "水污染防治法第八十三条", "处罚"),
    Matter("YC-CSGL-0011", "占用道路堆放物料", "urban", "城市道路管理条例第四十二条", "处罚"),
    Matter("YC-CSGL-0023", "未及时清除积雪", "urban", "城市市容和环境卫生管理条例第三十四条", "检查"),
    Matter("YC-CSGL-0040", "擅自搭建建筑物", "urban", "城乡规划法第六十四条", "强制"),
    Matter("YC-JTYS-0102", "货运车辆超限超载", "transport", "公路法第七十六条", "处罚"),
    Matter("YC-JTYS-0118", "无证运输危险货物", "transport", "道路运输条例第六十四条", "处罚"),
    Matter("YC-JTYS-0203", "客运车辆站外揽客", "transport", "道路运输条例第六十九条", "处罚"),
    Matter(FISHING, "禁渔期捕捞", "agriculture", "渔业法第三十八条", "处罚"),
    Matter("YC-NYNC-0031", "擅自占用耕地堆放", "agriculture", "土地管理法第七十五条", "处罚"),
    Matter(
        "YC-WHLY-0004",
        "擅自经营互联网上网服务",
        "culture_tourism",
        "互联网上网服务营业场所管理条例第二十七条",
        "处罚",
    ),
    Matter("YC-WHLY-0012", "未经许可经营旅行社", "culture_tourism", "旅游法第九十五条", "处罚"),
    Matter("YC-SCJG-0003", "无照经营", "market", "无证无照经营查处办法第十三条", "处罚"),
    Matter("YC-SCJG-0027", "使用未检定计量器具", "market", "计量法第二十五条", "检查"),
)
BODIES = {
    "ecology": "生态环境分局",
    "urban": "城市管理局",
    "transport": "交通运输局",
    "agriculture": "农业农村局",
    "culture_tourism": "文体广电和旅游局",
    "market": "市场监督管理局",
}
JOINT = {
    RESUMPTION: ("应急管理局", "发展和改革局"),
    "YC-JTYS-0118": ("应急管理局", "公安局"),
    "YC-STHJ-0215": ("公安局",),
    "YC-CSGL-0040": ("自然资源局",),
}
TOWN_POWERS = {
    "YC-STHJ-0107": ("621702100", "621721101", "621722100", "621722101"),
    "YC-CSGL-0011": ("621702001", "621702002", "621702100", "621721100", "621722100"),
    "YC-CSGL-0023": ("621702001", "621702002"),
    RESUMPTION: ("621702100", "621721100"),
    "YC-NYNC-0031": ("621721200", "621722101"),
}
TOWN_POWERS_FROM = date(2025, 3, 1)
WITHDRAWN = {("YC-CSGL-0011", "621721100"): date(2026, 1, 1), (RESUMPTION, "621721100"): date(2025, 12, 1)}
"""Powers that went back to the county: from that day on the town may no longer act."""


def make_duties() -> list[Duty]:
    """All lines: counties lead, the city leads a few matters, towns lead what they were empowered for."""
    town_names = {town.code: town.name for county in names.COUNTIES for town in county.towns}
    lines = []
    for matter in MATTERS:
        city_body = f"砚川市{BODIES[matter.domain].replace('分局', '局')}"
        lines.append(Duty(matter, city_body, "city", names.CITY_CODE, "lead", DEFAULT_FROM))
        for county in names.COUNTIES:
            lines.append(
                Duty(
                    matter,
                    f"{county.name}{BODIES[matter.domain]}",
                    "county",
                    county.code,
                    "lead",
                    DEFAULT_FROM,
                )
            )
            for joint in JOINT.get(matter.code, ()):
                lines.append(
                    Duty(matter, f"{county.name}{joint}", "county", county.code, "joint", DEFAULT_FROM)
                )
        for town in TOWN_POWERS.get(matter.code, ()):
            since = max(TOWN_POWERS_FROM, names.MERGED_ON if town == names.MERGED_TOWN else TOWN_POWERS_FROM)
            until = WITHDRAWN.get((matter.code, town))
            lines.append(Duty(matter, f"{town_names[town]}综合执法队", "town", town, "lead", since, until))
    fishing = next(matter for matter in MATTERS if matter.code == FISHING)
    lines.append(Duty(fishing, "砚川市渔政执法支队", "city", names.RESERVOIR_CODE, "lead", DEFAULT_FROM))
    lines.append(
        Duty(MATTERS[0], "砚川循环经济产业园管委会", "county", names.PARK_CODE, "joint", date(2024, 9, 1))
    )
    return lines
