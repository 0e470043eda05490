"""Changes between two versions of the duty list: lines added, removed, withdrawn, handed on or changed."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from grid.responsibility.duties import Duty

Key = tuple[str, str, str]
"""Item, area and role: who holds them may change."""
TERMS = ("item", "domain", "legal_basis", "kind", "level", "valid_from", "valid_to")


@dataclass(frozen=True)
class DutyChange:
    """One change of a line of the duty list.

    Attributes
    ----------
    change : str
        ``added``, ``removed``, ``withdrawn`` (the same line ends now, or earlier), ``handed_on`` (another
        body for the same item, area and role) or ``changed`` (other terms of the same line).
    fields : dict
        Names of terms that differ, with the value before and after.
    """

    change: Literal["added", "removed", "withdrawn", "handed_on", "changed"]
    item_code: str
    area_code: str
    role: str
    body: str
    body_before: str | None = None
    fields: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        head = f"{self.item_code} {self.area_code} {self.role}: "
        if self.change == "handed_on":
            return f"{head}{self.body_before} → {self.body}"
        told = ", ".join(f"{name} {before} → {after}" for name, (before, after) in self.fields.items())
        return head + self.body + (f" ({told})" if told else "")


def compare_lists(old: Iterable[Duty], new: Iterable[Duty]) -> list[DutyChange]:
    """Compare two duty lists and return the changes, by item, area and role.

    A body that disappears from a place (item, area, role) where another appears has handed its duty on;
    several of them are paired in the order of their names.
    """
    before, after = _by_place(old), _by_place(new)
    changes: list[DutyChange] = []
    for key in sorted(before.keys() | after.keys()):
        changes += _changes_of_place(key, before.get(key, {}), after.get(key, {}))
    return changes


def _by_place(duties: Iterable[Duty]) -> dict[Key, dict[str, list[Duty]]]:
    found: dict[Key, dict[str, list[Duty]]] = defaultdict(lambda: defaultdict(list))
    for duty in sorted(duties, key=lambda duty: duty.valid_from):
        found[duty.item_code, duty.area_code, duty.role][duty.body].append(duty)
    return found


def _changes_of_place(key: Key, old: dict[str, list[Duty]], new: dict[str, list[Duty]]) -> list[DutyChange]:
    gone, come = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
    paired = min(len(gone), len(come))
    changes = [
        DutyChange("handed_on", *key, after, before)
        for before, after in zip(gone[:paired], come[:paired], strict=True)
    ]
    changes += [DutyChange("removed", *key, body) for body in gone[paired:]]
    changes += [DutyChange("added", *key, body) for body in come[paired:]]
    for body in sorted(old.keys() & new.keys()):
        changes += _changes_of_body(key, body, old[body], new[body])
    return changes


def _changes_of_body(key: Key, body: str, old: list[Duty], new: list[Duty]) -> list[DutyChange]:
    """Lines of one body at one place: those with the same first day are one line."""
    before, after = ({duty.valid_from: duty for duty in duties} for duties in (old, new))
    gone, come = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
    pairs = [(before[day], after[day]) for day in sorted(before.keys() & after.keys())]
    paired = min(len(gone), len(come))
    pairs += [(before[a], after[b]) for a, b in zip(gone[:paired], come[:paired], strict=True)]
    changes = [_one("removed", key, body, before[day]) for day in gone[paired:]]
    changes += [_one("added", key, body, after[day]) for day in come[paired:]]
    for first, second in pairs:
        fields = {
            n: (getattr(first, n), getattr(second, n))
            for n in TERMS
            if getattr(first, n) != getattr(second, n)
        }
        if fields:
            ends = (second.valid_to or dt.date.max) < (first.valid_to or dt.date.max)
            changes.append(DutyChange("withdrawn" if ends else "changed", *key, body, None, fields))
    return changes


def _one(change: Literal["added", "removed"], key: Key, body: str, duty: Duty) -> DutyChange:
    days = (None, duty.valid_from) if change == "added" else (duty.valid_from, None)
    return DutyChange(change, *key, body, None, {"valid_from": days})


def in_force(duties: Iterable[Duty], day: dt.date) -> list[Duty]:
    """Return the lines that are in force on a day."""
    return [duty for duty in duties if duty.holds(day)]


@dataclass(frozen=True)
class Empowerment:
    """An item that a town may act on by itself, since when, and when it was withdrawn."""

    town_code: str
    item_code: str
    item: str
    body: str
    legal_basis: str
    valid_from: dt.date
    withdrawn_on: dt.date | None


def empowerments(duties: Iterable[Duty]) -> list[Empowerment]:
    """Lines by which towns lead (赋权), by town and item; withdrawn ones too."""
    found = [
        Empowerment(d.area_code, d.item_code, d.item, d.body, d.legal_basis, d.valid_from, d.valid_to)
        for d in duties
        if d.level == "town" and d.role == "lead"
    ]
    return sorted(found, key=lambda e: (e.town_code, e.item_code, e.valid_from))
