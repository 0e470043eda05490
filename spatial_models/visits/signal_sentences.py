"""Sentences of the signals of vehicles in Chinese and English; no vehicle is named."""

from __future__ import annotations

from typing import Any

WHAT = {
    "hazmat_visits": ("名单上的危险货物车辆", "vehicles on the hazardous-goods list"),
    "heavy_visits": ("不在危险货物名单上的货运车辆", "vehicles that are not on the hazardous-goods list"),
    "dark_near_site": ("在此附近失联的车辆", "vehicles that fell silent here"),
    "neighbour_yard": ("停在相邻场所院内的危险货物车辆", "hazardous-goods vehicles in a neighbour's yard"),
    "encounters_near_site": ("在此停靠在一起的车辆对", "pairs of vehicles that stood together here"),
}
REASONS = {
    "place": ("停在加油站、停车场等正当停放点", "at places such as petrol stations and licensed parking"),
    "home": ("常在此过夜", "that live there"),
    "depot": ("停在多辆车过夜的车场", "in a depot next to it"),
    "neighbour": ("归属相邻场所", "that served neighbours"),
    "seen": ("已按到访计入", "already counted as visits"),
    "outage": ("与多辆车同时失联（运营商或平台故障）", "silent in the same minutes as many others"),
    "dead_zone": ("处于信号盲区", "in a dead zone"),
    "drove_on": ("失联期间驶过", "that must have driven on"),
}
BLIND = {
    "nobody": (
        "没有可用的{}轨迹，无法判断（不等于没有）",
        "no {} report their positions: nothing can be judged",
    ),
    "slow": ("{}定位间隔过长，无法判断（不等于没有）", "{} report too seldom: nothing can be judged"),
    "not_looked_for": ("本次未分析{}，无法判断", "{} were not looked for: nothing can be judged"),
}
NIGHT = ("货运车辆", "goods vehicles")


def callers_sentence(name: str, row: dict[str, Any]) -> tuple[str, str]:
    """Return the sentence of a site in both languages.

    Examples
    --------
    >>> row = {"vehicles": 3, "days": 2, "hours": 4.5, "share": 0.8, "effective": 2.4, "baseline": 0.1, "out_home": 1}
    >>> callers_sentence("hazmat_visits", row)[1].split("; ")[1:]
    ['effective 2.4, 0.1 expected at such a place', 'left out: 1 that live there.']
    """
    zh, en = WHAT[name]
    effective, expected = row.get("effective") or 0.0, row.get("expected_anyhow", row["baseline"])
    if not row.get("vehicles"):
        said_zh = f"{zh}：分析时段内无"
        said_en = f"{en}: none in the period"
        said_zh += f"（同类地点预期 {expected:.2g}）"
        said_en += f" ({expected:.2g} expected at such a place)"
    else:
        said_zh = (
            f"{zh}：{row['vehicles']} 个不同对象、{row['days']} 天、{row['hours']:.1f} 小时，平均归属比例"
            f" {row['share']:.0%}；有效数 {effective:.1f}，同类地点预期 {expected:.2g}"
        )
        said_en = (
            f"{en}: {row['vehicles']} different ones on {row['days']} days, {row['hours']:.1f} h, attributed"
            f" {row['share'] * 100:.0f} % on average; effective {effective:.1f}, {expected:.2g} expected at such a"
            " place"
        )
    if row.get("inside_effective") is not None:
        inside, of_inside = row["inside_effective"], row["inside_expected"]
        said_zh += f"；其中厂界以内有效数 {inside:.1f}，预期 {of_inside:.2g}"
        said_en += f"; inside the boundary effective {inside:.1f}, {of_inside:.2g} expected"
    if row.get("sparse"):
        said_zh += f"；其中 {row['sparse']} 个定位稀疏，停留起止时间较粗"
        said_en += f"; {row['sparse']} of them report seldom: begin and end of a stay are known roughly"
    left = [(reason, row.get(f"out_{reason}") or 0) for reason in REASONS]
    if any(n for _, n in left):
        said_zh += "；未计入：" + "、".join(f"{n} 个{REASONS[reason][0]}" for reason, n in left if n)
        said_en += "; left out: " + ", ".join(f"{n} {REASONS[reason][1]}" for reason, n in left if n)
    if row.get("before"):
        said_zh += f"；停产前曾有 {row['before']} 个"
        said_en += f"; {row['before']} before the closure"
    return said_zh + "。", said_en + "."


def night_sentence(name: str, row: dict[str, Any]) -> tuple[str, str]:
    """Return the sentence of the share of the night in both languages.

    Examples
    --------
    >>> night_sentence("night_visits", {"value": 0.5, "baseline": 0.1, "hours": 4.0, "vehicles": 2})[1]
    'visits of 2 vehicles: 50 % of 4.0 h at night (22:00-06:00), 10 % at sites that operate.'
    """
    if row["value"] is None:
        return (
            "分析时段内没有可计入的停留，无夜间比例。",
            "no time of visits in the period, so no share of the night.",
        )
    zh = f"{row['vehicles']} 辆车的到访：{row['hours']:.1f} 小时中夜间（22:00-06:00）占 {row['value']:.0%}"
    en = f"visits of {row['vehicles']} vehicles: {row['value'] * 100:.0f} % of {row['hours']:.1f} h"
    en += " at night (22:00-06:00)"
    if row["baseline"] is not None:
        zh += f"，在营场所为 {row['baseline']:.0%}"
        en += f", {row['baseline'] * 100:.0f} % at sites that operate"
    return zh + "。", en + "."


def blind_sentence(name: str, why: str) -> tuple[str, str]:
    """Return the sentence of a signal that cannot be judged.

    Examples
    --------
    >>> blind_sentence("hazmat_visits", "nobody")[1]
    'no vehicles on the hazardous-goods list report their positions: nothing can be judged.'
    """
    zh, en = WHAT.get(name, NIGHT)
    if name == "dark_near_site":
        zh, en = NIGHT
    said_zh, said_en = BLIND[why]
    return said_zh.format(zh) + "。", said_en.format(en) + "."
