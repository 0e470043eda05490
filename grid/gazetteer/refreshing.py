"""Making of the names of places from the tables that have them, and what changed there since."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from importlib import resources

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class SourceState:
    """A table from which names are made.

    Attributes
    ----------
    source : str
        Name of the table.
    refreshed_at : datetime or None
        When names were made from it; None: never.
    stale : bool
        Its rows are others than then.
    """

    source: str
    refreshed_at: dt.datetime | None
    stale: bool


def refresh_place_names(db: Session) -> int:
    """Make the names of places anew; until the transaction ends others read the former ones.

    Returns
    -------
    int
        Number of names.
    """
    db.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('place-names', 0))"))
    for table in ("place_names", "place_grams", "place_sources"):
        db.execute(text(f"DELETE FROM {table}"))
    db.execute(
        text((resources.files("grid.gazetteer") / "refresh_place_names.sql").read_text(encoding="utf-8"))
    )
    weigh_place_names(db)
    db.execute(_REMEMBER)
    return int(db.scalar(text("SELECT count(*) FROM place_names")) or 0)


def weigh_place_names(db: Session) -> None:
    """Count the grams of the stored names and weigh them: one that few names have says more."""
    db.execute(_COUNT)
    db.execute(_WEIGH)


def source_states(db: Session) -> list[SourceState]:
    """Return the tables from which names are made, with those that changed since."""
    return [SourceState(*row) for row in db.execute(_STATES)]


_SOURCES = """
    SELECT 'areas' AS source, count(*) AS n_rows, COALESCE(max(id), 0) AS newest_id,
           COALESCE(max(batch_id), 0)::bigint AS newest_batch FROM areas
    UNION ALL SELECT 'enterprises', count(*), COALESCE(max(id), 0), COALESCE(max(batch_id), 0)::bigint FROM enterprises
    UNION ALL SELECT 'sites', count(*), COALESCE(max(id), 0), COALESCE(max(batch_id), 0)::bigint FROM sites
    UNION ALL SELECT 'roads', count(*), COALESCE(max(id), 0), COALESCE(max(batch_id), 0)::bigint FROM roads
    UNION ALL SELECT 'waterways', count(*), COALESCE(max(id), 0), COALESCE(max(batch_id), 0)::bigint FROM waterways
"""
_REMEMBER = text(
    "INSERT INTO place_sources (source, n_rows, newest_id, newest_batch, refreshed_at)"
    f" SELECT now_in.*, now() FROM ({_SOURCES}) now_in"
)
_STATES = text(
    "SELECT n.source, p.refreshed_at, p.source IS NULL AND n.n_rows > 0"
    " OR (p.n_rows, p.newest_id, p.newest_batch) IS DISTINCT FROM (n.n_rows, n.newest_id, n.newest_batch)"
    "    AND (p.source IS NOT NULL OR n.n_rows > 0)"
    f" FROM ({_SOURCES}) n LEFT JOIN place_sources p USING (source) ORDER BY n.source"
)
_COUNT = text(
    "INSERT INTO place_grams (gram, n_names)"
    " SELECT gram, count(*) FROM place_names, unnest(grams) AS gram GROUP BY gram"
)
_WEIGH = text("""
UPDATE place_names p SET weights = w.weights FROM (
    SELECT n.id, array_agg(ln(1 + t.total / g.n_names)::real ORDER BY u.place) AS weights
    FROM place_names n CROSS JOIN LATERAL unnest(n.grams) WITH ORDINALITY AS u (gram, place)
    JOIN place_grams g USING (gram) CROSS JOIN (SELECT count(*)::float8 AS total FROM place_names) t
    GROUP BY n.id) w
WHERE w.id = p.id
""")
