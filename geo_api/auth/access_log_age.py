"""Old rows of the access log go; those of the last half year stay, whatever is set."""

from __future__ import annotations

from sqlalchemy import text

from layers.postgres.sessions import SYSTEM, session

KEPT_DAYS = 184
"""One day more than the trigger of the table keeps."""


def remove_old_rows(url: str, days: int) -> int:
    """Remove rows older than so many days, at least ``KEPT_DAYS``; 0 keeps all. Returns how many went."""
    if days <= 0:
        return 0
    with session(SYSTEM, url) as db:
        gone = db.execute(
            text(
                "WITH gone AS (DELETE FROM access_log WHERE at < now() - make_interval(days => :days) RETURNING 1)"
                " SELECT count(*) FROM gone"
            ),
            {"days": max(days, KEPT_DAYS)},
        )
        return int(gone.scalar_one())
