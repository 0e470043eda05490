"""Reasons of a change of a score: the signals that weigh more or less than before, with a sentence each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grid.alerts.findings import NOTICE

LEAST_CHANGE_LOG_ODDS = 0.05
"""Change of a signal's contribution that is told."""
MOST_REASONS = 4
METERS = ("power", "water", "gas")
Item = Mapping[str, object]


def reasons_of_change(before: Sequence[Item], after: Sequence[Item]) -> list[dict[str, object]]:
    """Return what changed between two lists of evidence, the greatest change first, four at most.

    Returns
    -------
    list of dict
        ``signal``, ``before`` and ``after`` (contributions, log-odds; None: not there), ``zh``, ``en``.

    Examples
    --------
    >>> power = {"signal": "power_rise", "contribution": 2.2, "sentence_zh": "用电上升。", "sentence_en": "Power rose."}
    >>> permit = {"signal": "notice_permit", "contribution": -2.2, "sentence_zh": "许可。", "sentence_en": "A permit."}
    >>> [(one["signal"], one["en"]) for one in reasons_of_change([power], [power, permit])]
    [('notice_permit', 'A permit.')]
    >>> [(one["before"], one["after"], one["en"]) for one in reasons_of_change([power], [])]
    [(2.2, None, 'No longer: Power rose.')]
    """
    old, new = _by_subject(before), _by_subject(after)
    changed = [
        (abs(_weight(new.get(subject)) - _weight(old.get(subject))), subject) for subject in {**new, **old}
    ]
    # Notices first: they are what a person did.
    told = sorted(
        (pair for pair in changed if pair[0] >= LEAST_CHANGE_LOG_ODDS),
        key=lambda pair: (not pair[1].startswith(NOTICE), -pair[0], pair[1]),
    )
    return [_reason(old.get(subject), new.get(subject)) for _, subject in told[:MOST_REASONS]]


def told_change(before: float, after: float, reasons: Sequence[Item]) -> dict[str, str]:
    """Return what a person reads of a change of the score, in Chinese and English.

    Examples
    --------
    >>> told_change(0.72, 0.4, [{"zh": "许可（2026-10-01 起）。", "en": "A permit (from 2026-10-01)."}])["en"]
    'was 0.72, now 0.40: A permit (from 2026-10-01).'
    """
    zh = "".join(str(one["zh"]) for one in reasons)
    en = " ".join(str(one["en"]) for one in reasons)
    return {
        "zh": f"原 {before:.2f}，现 {after:.2f}" + (f"：{zh}" if zh else "。"),
        "en": f"was {before:.2f}, now {after:.2f}" + (f": {en}" if en else "."),
    }


def _by_subject(items: Sequence[Item]) -> dict[str, Item]:
    """Items by what they are about; caps say nothing of their own."""
    return {
        _subject(str(item.get("signal"))): item
        for item in items
        if not str(item.get("signal")).endswith("_cap")
    }


def _subject(signal: str) -> str:
    """Return what a signal is about: a meter, whatever its state, or the signal itself."""
    first = signal.partition("_")[0]
    return first if first in METERS and signal != "power_water_agree" else signal


def _weight(item: Item | None) -> float:
    weight = 0.0 if item is None else item.get("contribution", 0.0)
    return float(weight) if isinstance(weight, int | float) else 0.0


def _reason(old: Item | None, new: Item | None) -> dict[str, object]:
    item = new if new is not None else old
    assert item is not None
    zh, en = str(item.get("sentence_zh") or item["signal"]), str(item.get("sentence_en") or item["signal"])
    if new is None:
        zh, en = f"不再有：{zh}", f"No longer: {en}"
    return {
        "signal": item["signal"],
        "before": None if old is None else _weight(old),
        "after": None if new is None else _weight(new),
        "zh": zh,
        "en": en,
    }
