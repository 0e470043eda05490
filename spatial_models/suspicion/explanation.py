"""Explanation of a score: items that add up to it, with a sentence each in Chinese and English."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from spatial_models.suspicion.model_file import Model, Signal
from spatial_models.suspicion.points import log_likelihood_ratio

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
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """Evidence item of a site.

    Attributes
    ----------
    signal : str
        Of the catalogue; ``<family>_cap``, ``<family>_blind`` or ``notice_<kind>``.
    value, baseline : float or None
        In the unit of the signal, which the sentence names.
    period : tuple of str
        First and last day, ISO.
    contribution : float
        Change of the log-odds.
    family : str
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


def signal_item(signal: Signal, row: Row) -> Evidence:
    """Return the item of a signal: its ratio, scaled by the quality of its value."""
    value, quality = row["value"], float(row["quality"] or 0.0)
    says = value is not None and quality >= signal.least_quality
    ratio = log_likelihood_ratio(signal.points, value) if says else 0.0
    return Evidence(
        signal.signal, value, row["baseline"], (row["first_day"].isoformat(), row["last_day"].isoformat()),
        ratio if signal.scaled == "against" and ratio > 0.0 else ratio * quality, signal.family, quality,
        row["sentence_zh"], row["sentence_en"],
    )  # fmt: skip


def blind_families(model: Model, rows: Mapping[str, Row]) -> list[str]:
    """Return the families of which no signal has a value that counts.

    Parameters
    ----------
    rows : mapping of str to row
        Signals of a site, by name.
    """
    seeing = {
        signal.family
        for signal in model.signals
        if (row := rows.get(signal.signal)) is not None
        and row["value"] is not None
        and (row["quality"] or 0.0) >= max(signal.least_quality, 1e-9)
    }
    return [family for family in sorted(model.families) if family not in seeing]


def bound_item(items: Sequence[Evidence], family: str, model: Model) -> Evidence | None:
    """Return the part of a family's sum beyond its bounds with the opposite sign; None: it is within them."""
    own = [item for item in items if item.family == family]
    total, limits = sum(item.contribution for item in own), model.families[family]
    bounded = min(max(total, limits.lower), limits.upper)
    if bounded == total:
        return None
    period = min(item.period[0] for item in own), max(item.period[1] for item in own)
    return Evidence(
        f"{family}_cap", total, bounded, period, bounded - total, family, 1.0,
        "同类信号相互关联，合计有上下限。", "Signals of one kind are correlated: their sum is kept within bounds.",
    )  # fmt: skip


def blind_item(family: str, model: Model, today: dt.date) -> Evidence:
    """Return an item without weight that says that a family could not be judged."""
    title, settle = model.families[family].title, model.families[family].would_settle
    day = today.isoformat()
    return Evidence(
        f"{family}_blind", None, None, (day, day), 0.0, family, 0.0,
        f"{title.zh}：无可用数据，不能判断（不等于没有）。{settle.zh}",
        f"{title.en}: nothing can be judged, which is not the same as nothing being there. {settle.en}",
    )  # fmt: skip


@dataclass(frozen=True)
class Activity:
    """Days on which something went on at a site, by family: local day → how surely (0 to 1)."""

    days: Mapping[str, Mapping[dt.date, float]]

    def part_within(self, family: str, since: dt.date | None, until: dt.date | None) -> float:
        """Return the part of what went on that lies from ``since`` on and before ``until``.

        Examples
        --------
        >>> days = {dt.date(2026, 3, day): 1.0 for day in (1, 2, 3, 4)}
        >>> Activity({"meters": days}).part_within("meters", None, dt.date(2026, 3, 4))
        0.75
        >>> Activity({}).part_within("meters", None, None)
        0.0
        """
        days = self.days.get(family, {})
        within = [
            weight
            for day, weight in days.items()
            if (since is None or since <= day) and (until is None or day < until)
        ]
        total = sum(days.values())
        return sum(within) / total if total > 0 else 0.0


def notice_items(
    items: Sequence[Evidence], notices: Sequence[Row], model: Model, today: dt.date, activity: Activity
) -> list[Evidence]:
    """Return negative items: for each family, the notice that explains the largest part of it.

    A valid notice explains the share that the model says. One that has run out explains the part of it that the days
    within its time are of all days on which something went on: maintenance that ended last week explains its own use.
    """
    begun = [notice for notice in notices if notice["valid_from"] is None or notice["valid_from"] <= today]
    found: list[Evidence] = []
    for family in sorted(model.families):
        total = sum(item.contribution for item in items if item.family == family)
        shares = [(_explained(notice, family, model, today, activity), notice) for notice in begun]
        part, notice = max(shares, key=lambda pair: pair[0], default=(0.0, None))
        if notice is not None and part > 0.0 and total > 0.0:
            found.append(_notice_item(notice, family, part, total, model, today))
    return found


def _explained(notice: Row, family: str, model: Model, today: dt.date, activity: Activity) -> float:
    share, until = model.notices.get(notice["kind"], {}).get(family, 0.0), notice["valid_to"]
    if until is None or until > today:
        return share
    return share * activity.part_within(family, notice["valid_from"], until)


def _notice_item(
    notice: Row, family: str, part: float, total: float, model: Model, today: dt.date
) -> Evidence:
    since = (notice["valid_from"] or today).isoformat()
    until = notice["valid_to"].isoformat() if notice["valid_to"] else today.isoformat()
    kind, title = notice["kind"], model.families[family].title
    over = notice["valid_to"] is not None and notice["valid_to"] <= today
    span_zh = f"{since} 至 {until}，已到期" if over else f"{since} 起"
    span_en = f"{since} to {until}, run out" if over else f"from {since}"
    return Evidence(
        f"notice_{kind}", part, 0.0, (since, until), -part * total, family, 1.0,
        f"已登记{NOTICE_ZH.get(kind, kind)}（{span_zh}），解释{title.zh}证据的 {part:.0%}。",
        f"A registered {kind.replace('_', ' ')} ({span_en}) explains {part:.0%} of the evidence of {title.en.lower()}.",
    )  # fmt: skip


def facts_that_lower(model: Model, families: Sequence[str]) -> list[dict[str, str]]:
    """Return the facts that would lower the score, in Chinese and English: notices, and those of each family.

    Families that say nothing are in :func:`facts_that_settle`: what is found there may lower or raise it.
    """
    if not families:
        return []
    kinds = [
        kind
        for kind, shares in sorted(model.notices.items())
        if any(shares.get(family) for family in families)
    ]
    told: list[dict[str, str]] = []
    if kinds:
        zh = "、".join(NOTICE_ZH.get(kind, kind) for kind in kinds)
        en = ", ".join(kind.replace("_", " ") for kind in kinds)
        told.append({"zh": f"登记在案的{zh}。", "en": f"A registered notice: {en}."})
    told += [text.model_dump() for family in families for text in model.families[family].would_lower]
    return told


def facts_that_settle(model: Model, families: Sequence[str]) -> list[dict[str, str]]:
    """Return what would settle it in each family that says nothing: ``family``, ``zh``, ``en``."""
    return [{"family": family, **model.families[family].would_settle.model_dump()} for family in families]
