"""Evidence items: a value, its baseline, its contribution and a sentence in Chinese and English."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import asdict, dataclass
from typing import Any

from spatial_models.suspicion.config import SuspicionConfig

METER_ZH = {"power": "用电", "water": "用水", "gas": "用气"}
METER_UNIT = {"power": "kWh", "water": "m³", "gas": "m³"}
NOTICE_ZH = {
    "dismantling": "拆除",
    "maintenance": "检修",
    "remediation": "土壤修复",
    "fire_pump": "消防泵",
    "sublet": "转租",
    "shared_meter": "合用表计",
    "outage": "停电停水",
    "permit": "复工许可",
}


@dataclass(frozen=True)
class Evidence:
    """Evidence item of a site.

    Attributes
    ----------
    signal : str
    value, baseline : float or None
        In the unit of the signal, which the sentence names.
    period : tuple of str
        First and last day, ISO.
    contribution : float
        Change of the log-odds.
    family : str
        meters, vehicles or notices.
    quality : float
        0 to 1.
    sentence_zh, sentence_en : str
    """

    signal: str
    value: float | None
    baseline: float | None
    period: tuple[str, str]
    contribution: float
    family: str
    quality: float
    sentence_zh: str
    sentence_en: str

    def as_dict(self) -> dict[str, Any]:
        """Return the item as plain values for JSON; the period becomes a list."""
        plain = asdict(self) | {"period": list(self.period)}
        for name in ("value", "baseline"):
            if plain[name] is not None and not math.isfinite(plain[name]):
                plain[name] = None
        return plain


def meter_evidence(signals: list[dict[str, Any]], at: dt.datetime, config: SuspicionConfig) -> list[Evidence]:
    """Return the evidence items of a site's meters; a meter without data contributes 0 and says so."""
    items = [_meter_item(signal, at, config) for signal in signals]
    rising = [signal for signal in signals if signal["state"] == "rise" and signal["level"] != "none"]
    agreeing = [signal for signal in rising if signal["agrees"] and signal["kind"] in ("power", "water")]
    if len(agreeing) == 2:
        quality = min(signal["quality"] for signal in agreeing)
        gap = abs((agreeing[0]["started_on"] - agreeing[1]["started_on"]).days)
        items.append(
            Evidence(
                "power_water_agree", float(gap), 2.0, _meter_period(agreeing[0], at, config),
                config.agreement * quality, "meters", quality,
                f"用电与用水变化相互吻合，起始日相差 {gap} 天。",
                f"Power and water changed together: their first days are {gap} day(s) apart.",
            )
        )  # fmt: skip
    weekly = [signal for signal in rising if (signal["weekday_ratio"] or 0.0) >= 1.3]
    if weekly:
        ratio = float(weekly[0]["weekday_ratio"])
        items.append(
            Evidence(
                "working_week", ratio, 1.0, _meter_period(weekly[0], at, config),
                config.working_week * weekly[0]["quality"], "meters", weekly[0]["quality"],
                f"{METER_ZH[weekly[0]['kind']]}呈工作日规律：工作日为周末的 {ratio:.1f} 倍。",
                f"The use of {weekly[0]['kind']} follows the working week: {ratio:.1f} times the weekend.",
            )
        )  # fmt: skip
    return items


def _meter_period(signal: dict[str, Any], at: dt.datetime, config: SuspicionConfig) -> tuple[str, str]:
    today = config.local_day(at)
    first = signal["started_on"] or signal["window_from"] or today
    last = signal["window_to"] or today
    return min(first, last).isoformat(), last.isoformat()


def _meter_item(signal: dict[str, Any], at: dt.datetime, config: SuspicionConfig) -> Evidence:
    kind, state, level = signal["kind"], signal["state"], signal["level"]
    weight = 0.0
    if state in ("rise", "never_fell"):
        weight = {"strong": config.strong, "weak": config.weak}.get(level, {}).get(kind, 0.0)
    zh, en = _meter_sentence(signal)
    return Evidence(
        f"{kind}_{state}",
        signal["recent_mean"],
        signal["idle_baseline"],
        _meter_period(signal, at, config),
        weight * signal["quality"],
        "meters",
        signal["quality"],
        zh,
        en,
    )


def _meter_sentence(signal: dict[str, Any]) -> tuple[str, str]:
    kind, state = signal["kind"], signal["state"]
    zh, unit = METER_ZH[kind], METER_UNIT[kind]
    if state == "no_data":
        return f"{zh}：无数据（不等于未使用）。", f"{kind}: no data, which is not the same as no use."
    if state in ("no_baseline", "no_closure_date"):
        reason = (
            ("停产时间过短", "too short after the closure")
            if state == "no_baseline"
            else ("停产日期不详", "the date of closure is not known")
        )
        return f"{zh}：{reason[0]}，无法建立基线。", f"{kind}: no baseline, {reason[1]}."
    share_zh = share_en = ""
    if signal["ratio_pre"] is not None:
        share_zh = f"，为停产前工作日的 {signal['ratio_pre']:.0%}"
        share_en = f", {signal['ratio_pre']:.0%} of working days before the closure"
    mean, ratio = signal["recent_mean"], signal["ratio_idle"]
    if state == "rise":
        return (
            f"{zh}自 {signal['started_on']} 起上升：日均 {mean:.1f} {unit}，为停产基线的 {ratio:.1f} 倍{share_zh}。",
            f"{kind} rose from {signal['started_on']}: {mean:.1f} {unit} a day, {ratio:.1f} times the idle"
            f" baseline{share_en}.",
        )
    if state == "never_fell":
        return (
            f"{zh}停产后未降到停产水平：日均 {mean:.1f} {unit}{share_zh}。",
            f"{kind} never fell to what a stopped plant draws: {mean:.1f} {unit} a day{share_en}.",
        )
    return (
        f"{zh}平稳：日均 {mean:.1f} {unit}{share_zh}。",
        f"{kind} is quiet: {mean:.1f} {unit} a day{share_en}.",
    )


def vehicle_evidence(days: dict[str, Any] | None, at: dt.datetime, config: SuspicionConfig) -> list[Evidence]:
    """Return the evidence items of hazardous-goods vehicles near a site, counted and not counted."""
    if days is None:
        return []
    since = config.local_day(at - dt.timedelta(days=config.visit_days))
    period = (since.isoformat(), config.local_day(at).isoformat())
    near, own, at_places = int(days["vehicle_days"]), int(days["own_days"]), int(days["excluded"])
    attributed, night = float(days["attributed"]), float(days["night"])
    hours = (days["seen_s"] + days["unseen_s"]) / 3600.0
    items = []
    if own:
        weight = config.vehicles_most * (1.0 - math.exp(-attributed / config.vehicles_scale))
        items.append(
            Evidence(
                "hazmat_dwell", attributed, 0.0, period, weight, "vehicles", attributed / own,
                f"危化品车辆在厂区内或 300 米内长时间停留 {own} 车·日，"
                f"按归属折合 {attributed:.1f} 车·日、{hours:.1f} 小时。",
                f"Hazardous-goods vehicles stood long inside or within 300 m on {own} vehicle-day(s); "
                f"attributed to this site: {attributed:.1f} vehicle-days, {hours:.1f} h.",
            )
        )  # fmt: skip
        weight = config.night_most * night * min(1.0, attributed / config.night_full_days)
        items.append(
            Evidence(
                "night_share", night, 8.0 / 24.0, period, weight, "vehicles", attributed / own,
                f"归于本厂的停留有 {night:.0%} 在夜间（22:00–06:00）。",
                f"{night:.0%} of the dwell attributed to this site was at night (22:00-06:00).",
            )
        )  # fmt: skip
    return items + _not_counted(near, own, at_places, period)


def _not_counted(near: int, own: int, at_places: int, period: tuple[str, str]) -> list[Evidence]:
    """Return items for vehicle-days near the site that do not count for it."""
    items = []
    if at_places:
        items.append(
            Evidence(
                "excluded_places", float(at_places), float(near), period, 0.0, "vehicles", 1.0,
                f"附近另有 {at_places} 车·日停在加油站、服务区、许可停车场或园区排队处，不计入。",
                f"{at_places} vehicle-day(s) near it were at petrol stations, service areas, licensed parking"
                " or a gate queue: not counted.",
            )
        )  # fmt: skip
    if near - at_places - own > 0:
        n = near - at_places - own
        items.append(
            Evidence(
                "served_neighbours", float(n), float(near), period, 0.0, "vehicles", 1.0,
                f"附近另有 {n} 车·日按距离和许可需求归于相邻企业，不计入。",
                f"{n} vehicle-day(s) near it go to neighbours by distance and licensed demand: not counted.",
            )
        )  # fmt: skip
    return items


def notice_evidence(
    items: list[Evidence], notices: list[dict[str, Any]], at: dt.datetime, config: SuspicionConfig
) -> list[Evidence]:
    """Return negative items: for each family, the notice that explains the largest part of it."""
    today = config.local_day(at)
    found: list[Evidence] = []
    for family in config.family_caps:
        own = [item for item in items if item.family == family]
        total = sum(item.contribution for item in own)
        holding = [
            (config.explained.get(notice["kind"], {}).get(family, 0.0), notice)
            for notice in notices
            if (notice["valid_from"] is None or notice["valid_from"] <= today)
            and (notice["valid_to"] is None or notice["valid_to"] > today)
        ]
        part, notice = max(holding, key=lambda pair: pair[0], default=(0.0, None))
        if notice is None or part == 0.0 or total <= 0.0:
            continue
        since = (notice["valid_from"] or today).isoformat()
        until = notice["valid_to"].isoformat() if notice["valid_to"] else today.isoformat()
        of_zh, of_en = {
            "meters": ("水电使用", "the use of the meters"),
            "vehicles": ("车辆停留", "the vehicles' dwell"),
        }[family]
        found.append(
            Evidence(
                f"notice_{notice['kind']}", part, 0.0, (since, until), -part * total, family, 1.0,
                f"已登记{NOTICE_ZH.get(notice['kind'], notice['kind'])}（{since} 起），解释{of_zh}的 {part:.0%}。",
                f"A registered {notice['kind'].replace('_', ' ')} (from {since}) explains {part:.0%} of"
                f" {of_en}.",
            )
        )  # fmt: skip
    return found


def lowering_facts(items: list[Evidence], families: list[str]) -> list[dict[str, str]]:
    """Return the facts that would lower the score, the strongest first, in Chinese and English."""
    texts: list[dict[str, str]] = []
    if "meters" in families:
        texts.append(
            {
                "zh": "登记的拆除、检修、修复、消防泵、转租或复工许可，或证明表计与他户合用。",
                "en": "A registered dismantling, maintenance, remediation, fire pump, sublet or permit, or"
                " proof that the meter is shared.",
            }
        )
        texts.append(
            {"zh": "用电、用水回落到停产基线。", "en": "Power and water fall back to the idle baseline."}
        )
    if "vehicles" in families:
        texts.append(
            {
                "zh": "电子运单证明车辆为相邻企业送货，或停留处为许可停车场、排队处。",
                "en": "Waybills that show deliveries to a neighbour, or a licensed parking or queue at the"
                " place of the stops.",
            }
        )
    if any(item.signal.endswith("_no_data") for item in items):
        texts.append(
            {
                "zh": "补齐缺失的表计读数（可升可降）。",
                "en": "The missing readings (they may lower or raise it).",
            }
        )
    return texts
