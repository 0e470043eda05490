"""Differences of two files of a model, field by field, in words."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_WORDS: Mapping[str, tuple[str, str]] = {
    "points": ("各取值的对数几率", "log-odds by value"),
    "upper": ("上限", "upper cap"),
    "lower": ("下限", "lower cap"),
    "share": ("比例", "share"),
    "least_quality": ("最低质量", "least quality"),
}


@dataclass(frozen=True)
class Difference:
    """One field that differs; ``old`` or ``new`` is None where only one file has it.

    ``part`` is the signal or the table of the field (``power_share``, ``families.meters``, ``prior``).
    """

    part: str
    field: str
    old: Any
    new: Any

    @property
    def zh(self) -> str:
        """The difference in Chinese."""
        return self._told(_WORDS.get(self.field, (self.field, ""))[0], "未设", "无", "：")

    @property
    def en(self) -> str:
        """The difference in English."""
        return self._told(_WORDS.get(self.field, ("", self.field))[1], "not there", "gone", ": ")

    def _told(self, name: str, before: str, after: str, colon: str) -> str:
        old = before if self.old is None else _written(self.old)
        new = after if self.new is None else _written(self.new)
        return f"{self.part} {name}{colon}{old} → {new}"


def differences(old: str, new: str) -> list[Difference]:
    r"""Return what differs between two texts of a model's file: signals first, then caps, prior and the rest.

    Parameters
    ----------
    old, new : str
        TOML.

    Examples
    --------
    >>> old = '[prior]\nshare = 0.02\n[[signals]]\nsignal = "power"\npoints = [[0.0, -1.0], [1.0, 2.0]]'
    >>> new = old.replace("2.0", "3.0").replace("0.02", "0.05")
    >>> [found.en for found in differences(old, new)]
    ['power log-odds by value: [0: -1, 1: +2] → [0: -1, 1: +3]', 'prior share: 0.02 → 0.05']
    >>> differences(old, old)
    []
    """
    parts_old, parts_new = _parts(tomllib.loads(old)), _parts(tomllib.loads(new))
    found = []
    for part in [*parts_new, *(part for part in parts_old if part not in parts_new)]:
        before, after = parts_old.get(part, {}), parts_new.get(part, {})
        for field in [*after, *(field for field in before if field not in after)]:
            if before.get(field) != after.get(field):
                found.append(Difference(part, field, before.get(field), after.get(field)))
    return found


def _parts(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the fields of each part: one a signal, one a table."""
    parts: dict[str, dict[str, Any]] = {}
    for signal in document.get("signals", ()):
        parts[str(signal["signal"])] = {name: value for name, value in signal.items() if name != "signal"}
    tables = {name: value for name, value in document.items() if name != "signals"}
    for path, field, value in _leaves("", tables):
        parts.setdefault(path, {})[field] = value
    return parts


def _leaves(path: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _leaves(f"{path}.{name}".lstrip("."), value)
        else:
            yield path or "file", name, value


def _written(value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        return "[" + ", ".join(f"{x:g}: {y:+g}" for x, y in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)
