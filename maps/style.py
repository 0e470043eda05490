"""Colours, names and legends: one source for the reports and, as JSON, for the console.

Colours tell classes apart with the usual kinds of colour blindness: reds against blues, and a shape or a text beside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Entry:
    """One line of a legend: value, colour (#rrggbb), names."""

    color: str
    en: str
    zh: str

    @property
    def both(self) -> str:
        """Chinese and English, as a legend shows them."""
        return f"{self.zh} {self.en}"


Legend = Mapping[str, Entry]

ALERT_LEVELS: Legend = {
    "high": Entry("#b2182b", "high", "高"),
    "warning": Entry("#ef8a62", "warning", "预警"),
    "attention": Entry("#fddbc7", "attention", "关注"),
    "none": Entry("#bdbdbd", "none", "无"),
}
CASE_STATES: Legend = {
    "reported": Entry("#6a51a3", "reported", "已上报"),
    "accepted": Entry("#807dba", "accepted", "已受理"),
    "filed": Entry("#2171b5", "filed", "已立案"),
    "dispatched": Entry("#4292c6", "dispatched", "已派遣"),
    "disposed": Entry("#41ab5d", "disposed", "已处置"),
    "fed_back": Entry("#74c476", "fed back", "已反馈"),
    "checked": Entry("#238b45", "checked", "已核查"),
    "closed": Entry("#737373", "closed", "已结案"),
    "returned": Entry("#d94801", "returned", "已退回"),
    "suspended": Entry("#fd8d3c", "suspended", "挂账"),
    "rework": Entry("#cb181d", "rework", "返工"),
}
AREA_KINDS: Legend = {
    "city": Entry("#252525", "city", "市"),
    "county": Entry("#54278f", "county", "县（市、区）"),
    "town": Entry("#08519c", "town", "镇（街道）"),
    "community": Entry("#238b45", "community", "社区（村）"),
    "unit_grid": Entry("#969696", "unit grid", "单元网格"),
    "functional_zone": Entry("#a63603", "functional zone", "功能区"),
    "water": Entry("#2b8cbe", "water", "水域"),
    "responsibility_grid": Entry("#636363", "responsibility grid", "责任网格"),
    "evaluation_grid": Entry("#8c6bb1", "evaluation grid", "评价网格"),
}
SITE_STATUSES: Legend = {
    "operating": Entry("#1b7837", "operating", "在营"),
    "suspended": Entry("#b8860b", "suspended", "停产"),
    "closed": Entry("#762a83", "closed", "关闭"),
    "dismantled": Entry("#878787", "dismantled", "已拆除"),
}
FIELDS: dict[str, str] = {"visits": "到访 visits", "alerts": "预警 alerts"}
"""The fields of a hot-spot run by their names for people, in the order in which they are shown."""

GI_BINS: Legend = {
    "3": Entry("#b2182b", "hot, 99 % sure", "热点（99%）"),
    "2": Entry("#ef8a62", "hot, 95 % sure", "热点（95%）"),
    "1": Entry("#fddbc7", "hot, 90 % sure", "热点（90%）"),
    "0": Entry("#f0f0f0", "not significant", "不显著"),
    "-1": Entry("#d1e5f0", "cold, 90 % sure", "冷点（90%）"),
    "-2": Entry("#67a9cf", "cold, 95 % sure", "冷点（95%）"),
    "-3": Entry("#2166ac", "cold, 99 % sure", "冷点（99%）"),
}
DOMAINS: Legend = {
    "ecology": Entry("#1b9e77", "ecology", "生态环境"),
    "urban": Entry("#7570b3", "urban management", "城市管理"),
    "transport": Entry("#d95f02", "transport", "交通运输"),
    "agriculture": Entry("#66a61e", "agriculture", "农业农村"),
    "culture_tourism": Entry("#e7298a", "culture and tourism", "文化旅游"),
    "market": Entry("#e6ab02", "market supervision", "市场监管"),
}
TRACK = Entry("#08519c", "driven", "行驶轨迹")
GAP = Entry("#cb181d", "no signal", "信号中断")
UNKNOWN = Entry("#bdbdbd", "other", "其他")

LEGENDS: Mapping[str, Legend] = {
    "alert_levels": ALERT_LEVELS,
    "case_states": CASE_STATES,
    "area_kinds": AREA_KINDS,
    "site_statuses": SITE_STATUSES,
    "gi_bins": GI_BINS,
    "domains": DOMAINS,
    "track": {"track": TRACK, "gap": GAP},
}


def entry(legend: Legend, value: object) -> Entry:
    """The entry of a value; a value that nobody foresaw is grey and named as it is.

    Examples
    --------
    >>> entry(ALERT_LEVELS, "high").zh, entry(GI_BINS, 3).color
    ('高', '#b2182b')
    >>> entry(ALERT_LEVELS, "new").en, entry(ALERT_LEVELS, None).en
    ('new', 'None')
    """
    return legend.get(str(value)) or Entry(UNKNOWN.color, str(value), str(value))


def style_document() -> dict[str, Any]:
    """Every legend as plain data, for the console."""
    return {name: {value: asdict(one) for value, one in legend.items()} for name, legend in LEGENDS.items()}
