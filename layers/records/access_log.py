"""Rows of the access log: written, read newest first, removed when they are old."""

from __future__ import annotations

import datetime as dt
import uuid
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


def add_missing_calls(db: Session, rows: Sequence[dict[str, Any]]) -> int:
    """Add the calls that are not in the log, told by request and moment; return how many."""
    known = select(AccessLog.request_id, AccessLog.at, AccessLog.path)
    ids = {row["request_id"] for row in rows}
    there = {tuple(row) for row in db.execute(known.where(AccessLog.request_id.in_(ids)))}
    missing = [row for row in rows if (row["request_id"], row["at"], row["path"]) not in there]
    if missing:
        add_calls(db, missing)
    return len(missing)


def add_last_call(db: Session, row: dict[str, Any]) -> None:
    """Add a call at the end of its own transaction.

    Callers hold no right to write the log, so their scope ends here.
    """
    db.flush()
    db.execute(text("SELECT set_config('role', 'none', true)"))
    add_calls(db, [row])


def command_row(
    actor: str,
    path: str,
    detail: dict[str, Any] | None = None,
    *,
    method: str = "COMMAND",
    area_code: str | None = None,
) -> dict[str, Any]:
    """Return the row of what somebody did on the command line; it is written in the transaction of the act.

    Parameters
    ----------
    actor : str
        Account of the machine.
    path : str
        Subject of the command, written like a path.
    detail : dict, optional
        Counts of what was written.
    method : str
    area_code : str, optional
        Area that the act is about.
    """
    return {
        "at": dt.datetime.now(dt.UTC),
        "username": actor,
        "role": "operator",
        "method": method,
        "path": path,
        "status": 200,
        "request_id": uuid.uuid4().hex[:16],
        "area_code": area_code,
        "detail": detail,
    }


def read_calls(db: Session, wanted: CallFilter, limit: int) -> list[AccessLog]:
    """Return calls, the newest first."""
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
