"""What stands behind an alert or a case: the evidence card, meters, visits, and a vehicle's track."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from importlib import resources
from typing import Any

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from layers.errors import NotFound

METER_DAYS = 400
"""Days of readings on a card: more than a year, so that the same season can be compared."""
MAX_VISITS = 200
GAP_S = 15 * 60
"""Longer without a fix is a gap: the way between is not known."""


@lru_cache
def _statement(name: str) -> TextClause:
    return text((resources.files("layers") / "records" / "sql" / f"{name}.sql").read_text(encoding="utf-8"))


def alert_card(db: Session, alert_id: int) -> dict[str, Any]:
    """One alert with its site, enterprise, evidence, readings and visits.

    Returns
    -------
    dict
        ``alert``, ``site``, ``enterprise``, ``level``, ``score``, ``evidence``, ``would_lower``, ``notices``,
        ``meters`` (kind to readings), ``visits`` (plates as stored: mask them before they leave), ``case_number``, ``run``.

    Raises
    ------
    NotFound
        When there is none, or none that the caller may see.
    """
    row = db.execute(_statement("alert_card"), {"alert_id": alert_id}).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no alert {alert_id}")
    raised_at = dt.datetime.fromisoformat(row["raised_at"])
    alert = {name: row[name] for name in ("id", "kind", "level", "score", "status", "outcome", "raised_at")}
    return {
        "alert": alert,
        **{
            name: row[name]
            for name in (
                "site",
                "enterprise",
                "level",
                "score",
                "evidence",
                "would_lower",
                "notices",
                "run",
                "case_number",
            )
        },
        "meters": site_meters(db, row["site_key"], until=raised_at.date()),
        "visits": site_visits(db, row["site_key"], until=raised_at),
    }


def site_meters(
    db: Session, site_key: int, *, until: dt.date, days: int = METER_DAYS
) -> dict[str, list[dict[str, Any]]]:
    """Readings of a site by kind (power in kWh, water and gas in m³), ``power`` and ``water`` always present."""
    rows = db.execute(
        _statement("site_meters"),
        {"site_key": site_key, "until": until, "since": until - dt.timedelta(days=days)},
    )
    return {"power": [], "water": [], **{kind: readings for kind, readings in rows}}


def site_visits(
    db: Session, site_key: int, *, until: dt.datetime, limit: int = MAX_VISITS
) -> list[dict[str, Any]]:
    """Visits at a site up to a moment, newest first."""
    rows = db.execute(_statement("site_visits"), {"site_key": site_key, "until": until, "limit": limit})
    return [dict(row) for row in rows.mappings()]


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
        FeatureCollection: one feature of kind ``track`` (MultiLineString, one part between two gaps; null geometry
        without fixes), and one of kind ``gap`` (LineString) a gap; ``fix_count``, ``from``, ``to``.

    Raises
    ------
    NotFound
        When there are no fixes of such a vehicle, or none that the caller may see: the two are not told apart.
    """
    key = db.scalar(
        text("SELECT id FROM vehicles WHERE vehicle_id = :vehicle_id"), {"vehicle_id": vehicle_id}
    )
    newest = db.scalar(text("SELECT max(t) FROM fixes WHERE vehicle_id = :key"), {"key": key})
    if newest is None:
        raise NotFound(f"no fixes of a vehicle {vehicle_id!r}")
    until = until or newest
    start = start or until - dt.timedelta(hours=24)
    asked = {"vehicle_key": key, "start": start, "until": until, "gap_s": GAP_S}
    row = db.execute(_statement("vehicle_track"), asked).one()
    properties = {"kind": "track", "vehicle_id": vehicle_id, "n_fixes": row.n_fixes, "parts": row.parts or []}
    track = {"type": "Feature", "geometry": row.track, "properties": properties}
    return {
        "type": "FeatureCollection",
        "features": [track, *(row.gaps or [])],
        "fix_count": row.n_fixes,
        "from": start.isoformat(),
        "to": until.isoformat(),
    }
