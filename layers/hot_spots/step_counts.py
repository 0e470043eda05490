"""Stored visits and alerts by day and cell: what the patterns over time are counted from."""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

_SCHEMA = {"h3_9": pl.Int64, "day": pl.Date, "what": pl.Int64}
_VISITS = """
SELECT DISTINCT s.h3_9, (v.entered_at AT TIME ZONE :zone)::date AS day, v.vehicle_id
FROM (
    SELECT DISTINCT ON (visit_id) visit_id, site_id, vehicle_id, entered_at
    FROM visits WHERE entered_at >= :start AND entered_at < :end AND site_id IS NOT NULL AND excluded_by IS NULL
        AND vehicle_id IN (SELECT id FROM vehicles WHERE kind = 'hazmat')
    ORDER BY visit_id, share DESC, site_id
) v JOIN sites s ON s.id = v.site_id
"""
_STOPS = """
SELECT DISTINCT y.h3_9, y.vehicle_id FROM stays y
WHERE y.started_at >= :start AND y.started_at < :end AND y.ended_at - y.started_at >= make_interval(secs => :min_stop_s)
    AND y.vehicle_id IN (SELECT id FROM vehicles WHERE kind = 'hazmat')
    AND NOT EXISTS (SELECT FROM sites s WHERE s.geom && ST_Expand(y.geom, :reach_m / 50000.0)
        AND ST_DistanceSphere(s.geom, y.geom) <= :reach_m)
    AND NOT EXISTS (SELECT FROM places p WHERE p.geom && ST_Expand(y.geom, 0.05)
        AND ST_DistanceSphere(p.geom, y.geom) <= p.radius_m + 100)
"""
_ALERTS = """
SELECT s.h3_9, (a.raised_at AT TIME ZONE :zone)::date AS day, a.site_id
FROM alerts a JOIN sites s ON s.id = a.site_id WHERE a.raised_at >= :start AND a.raised_at < :end
"""


def visits_by_day(db: Session, start: dt.datetime, end: dt.datetime, local_zone: str) -> pl.DataFrame:
    """Return the stored visits of hazardous-goods vehicles that began in ``[start, end)``.

    A visit with several candidates is one at the likeliest; several of one vehicle in a cell and a day are one.

    Returns
    -------
    polars.DataFrame
        ``h3_9`` of the site, ``day`` in the zone, ``what`` (number of the vehicle).
    """
    return _read(db, _VISITS, start, end, local_zone)


def alerts_by_day(db: Session, start: dt.datetime, end: dt.datetime, local_zone: str) -> pl.DataFrame:
    """Return the alerts that were raised in ``[start, end)``.

    Returns
    -------
    polars.DataFrame
        ``h3_9`` of the site, ``day`` in the zone, ``what`` (number of the site).
    """
    return _read(db, _ALERTS, start, end, local_zone)


def stops_elsewhere(db: Session, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
    """Return where hazardous-goods vehicles stood with no known site within 300 m, half an hour or longer.

    Stays within 100 m of a place where vehicles may stand (its own radius besides) are left out.

    Returns
    -------
    polars.DataFrame
        ``h3_9``, ``vehicle_id``, each pair once.
    """
    limits = {"min_stop_s": 1800.0, "reach_m": 300.0}
    rows = db.execute(text(_STOPS), {"start": start, "end": end, **limits})
    schema = {"h3_9": pl.Int64, "vehicle_id": pl.Int64}
    return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")


def _read(db: Session, sql: str, start: dt.datetime, end: dt.datetime, local_zone: str) -> pl.DataFrame:
    rows = db.execute(text(sql), {"start": start, "end": end, "zone": local_zone})
    return pl.DataFrame([tuple(row) for row in rows], schema=_SCHEMA, orient="row")
