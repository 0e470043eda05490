"""Rows of the access log: written, read newest first, removed when they are old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from layers.tables import AccessLog

KEPT_DAYS = 184
"""One day more than the trigger of the table keeps."""


@dataclass(frozen=True)
class CallFilter:
    """Filter of logged calls; None: any.

    Attributes
    ----------
    username : str or None
    path_start : str or None
        How the path begins.
    status : int or None
    request_id : str or None
    start, end : datetime or None
        From ``start`` on, before ``end``.
    before_id : int or None
        Only rows older than that one.
    """

    username: str | None = None
    path_start: str | None = None
    status: int | None = None
    request_id: str | None = None
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    before_id: int | None = None


def add_calls(db: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add calls; the keys of each row are columns of :class:`layers.tables.AccessLog`."""
    db.execute(insert(AccessLog), list(rows))


def read_calls(db: Session, wanted: CallFilter, limit: int) -> list[AccessLog]:
    """Calls, the newest first."""
    statement = select(AccessLog).order_by(AccessLog.id.desc()).limit(limit)
    if wanted.username is not None:
        statement = statement.where(AccessLog.username == wanted.username)
    if wanted.path_start is not None:
        statement = statement.where(AccessLog.path.startswith(wanted.path_start, autoescape=True))
    if wanted.status is not None:
        statement = statement.where(AccessLog.status == wanted.status)
    if wanted.request_id is not None:
        statement = statement.where(AccessLog.request_id == wanted.request_id)
    if wanted.start is not None:
        statement = statement.where(AccessLog.at >= wanted.start)
    if wanted.end is not None:
        statement = statement.where(AccessLog.at < wanted.end)
    if wanted.before_id is not None:
        statement = statement.where(AccessLog.id < wanted.before_id)
    return list(db.scalars(statement))


def remove_calls(db: Session, days: int) -> int:
    """Remove calls older than so many days, at least ``KEPT_DAYS``; returns how many went."""
    gone = db.execute(
        text(
            "WITH gone AS (DELETE FROM access_log WHERE at < now() - make_interval(days => :days) RETURNING 1)"
            " SELECT count(*) FROM gone"
        ),
        {"days": max(days, KEPT_DAYS)},
    )
    return int(gone.scalar_one())
