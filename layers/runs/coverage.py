"""Coverage: what there is for a run to read, and how many sites lack what a model needs. No site is named."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.local_time import local_zone, start_of_day
from layers.readings import LONGEST_DAY

LEAST_READINGS = 10
"""Readings of ``READING_DAYS`` below which a site is told as read seldom (monthly bills, every fifth day)."""
READING_DAYS = 28


@dataclass(frozen=True)
class Coverage:
    """Counts of what a run can read.

    Attributes
    ----------
    closed_sites : int
        Production and storage sites of enterprises that do not operate, with a place.
    without_hazard : int
        Of them, those whose hazard is entered as none, or was never entered.
    without_closure_date : int
        Of those it looks at, the ones without the day since when they are closed.
    without_readings, with_few_readings : int
        Of those it looks at, the ones without any reading of power or water, and those with readings of fewer than
        ``LEAST_READINGS`` of the last ``READING_DAYS`` days (monthly bills, every fifth day).
    vehicles, hazmat_vehicles : int
        Vehicles with fixes in the window, and vehicles that are listed for hazardous goods.
    sites, without_place : int
        Production and storage sites, and those of them of which only the address is known: no run looks at these.
    """

    closed_sites: int
    without_hazard: int
    without_closure_date: int
    without_readings: int
    with_few_readings: int
    vehicles: int
    hazmat_vehicles: int
    sites: int = 0
    without_place: int = 0

    @property
    def looked_at(self) -> int:
        """Closed sites that the model looks at: all."""
        return self.closed_sites


def read_coverage(db: Session, start: dt.datetime, end: dt.datetime, *, today: dt.date) -> Coverage:
    """Return what there is to read for a run over ``[start, end)`` and readings up to a day of the city."""
    asked = {
        "start": start,
        "end": end,
        "since": start_of_day(today + dt.timedelta(days=1 - READING_DAYS)),
        "day_ends": start_of_day(today + dt.timedelta(days=1)),
        "longest": LONGEST_DAY,
        "zone": local_zone().key,
        "least": LEAST_READINGS,
    }
    return Coverage(**db.execute(_COVERAGE, asked).mappings().one())


_COVERAGE = text("""
WITH closed AS (
    SELECT s.id, e.hazard, e.status_since FROM sites s JOIN enterprises e ON e.id = s.enterprise_id
    WHERE s.kind IN ('production', 'storage') AND e.status <> 'operating' AND s.geom IS NOT NULL
), read AS (
    SELECT c.id, max(m.n) AS readings, max(m.recent) AS recent FROM closed c LEFT JOIN LATERAL (
        SELECT count(*) AS n, count(DISTINCT (r.began_at AT TIME ZONE :zone)::date) FILTER (
                   WHERE r.began_at >= :since AND r.ended_at - r.began_at <= :longest) AS recent
        FROM meter_readings r
        WHERE r.site_id = c.id AND r.kind IN ('power', 'water') AND r.ended_at <= :day_ends AND r.value IS NOT NULL
          AND r.quality <> 'missing' GROUP BY r.kind
    ) m ON true GROUP BY c.id
)
SELECT (SELECT count(*) FROM closed) AS closed_sites,
       (SELECT count(*) FROM sites WHERE kind IN ('production', 'storage')) AS sites,
       (SELECT count(*) FROM sites WHERE kind IN ('production', 'storage') AND geom IS NULL) AS without_place,
       (SELECT count(*) FROM closed WHERE hazard = 'none') AS without_hazard,
       (SELECT count(*) FROM closed WHERE status_since IS NULL) AS without_closure_date,
       (SELECT count(*) FROM read WHERE readings IS NULL) AS without_readings,
       (SELECT count(*) FROM read WHERE recent < :least) AS with_few_readings,
       (SELECT count(*) FROM vehicles v WHERE EXISTS (
            SELECT FROM fixes f WHERE f.vehicle_id = v.id AND f.t >= :start AND f.t < :end)) AS vehicles,
       (SELECT count(*) FROM vehicles WHERE kind = 'hazmat') AS hazmat_vehicles
""")
