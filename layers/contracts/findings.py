"""Findings about a delivery: each rule with the rows that break it, the first of them one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Level = Literal["hold", "warn"]
MOST_KEPT = 2_000
"""Findings that are kept one by one; their numbers are whole."""


@dataclass(frozen=True)
class Finding:
    """A row that breaks a rule; row 0: the delivery as a whole.

    No value stands in it: the department has its file, and what names persons stays there.
    """

    row: int
    field: str
    rule: str
    level: Level
    zh: str
    en: str


@dataclass
class Findings:
    """Findings about one delivery.

    Attributes
    ----------
    rows : int
        Rows of the delivery.
    kept : list of Finding
        The first ones of each frame, at most :data:`MOST_KEPT`.
    counts : dict of str to int
        Rows that break each rule.
    levels : dict of str to str
        Level of each rule that was broken.
    notes : list of str
        What could not be judged, and why.
    """

    rows: int = 0
    kept: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    levels: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        """Return whether a rule that holds was broken."""
        return "hold" in self.levels.values()

    def add(
        self, rows: Iterable[int], count: int, field: str, rule: str, level: Level, zh: str, en: str
    ) -> None:
        """Add the rows that break a rule: their number, and as many of them as there is room for."""
        if not count:
            return
        self.counts[rule] = self.counts.get(rule, 0) + count
        self.levels[rule] = level
        room = MOST_KEPT - len(self.kept)
        for row, _ in zip(rows, range(room), strict=False):
            self.kept.append(Finding(row, field, rule, level, zh, en))

    def drop(self, rule: str) -> None:
        """Forget a rule, when another finding says the same of all rows."""
        self.counts.pop(rule, None)
        self.levels.pop(rule, None)
        self.kept = [one for one in self.kept if one.rule != rule]

    def told(self) -> str:
        """Return the rules that were broken, in one text for people: each with its rows, and the first of them.

        Examples
        --------
        >>> found = Findings()
        >>> found.add([3, 9], 2, "kwh", "range", "hold", "超出范围", "out of range")
        >>> found.told()
        '不符合约定 breaks its contract: range 2 行 rows; 第 3 行 row 3 · kwh: 超出范围 out of range'
        """
        counts = ", ".join(f"{rule} {n:,} 行 rows" for rule, n in self.counts.items())
        first = {one.rule: one for one in reversed(self.kept)}
        rows = [
            f"第 {one.row} 行 row {one.row} · {one.field}" if one.row else one.field for one in first.values()
        ]
        told = [
            f"{row}: {one.zh} {one.en}".removeprefix(": ")
            for row, one in zip(rows, first.values(), strict=True)
        ]
        return "; ".join([f"不符合约定 breaks its contract: {counts}", *told])

    def document(self) -> dict[str, Any]:
        """Return them as they are stored with the delivery."""
        kept = sorted(self.kept, key=lambda one: (one.row, one.field, one.rule))
        rules = [
            {"rule": rule, "level": self.levels[rule], "rows": rows} for rule, rows in self.counts.items()
        ]
        return {"rules": rules, "findings": [asdict(one) for one in kept], "notes": self.notes}
