"""Tracks as lines: made from the fixes of each day, and anew for the vehicles that reported more since.

A table and not a view: a tile asks by place, and fixes are found by vehicle and time only. At 400 million
fixes a day the lines are some millions of rows, written once by the analysis; the fixes pay nothing for it as
they come in.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.errors import NotFound
from layers.local_time import utc_text
from layers.records.statements import stored_statement

GAP_S = 15 * 60
"""Longer without a fix is a gap: the way between is not known."""
SAME_DEG = 1e-6
"""Fixes nearer to each other than that (0.1 m) are one vertex: a parked vehicle is a point of its line."""

_CHANGED = """
CREATE TEMPORARY TABLE changed_vehicles ON COMMIT DROP AS
SELECT f.vehicle_id, f.n_fixes
FROM (SELECT vehicle_id, count(*) AS n_fixes FROM fixes WHERE t >= :start AND t < :until GROUP BY vehicle_id) f
LEFT JOIN track_days d ON d.day = :day AND d.vehicle_id = f.vehicle_id
WHERE d.n_fixes IS DISTINCT FROM f.n_fixes
"""
_REMEMBER = """
INSERT INTO track_days (day, vehicle_id, n_fixes) SELECT :day, vehicle_id, n_fixes FROM changed_vehicles
ON CONFLICT (day, vehicle_id) DO UPDATE SET n_fixes = excluded.n_fixes
"""


def refresh_tracks(db: Session, start: dt.datetime, end: dt.datetime) -> int:
    """Make the lines of every UTC day that ``[start, end)`` meets; returns how many lines were written.

    A day is made as a whole and for those vehicles only whose number of fixes is another than when it was
    made last: fixes are added and never changed. Days without a fix cost nothing.
    """
    written = 0
    for day in _days_with_fixes(db, start.date(), end.date()):
        written += _refresh_day(db, day)
    return written


def _days_with_fixes(db: Session, first: dt.date, last: dt.date) -> list[dt.date]:
    names = db.scalars(
        text(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'fixes'::regclass ORDER BY 1"
        )
    )
    days = [dt.datetime.strptime(name, "fixes_%Y%m%d").date() for name in names if name != "fixes_default"]
    return [day for day in days if first <= day <= last]


def _refresh_day(db: Session, day: dt.date) -> int:
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    asked = {"day": day, "start": start, "until": start + dt.timedelta(days=1)}
    db.execute(text("DROP TABLE IF EXISTS pg_temp.changed_vehicles"))
    db.execute(text(_CHANGED), asked)
    if not db.scalar(text("SELECT EXISTS (SELECT FROM changed_vehicles)")):
        return 0
    _ensure_partition(db, day)
    db.execute(
        text(
            "DELETE FROM tracks WHERE day = :day AND vehicle_id IN (SELECT vehicle_id FROM changed_vehicles)"
        ),
        asked,
    )
    written = db.execute(stored_statement("tracks_of_day"), asked | {"gap_s": GAP_S, "same_deg": SAME_DEG})
    db.execute(text(_REMEMBER), asked)
    return int(written.rowcount)  # type: ignore[attr-defined]


def _ensure_partition(db: Session, day: dt.date) -> None:
    """Make the day's partition apart and attach it, so that readers of the other days go on meanwhile."""
    name = f"tracks_{day:%Y%m%d}"
    if db.scalar(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": name}):
        return
    driver = db.connection().connection.driver_connection
    assert driver is not None
    table = sql.Identifier(name)
    driver.execute(sql.SQL("CREATE TABLE {} (LIKE tracks INCLUDING ALL EXCLUDING IDENTITY)").format(table))
    driver.execute(
        sql.SQL("ALTER TABLE tracks ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
            table, sql.Literal(f"{day}"), sql.Literal(f"{day + dt.timedelta(1)}")
        )
    )


def vehicle_track(
    db: Session, vehicle_id: str, *, start: dt.datetime | None = None, until: dt.datetime | None = None
) -> dict[str, Any]:
    """One vehicle's way as GeoJSON: what was driven, and the gaps between.

    Parameters
    ----------
    start, until : datetime or None
        By default the 24 hours before the vehicle's last fix that the caller may see.

    Returns
    -------
    dict
        FeatureCollection: one feature of kind ``track`` (MultiLineString, one part between two gaps; null
        geometry without fixes), and one of kind ``gap`` (LineString) a gap; ``fix_count``, ``from``, ``to``.

    Raises
    ------
    NotFound
        When there are no fixes of such a vehicle, or none that the caller may see: the two are not told
        apart.
    """
    key = db.scalar(
        text("SELECT id FROM vehicles WHERE vehicle_id = :vehicle_id"), {"vehicle_id": vehicle_id}
    )
    newest = db.scalar(text("SELECT max(t) FROM fixes WHERE vehicle_id = :key"), {"key": key})
    if newest is None:
        raise NotFound(f"no fixes of a vehicle {vehicle_id!r}", f"没有车辆 {vehicle_id} 的轨迹，或无权查看")
    until = until or newest
    start = start or until - dt.timedelta(hours=24)
    asked = {"vehicle_key": key, "start": start, "until": until, "gap_s": GAP_S}
    row = db.execute(stored_statement("vehicle_track"), asked).one()
    properties = {"kind": "track", "vehicle_id": vehicle_id, "n_fixes": row.n_fixes, "parts": row.parts or []}
    track = {"type": "Feature", "geometry": row.track, "properties": properties}
    return {
        "type": "FeatureCollection",
        "features": [track, *(row.gaps or [])],
        "fix_count": row.n_fixes,
        "from": utc_text(start),
        "to": utc_text(until),
    }
