"""Rows by their id, as the scope of the transaction sees them."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from layers.errors import NotFound

Row = TypeVar("Row")


def read_seen(
    db: Session, table: type[Row], row_id: int, name: tuple[str, str], *, lock: bool = False
) -> Row:
    """Return the row of an id; one that is out of scope is as one that is not there.

    Parameters
    ----------
    name : tuple of str
        What a row is called, in English and Chinese.
    lock : bool
        Hold the row until the transaction ends, as it is stored now.

    Raises
    ------
    NotFound
    """
    key: Any = getattr(table, "id")  # noqa: B009 - every table that is asked has one
    wanted = select(table).where(key == row_id)
    if lock:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    found: Row | None = db.scalar(wanted)
    if found is None:
        en, zh = name
        raise NotFound(f"no {en} {row_id}", f"没有{zh} {row_id}，或无权查看")
    return found
