"""Rows of a collection that changed since a position, in the scope of the caller; for copies kept elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from layers.collections.collection import Collection
from layers.collections.filters import Selection, selection_conditions
from layers.errors import ChangesGone, InvalidFilter
from layers.postgres import SAME_TABLE

KEPT_DAYS = 30
"""Changes are kept for this long (SQL function ``tell_change`` removes those a day older)."""
_AFTER_EVERY_ROW = 10**17
_TABLE_OF = {shown: table for table, others in SAME_TABLE.items() for shown in others}


@dataclass(frozen=True)
class Position:
    """A place in the order of the commits, and when it was given out.

    Examples
    --------
    >>> Position.parse("17-204-1764374400") == Position(17, 204, 1764374400)
    True
    """

    change_id: int
    row_id: int
    given_s: int

    @classmethod
    def parse(cls, written: str) -> Position:
        """Parse a position as ``str`` writes it.

        Raises
        ------
        InvalidFilter
        """
        parts = written.split("-")
        if len(parts) != 3 or not all(
            part.isdecimal() and part.isascii() and len(part) < 19 for part in parts
        ):
            raise InvalidFilter("after: a position that this service gave out is needed, as in `next`")
        return cls(*map(int, parts))

    def __str__(self) -> str:
        return f"{self.change_id}-{self.row_id}-{self.given_s}"


@dataclass(frozen=True)
class RowsChanged:
    """One row that changed.

    Attributes
    ----------
    id : int
        Key of the feature.
    deleted : bool
        Whether the caller sees it no more: it was deleted, ended, or left the scope of the caller.
    at : datetime
        When its newest change was committed.
    """

    id: int
    deleted: bool
    at: dt.datetime


@dataclass(frozen=True)
class ChangesPage:
    """Changes of a collection after a position.

    Attributes
    ----------
    changes : list of RowsChanged
        Each row once, in the order of its newest change.
    everything : bool
        Whether any other row may have changed, too: the collection is read anew.
    next : str
        Position after these changes.
    more : bool
        Whether there are more at once.
    """

    changes: list[RowsChanged]
    everything: bool
    next: str
    more: bool


def newest_position(db: Session, now: dt.datetime) -> str:
    """Return the position after everything that was committed; take it before a collection is read."""
    return str(Position(_newest_change(db), _AFTER_EVERY_ROW, int(now.timestamp())))


def _newest_change(db: Session) -> int:
    return int(db.scalars(text("SELECT newest_change()")).one())


def read_changes(
    db: Session, collection: Collection, after: str | None, now: dt.datetime, *, limit: int = 1000
) -> ChangesPage:
    """Read the rows that changed after a position.

    Parameters
    ----------
    db : Session
        In the scope of the caller, which decides on what is told and on what counts as deleted.
    after : str or None
        ``next`` of the page before, or :func:`newest_position`; None: no change, and the position of now.
    limit : int
        Entries of the log that are read at most; an entry names up to 1,000 rows of one statement.

    Raises
    ------
    ChangesGone
        The position is older than ``KEPT_DAYS``, or belongs to another database.
    InvalidFilter
        It is not a position.
    """
    if after is None:
        return ChangesPage([], False, newest_position(db, now), False)
    start = Position.parse(after)
    _check_kept(db, start, now)
    entries = db.execute(
        text("SELECT change_id, id, row_ids, at FROM row_changes_after(:layer, :change, :row, :most)"),
        {
            "layer": _TABLE_OF.get(collection.id, collection.id),
            "change": start.change_id,
            "row": start.row_id,
            "most": limit + 1,
        },
    ).all()
    shown, more = entries[:limit], len(entries) > limit
    newest: dict[int, dt.datetime] = {}
    for entry in shown:
        for key in entry.row_ids or ():
            newest.pop(key, None)
            newest[key] = entry.at
    seen = _visible(db, collection, newest)
    change_id, row_id = (shown[-1].change_id, shown[-1].id) if shown else (start.change_id, start.row_id)
    return ChangesPage(
        [RowsChanged(key, key not in seen, at) for key, at in newest.items()],
        any(entry.row_ids is None for entry in shown),
        str(Position(change_id, row_id, int(now.timestamp()))),
        more,
    )


def _check_kept(db: Session, start: Position, now: dt.datetime) -> None:
    age_s = now.timestamp() - start.given_s
    if age_s > KEPT_DAYS * 86_400 or start.change_id > _newest_change(db):
        raise ChangesGone(
            f"after: changes are kept for {KEPT_DAYS} days, and this position is older or of another database:"
            " read the collection anew"
        )


def _visible(db: Session, collection: Collection, keys: Iterable[int]) -> set[int]:
    """Return those of the rows that the collection shows to the caller."""
    wanted = list(keys)
    if not wanted:
        return set()
    conditions = selection_conditions(collection, Selection())
    statement = (
        select(collection.key).select_from(collection.source).where(collection.key.in_(wanted), *conditions)
    )
    return set(db.scalars(statement))
