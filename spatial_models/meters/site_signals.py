"""Signals of one closed site from what was found of its meters."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np

from spatial_models.frames import Array
from spatial_models.meters.catalogue import KINDS
from spatial_models.meters.config import MeterConfig
from spatial_models.meters.daily_use import EPOCH
from spatial_models.meters.judgement import Judgement
from spatial_models.meters.levels import quietest_median
from spatial_models.meters.nights import night_shares
from spatial_models.meters.regimes import Judged
from spatial_models.meters.rhythm import Rhythm, find_rhythm
from spatial_models.meters.sentences import (
    UNITS,
    Pair,
    day_text,
    number,
    percent,
    rhythm_text,
    start_text,
    use_sentence,
)

Found = dict[tuple[str, str], Judged]
_AGREE_DAYS = 2
_START_FADE_DAYS = 14
_NIGHT_SHIFT = 0.15


@dataclass(frozen=True)
class ClosedSite:
    """A site that is closed, suspended or dismantled; ``closed`` is the day since 1970, None when not known."""

    site_id: str
    closed: int | None


def signal_rows_of(site: ClosedSite, found: Found, today: int, config: MeterConfig) -> list[tuple[Any, ...]]:
    """Return the rows of all signals of one site, in the order of the catalogue."""
    rows = [_use(site, kind, found.get((site.site_id, kind)), today, config) for kind in KINDS]
    power, water = found.get((site.site_id, "power")), found.get((site.site_id, "water"))
    rows.append(_agreement(site, power, water, today, config))
    rows.append(_night_share(site, power, today, config))
    rows.append(_working_rhythm(site, [each for each in (power, water) if each], today, config))
    rows.append(_never_fell(site, [each for each in (power, water) if each], today, config))
    return rows


def _row(
    site: ClosedSite, signal: str, value: float | None, quality: float, days: tuple[int, int], text: Pair,
    baseline: float | None = None,
) -> tuple[Any, ...]:  # fmt: skip
    first, last = (EPOCH + dt.timedelta(days=int(day)) for day in days)
    return site.site_id, signal, value, baseline, float(quality), first, last, *text


def _window(today: int, config: MeterConfig) -> tuple[int, int]:
    return today - config.recent_days + 1, today


def _use(
    site: ClosedSite, kind: str, each: Judged | None, today: int, config: MeterConfig
) -> tuple[Any, ...]:
    result = each.result if each else Judgement(None, 0.0, *_window(today, config))
    text = use_sentence(
        each.one if each else None, kind, each.levels if each else None, result, site.closed, today
    )
    return _row(
        site,
        f"{kind}_use",
        result.value,
        result.quality,
        (result.first_day, result.last_day),
        text,
        config.prior,
    )


def _agreement(
    site: ClosedSite, power: Judged | None, water: Judged | None, today: int, config: MeterConfig
) -> tuple[Any, ...]:
    """Return how far power and water began together, or were used on the same days; the greater of both."""
    if power is None or water is None or power.result.value is None or water.result.value is None:
        text = "用电或用水无法判断，不能比较", "power or water cannot be judged, so they cannot be compared"
        return _row(
            site, "power_water_agree", None, 0.0, _window(today, config), (text[0] + "。", text[1] + ".")
        )
    p, w = power.result, water.result
    days = min(p.first_day, w.first_day), max(p.last_day, w.last_day)
    quality = min(p.quality, w.quality)
    if p.start is None or w.start is None:
        text = _one_or_none(p, w)
        return _row(site, "power_water_agree", 0.0, quality, days, text)
    gap = max(p.start.first_day - w.start.last_day, w.start.first_day - p.start.last_day, 0)
    together = min(1.0, max(0.0, 1 - max(gap - _AGREE_DAYS, 0) / _START_FADE_DAYS))
    shared = _shared_days(power, water, days[0], today)
    value = max(together, shared) * min(1.0, p.active_count / 2, w.active_count / 2)
    zh, en = (start_text(one, today) for one in (p.start, w.start))
    return _row(
        site, "power_water_agree", float(value), quality, days,
        (
            f"用电{zh[0]}，用水{en[0]}，活动日重合 {percent(shared)}。",
            f"Power {zh[1]}, water {en[1]}, {percent(shared)} of the active days in common.",
        ),
    )  # fmt: skip


def _one_or_none(power: Judgement, water: Judgement) -> Pair:
    if power.start is None and water.start is None:
        return "用电和用水均未高于空载。", "Neither power nor water was above idle."
    if power.start is None:
        return "用水高于空载而用电没有。", "Water was above idle, power was not."
    return "用电高于空载而用水没有。", "Power was above idle, water was not."


def _shared_days(power: Judged, water: Judged, first: int, today: int) -> float:
    """Return the part of active days that both have, a day of delay allowed; the lower of both ways."""
    a, b = (_by_day(each, first, today) for each in (power, water))
    both = np.isfinite(a) & np.isfinite(b)
    a, b = np.where(both, a, 0.0), np.where(both, b, 0.0)
    if a.sum() < 0.5 or b.sum() < 0.5:
        return 0.0
    near_a, near_b = (np.max([x, np.roll(x, 1), np.roll(x, -1)], axis=0) for x in (a, b))
    return float(min(np.minimum(a, near_b).sum() / a.sum(), np.minimum(b, near_a).sum() / b.sum()))


def _by_day(each: Judged, first: int, today: int) -> Array:
    values = np.full(today - first + 1, np.nan)
    for s, n, a, w in zip(each.one.start, each.one.length, each.active, each.one.weight, strict=True):
        if s + n > first and w > 0:
            values[max(s - first, 0) : s + n - first] = a
    return values


def _night_share(site: ClosedSite, power: Judged | None, today: int, config: MeterConfig) -> tuple[Any, ...]:
    """Return the share of power used from 22 to 06 on the active days, or on all recent days without any."""
    days = _window(today, config)
    shares = night_shares(power.fitted, days[0], site.closed) if power and power.fitted else None
    if shares is None:
        text = "没有逐时用电，夜间占比未知。", "No hourly power, so the share of the night is not known."
        return _row(site, "power_night_share", None, 0.0, days, text)
    zh = [f"近 {config.recent_days} 天夜间（22–06 时）用电占 {percent(shares.recent)}"]
    en = [
        f"{percent(shares.recent)} of the power of the last {config.recent_days} days was used from 22 to 06"
    ]
    for share, name_zh, name_en in (
        (shares.idle, "空载时", "when idle"),
        (shares.former, "停产前", "before the closure"),
    ):
        zh.append(f"{name_zh} {percent(share)}" if share == share else f"{name_zh}未知")
        en.append(f"{percent(share)} {name_en}" if share == share else f"{name_en} not known")
    quality = min(shares.known_days / config.recent_days, 1.0)
    text = "，".join(zh) + "。", ", ".join(en) + "."
    baseline = shares.idle if shares.idle == shares.idle else None
    return _row(site, "power_night_share", shares.recent, quality, days, text, baseline)


def _working_rhythm(
    site: ClosedSite, judged: list[Judged], today: int, config: MeterConfig
) -> tuple[Any, ...]:
    """Return the clearest rhythm of power and water: share of variance it explains, times its size."""
    days = _window(today, config)
    best: tuple[float, Rhythm, Judged, Rhythm | None] | None = None
    for each in judged:
        if each.levels is None or each.result.value is None or each.result.longest > 1:
            continue
        former = _former_rhythm(each, site.closed) if each.result.start else None
        rhythm = _rhythm_or_shift(each, former, site, days[0])
        value = rhythm.strength(each.levels.large_contrast)
        value *= min(1.0, each.result.active_count / 3)
        if best is None or value > best[0]:
            best = value, rhythm, each, former
    if best is None:
        text = "没有逐日读数，作息未知。", "No daily readings, so a rhythm cannot be told."
        return _row(site, "working_rhythm", None, 0.0, days, text)
    value, rhythm, each, former = best
    if each.result.start is None:
        text = "没有高于空载的用量，无作息可言。", "Nothing above idle, so no rhythm of work."
        return _row(site, "working_rhythm", 0.0, each.result.quality, days, text)
    unit, kind = UNITS[each.one.kind], each.one.kind
    zh, en = rhythm_text(rhythm.name)
    before_zh, before_en = (
        rhythm_text(former.name) if former and former.share > 0.3 else ("未见规律", "none seen")
    )
    text = (
        f"作息：{zh}，解释日用量变化的 {percent(rhythm.share)}，相差 {number(rhythm.contrast)} {unit}；"
        f"停产前：{before_zh}。",
        f"Rhythm: {en}, explains {percent(rhythm.share)} of the changes of daily {kind}, a difference of "
        f"{number(rhythm.contrast)} {unit}; before the closure: {before_en}.",
    )
    return _row(site, "working_rhythm", float(min(value, 1.0)), each.result.quality, days, text)


def _former_rhythm(each: Judged, closed: int | None) -> Rhythm | None:
    """Return the rhythm of the ten weeks before the run-down, by plain weekends; None when not known."""
    if closed is None:
        return None
    one = each.one
    chosen = (one.length == 1) & (one.weight > 0) & (one.start >= closed - 84) & (one.start < closed - 14)
    day = one.start[chosen]
    return find_rhythm(day, one.use[chosen], (day + 3) % 7 >= 5) if chosen.sum() >= 28 else None


def _rhythm_or_shift(each: Judged, former: Rhythm | None, site: ClosedSite, first: int) -> Rhythm:
    """Return the rhythm of the run; nights that the idle plant did not use; or every day, as formerly."""
    result, levels = each.result, each.levels
    assert levels is not None
    if result.start is None:
        return Rhythm("none", 0.0, 0.0)
    found = result.rhythm
    shares = (
        night_shares(each.fitted, first, site.closed) if each.fitted and each.one.kind == "power" else None
    )
    if shares and shares.shift > _NIGHT_SHIFT and shares.recent > 0.5:
        share = min(shares.shift / (2 * _NIGHT_SHIFT), 1.0)
        if share > found.share:
            found = Rhythm("nights", share, result.mean_use - levels.idle)
    continuous = former is not None and former.share < 0.2 and found.share < 0.3
    if continuous and levels.has_former and result.share > levels.idle / levels.former_work:
        found = Rhythm("every_day", min(1.0, result.share), result.mean_use - levels.idle)
    return found


def _never_fell(site: ClosedSite, judged: list[Judged], today: int, config: MeterConfig) -> tuple[Any, ...]:
    """Return how surely the quietest four weeks since the closure are above what a stopped plant draws."""
    found = []
    for each in judged:
        levels = each.levels
        if levels is not None and levels.has_former and site.closed is not None:
            quiet = quietest_median(each.one, levels, config)
            former = levels.former_mean
            share = quiet / former
            # even at the share of a stopped plant, nearly sure from one and a half times of it on
            value = 1.0 / (1.0 + (config.stopped_share / max(share, 1e-6)) ** 4)
            found.append((value, share, quiet, former, each))
    if not found:
        text = (
            "停产前或停产后的用量未知，不能比较。",
            "Use before or after the closure is not known, so it cannot be compared.",
        )
        return _row(site, "never_fell", None, 0.0, _window(today, config), text)
    value, share, quiet, former, each = max(found, key=lambda row: row[0])
    kind, unit = each.one.kind, UNITS[each.one.kind]
    first = each.levels.settled_from if each.levels else today
    after = (each.one.start >= first) & (each.one.weight > 0)
    known = float((each.one.length[after] * each.one.weight[after]).sum()) / max(today + 1 - first, 1)
    quality = min(known, 1.0) * min(1.0, (each.levels.idle_days if each.levels else 0) / 28)
    since = day_text(first, today)
    text = (
        f"自 {since} 起用量最低的四周，{'日均用电' if kind == 'power' else '日均用水'} {number(quiet)} {unit}，"
        f"为停产前 {number(former)} {unit} 的 {percent(share)}（停产企业一般不超过 {percent(config.stopped_share)}）。",
        f"The quietest four weeks since {since}: {number(quiet)} {unit} of {kind} a day, {percent(share)} of "
        f"the former {number(former)} {unit} (a stopped plant draws up to {percent(config.stopped_share)}).",
    )
    return _row(site, "never_fell", value, quality, (first, today), text)
