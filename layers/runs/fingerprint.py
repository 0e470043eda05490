"""Fingerprint of what a run reads: one value a table, of every column that the models or the opening of cases read."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.local_time import start_of_day

COLUMNS: dict[str, tuple[str, str]] = {
    "enterprises": ("enterprises r", "r.id, r.uscc, r.name, r.industry, r.hazard, r.status, r.status_since"),
    "sites": ("sites r", "r.id, r.site_id, r.enterprise_id, r.kind, r.geom, r.boundary, r.area_id"),
    "notices": ("notices r", "r.site_id, r.kind, r.valid_from, r.valid_to"),
    "licences": ("licences r", "r.enterprise_id, r.site_id, r.licence_kind, r.valid_from, r.valid_to"),
    "meters": (
        "meter_readings r WHERE r.ended_at <= :day_ends",
        "r.site_id, r.kind, r.meter_id, r.began_at, r.ended_at, r.value, r.quality, r.flags",
    ),
    "places": ("places r", "r.kind, r.lon, r.lat, r.radius_m"),
    "vehicles": ("vehicles r", "r.id, r.vehicle_id, r.kind"),
    "fences": ("fences r", "r"),
    "duty_items": ("duty_items r", "r"),
    "matters": ("matters r", "r"),
    "bodies": ("bodies r WHERE r.confirmed", "r"),
    "alert_kinds": ("alert_kinds r", "r.kind, r.item_code"),
    "areas": ("areas r", "r.id, r.code, r.parent_id, r.valid_from, r.valid_to"),
    "calendar": ("calendar_days r", "r"),
}
"""Table (with the rows that count) and columns of each part.

A version of an area never changes its shape; bodies that nobody confirmed are added by the opening of cases itself.
"""


def read_fingerprint(
    db: Session, start: dt.datetime, end: dt.datetime, *, today: dt.date, only_fixes: bool = False
) -> dict[str, str]:
    """Return a value for each table that changes when anything changes that a run over ``[start, end)`` reads.

    Fixes are counted, with their batches: a fix is never changed, it is added or taken back with its batch.

    Parameters
    ----------
    today : date
        Day of the city up to which readings are read.
    only_fixes : bool
        Of a run that finds stays only: fixes, vehicles and fences.
    """
    parts = {"fixes": _FIXES}
    for name, (rows, columns) in COLUMNS.items():
        if not only_fixes or name in ("vehicles", "fences"):
            row = columns if columns == "r" else f"ROW({columns})"
            parts[name] = _ROWS.format(row=row, rows=rows)
    day_ends = start_of_day(today + dt.timedelta(days=1))
    asked = {"start": start, "end": end, "day_ends": day_ends}
    found: dict[str, str] = {}
    for name, statement in parts.items():
        values = {key: value for key, value in asked.items() if f":{key}" in statement}
        found[name] = str(db.execute(text(statement), values).scalar_one())
    return found


# The halves of the hashes are summed apart: whole numbers are exact whatever the order of the rows.
_ROWS = """
SELECT count(*) || '/' || COALESCE(sum(h.hash >> 32), 0) || '/' || COALESCE(sum(h.hash & 4294967295), 0)
FROM (SELECT hashtextextended(({row})::text, 0) AS hash FROM {rows}) h
"""
_FIXES = """
SELECT count(*) || '/' || COALESCE(max(t)::text, '') || '/' || COALESCE((
    SELECT sum(hashtextextended(ROW(b.id, b.state)::text, 0) >> 32) FROM batches b
    WHERE b.kind = 'tracks' AND b.fixes_from < :end AND b.fixes_to >= :start), 0)
FROM fixes WHERE t >= :start AND t < :end
"""
