"""Sentences of meter signals in Chinese and English: raw numbers, period, start, shares, what is missing."""

from __future__ import annotations

import datetime as dt

from spatial_models.meters.daily_use import EPOCH, UseSeries
from spatial_models.meters.judgement import Judgement
from spatial_models.meters.levels import Levels
from spatial_models.meters.runs import Start

UNITS = {"power": "kWh", "water": "m³", "gas": "m³"}
NAMES_ZH = {"power": "用电", "water": "用水", "gas": "用气"}
_LEFT_OUT_ZH = {"unit_jump": "单位突变", "impossible": "数值不可能"}
_LEFT_OUT_EN = {"unit_jump": "a jump of unit", "impossible": "impossible values"}
_LOWERED_ZH = {"stuck": "读数不动", "swap": "换表", "rollover": "表底翻转"}
_LOWERED_EN = {"stuck": "stuck", "swap": "meter swap", "rollover": "rollover"}
_RHYTHMS = {
    "working_days": ("工作日", "working days"),
    "rest_days": ("周末和节假日", "weekends and holidays"),
    "one_weekday": ("每周固定一天", "one day of the week"),
    "some_weekdays": ("每周固定几天", "certain days of the week"),
    "weeks_on_off": ("两周开、两周停", "two weeks on, two weeks off"),
    "nights": ("夜间", "nights"),
    "every_day": ("每天", "every day"),
} | {f"every_{n}": (f"每 {n} 天一次", f"every {n} days") for n in (2, 3, 4, 5)}
Pair = tuple[str, str]


def number(value: float) -> str:
    """Write a quantity with three figures or whole.

    Examples
    --------
    >>> number(12345.6), number(42.38), number(0.0421), number(0.0)
    ('12,346', '42.4', '0.0421', '0')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def day_text(day: int, today: int) -> str:
    """Write a day, without its year when that is the year of the analysis."""
    date, now = EPOCH + dt.timedelta(days=day), EPOCH + dt.timedelta(days=today)
    return date.strftime("%m-%d") if date.year == now.year else date.isoformat()


def percent(share: float) -> str:
    """Write a share as whole per cent."""
    return f"{100 * share:.0f} %"


def rhythm_text(name: str) -> Pair:
    """Return the name of a rhythm in both languages."""
    return _RHYTHMS.get(name, ("无", "none"))


def use_sentence(
    one: UseSeries | None, kind: str, levels: Levels | None, result: Judgement, closed: int | None, today: int
) -> Pair:
    """Return the sentence of ``power_use``, ``water_use`` or ``gas_use``."""
    name_zh, unit = NAMES_ZH[kind], UNITS[kind]
    first, last = day_text(result.first_day, today), day_text(result.last_day, today)
    head_zh, head_en = f"{name_zh}，{first} 至 {last}：", f"{kind.capitalize()}, {first} to {last}: "
    told_zh, told_en = _told(one)
    if result.value is None:
        why_zh, why_en = _why_nothing(result, levels, one)
        return f"{head_zh}{why_zh}{told_zh}。", f"{head_en}{why_en}{told_en}."
    assert levels is not None
    zh = [f"{result.span_days} 天中实测 {result.read_days} 天"]
    en = [f"{result.read_days} of {result.span_days} days measured"]
    mean = number(result.mean_use)
    if result.start is not None:
        begin_zh, begin_en = start_text(result.start, today)
        zh.append(f"{result.busy_days} 天高于空载，{begin_zh}，期间日均 {mean} {unit}")
        en.append(f"{result.busy_days} days above idle, {begin_en}, {mean} {unit} a day on them")
    else:
        zh.append(f"未见高于空载的用量，日均 {mean} {unit}")
        en.append(f"nothing above idle, {mean} {unit} a day")
    if levels.idle < 0.99 * levels.measured_idle:
        zh.append(
            f"空载按 {number(levels.idle)} {unit} 估计（停产后最低 {number(levels.measured_idle)} {unit}）"
        )
        en.append(
            f"idle taken as {number(levels.idle)} {unit} (lowest since: {number(levels.measured_idle)} {unit})"
        )
    else:
        zh.append(f"空载 {number(levels.idle)} {unit}")
        en.append(f"idle {number(levels.idle)} {unit}")
    if levels.has_former:
        zh.append(f"停产前 {number(result.former)} {unit} 的 {percent(result.share)}")
        en.append(f"{percent(result.share)} of the former {number(result.former)} {unit}")
    else:
        zh.append("停产前用量未知")
        en.append("former use not known")
    gaps_zh, gaps_en = _missing(result, levels, closed, today)
    return head_zh + "，".join(zh) + gaps_zh + told_zh + "。", head_en + ", ".join(
        en
    ) + gaps_en + told_en + "."


def start_text(start: Start, today: int) -> Pair:
    """Return the interval of a start in both languages."""
    first, last = day_text(start.first_day, today), day_text(start.last_day, today)
    if first == last:
        return f"自 {first} 开始", f"since {first}"
    return f"自 {first} 至 {last} 之间开始", f"begun between {first} and {last}"


def _why_nothing(result: Judgement, levels: Levels | None, one: UseSeries | None) -> Pair:
    if one is None or not len(one.start):
        return "没有可用读数，无法判断", "no usable readings, nothing can be judged"
    if result.estimated_share == 1.0:
        return (
            "读数均为估算或停电期间，无法判断",
            "all readings estimated or from an outage, nothing can be judged",
        )
    if levels is None:
        return (
            "停产后尚无可比读数，无法判断",
            "no reading to compare after the closure, nothing can be judged",
        )
    return "近期没有读数，无法判断", "no recent reading, nothing can be judged"


def _missing(result: Judgement, levels: Levels, closed: int | None, today: int) -> Pair:
    """Return the remarks on what lowers the quality."""
    zh, en = [], []
    if result.missing_days > 0:
        zh.append(f"缺 {result.missing_days} 天")
        en.append(f"{result.missing_days} days missing")
    if result.longest > 1:
        zh.append(f"读数间隔最长 {result.longest} 天")
        en.append(f"readings up to {result.longest} days long")
    if result.estimated_share > 0:
        zh.append(f"{percent(result.estimated_share)} 为估算")
        en.append(f"{percent(result.estimated_share)} estimated")
    if closed is None:
        zh.append("停产日期未知")
        en.append("day of closure not known")
    elif today - closed < 40:
        zh.append(f"停产仅 {today - closed} 天，历史不足")
        en.append(f"closed {today - closed} days ago only, not enough history")
    elif levels.idle_days < 28:
        zh.append(f"停产后仅有 {number(levels.idle_days)} 天读数，历史不足")
        en.append(f"{number(levels.idle_days)} days of readings since the closure only, not enough history")
    return (f"；{'，'.join(zh)}", f"; {', '.join(en)}") if zh else ("", "")


def _told(one: UseSeries | None) -> Pair:
    """Return the remarks on flagged readings."""
    if one is None or not one.told:
        return "", ""
    zh, en = [], []
    for name, count in one.told.items():
        if name in _LEFT_OUT_ZH:
            zh.append(f"{count} 条因{_LEFT_OUT_ZH[name]}未采用")
            en.append(f"{count} readings left out for {_LEFT_OUT_EN[name]}")
        elif name == "outage":
            zh.append(f"{count} 天为多处同时停供，不算停用")
            en.append(f"{count} days of an outage at several sites say nothing")
        else:
            zh.append(f"{count} 条标记为{_LOWERED_ZH[name]}")
            en.append(f"{count} readings flagged as {_LOWERED_EN[name]}")
    return f"；{'，'.join(zh)}", f"; {', '.join(en)}"
