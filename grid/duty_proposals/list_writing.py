"""A duty list put into force from a day on: lines end, lines begin, the others stay as they are."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.registers import add_unconfirmed_matters
from grid.responsibility import Duty, stored_list
from layers.records.duty_lists import write_duties

Covers = Literal["whole", "items"]
"""``whole``: the list replaces every item; ``items``: those that it names, the others stay."""
Place = tuple[str, str, str, str]


@dataclass(frozen=True)
class ListChange:
    """Lines that a new list ends, drops before they begin, and begins on its day or later."""

    ended: list[Duty]
    dropped: list[Duty]
    begun: list[Duty]

    @property
    def empty(self) -> bool:
        """Return whether the new list says what the stored one says."""
        return not (self.ended or self.dropped or self.begun)


def list_change(stored: Iterable[Duty], new: Iterable[Duty], day: dt.date, covers: Covers) -> ListChange:
    """Return what changes when a new list holds from a day on.

    A line that holds on with the same terms stays; what the list said before that day is not touched.

    Examples
    --------
    >>> def line(body, since="2024-01-01", until=None):
    ...     days = (dt.date.fromisoformat(since), until and dt.date.fromisoformat(until))
    ...     return Duty(0, "X-1", "x", "urban", "law", "penalty", body, "town", "1", "lead", *days)
    >>> change = list_change([line("A"), line("B")], [line("A"), line("C")], dt.date(2026, 7, 1), "whole")
    >>> [d.body for d in change.ended], [(d.body, d.valid_from.isoformat()) for d in change.begun]
    (['B'], [('C', '2026-07-01')])
    """
    given = [line for line in new if line.valid_to is None or line.valid_to > day]
    named = {line.item_code for line in new}
    standing = [
        line
        for line in stored
        if (line.valid_to is None or line.valid_to > day) and (covers == "whole" or line.item_code in named)
    ]
    of_place: dict[Place, list[Duty]] = defaultdict(list)
    for line in given:
        of_place[_place(line)].append(line)
    change = ListChange([], [], [])
    for line in standing:
        same = next((one for one in of_place[_place(line)] if _goes_on(line, one, day)), None)
        if same is not None:
            of_place[_place(line)].remove(same)
        elif line.valid_from < day:
            change.ended.append(line)
        else:
            change.dropped.append(line)
    for lines in of_place.values():
        change.begun.extend(replace(line, valid_from=max(line.valid_from, day)) for line in lines)
    return change


def _place(line: Duty) -> Place:
    return line.item_code, line.body, line.area_code, line.role


def _goes_on(stored: Duty, given: Duty, day: dt.date) -> bool:
    terms = ("item", "domain", "legal_basis", "kind", "level", "valid_to")
    if any(getattr(stored, name) != getattr(given, name) for name in terms):
        return False
    return stored.valid_from == given.valid_from or (stored.valid_from < day and given.valid_from <= day)


def write_list(db: Session, new: Iterable[Duty], day: dt.date, covers: Covers) -> ListChange:
    """Write a new list into the stored one from a day on, in the batch of the transaction.

    Items that the register of matters does not have become unconfirmed matters.
    """
    change = list_change(stored_list(db), new, day, covers)
    ended = {"ids": [line.id for line in change.ended], "day": day}
    db.execute(text(_END), ended)
    db.execute(text(_DROP), {"ids": [line.id for line in change.dropped]})
    if change.begun:
        columns = [name for name in Duty.__dataclass_fields__ if name != "id"]
        rows = [{name: getattr(line, name) for name in columns} for line in change.begun]
        types = {name: pl.Date if name.startswith("valid_") else pl.Utf8 for name in columns}
        write_duties(db, pl.DataFrame(rows, schema=types))
        add_unconfirmed_matters(db)
    return change


_END = "UPDATE duty_items SET valid_to = :day, batch_id = current_batch() WHERE id = ANY (CAST(:ids AS bigint[]))"
_DROP = "DELETE FROM duty_items WHERE id = ANY (CAST(:ids AS bigint[]))"
