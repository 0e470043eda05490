"""Coverage: what there is for a run to read, and how many sites lack what a model needs. No site is named."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

LEAST_READINGS = 10
"""Readings of four weeks that a baseline needs (``MeterConfig.least_readings``)."""
READING_DAYS = 28


@dataclass(frozen=True)
class Coverage:
    """Counts of what a run can read.

    Attributes
    ----------
    closed_sites : int
        Production and storage sites of enterprises that do not operate.
    without_hazard : int
        Of them, those whose hazard is entered as none: the model does not look at them.
    without_closure_date : int
        Of those it looks at, the ones without the day since when they are closed.
    without_readings, with_few_readings : int
        Of those it looks at, the ones without any reading of power or water, and those with fewer than
        ``LEAST_READINGS`` in the last ``READING_DAYS`` days (monthly bills, every fifth day).
    vehicles, hazmat_vehicles : int
        Vehicles with fixes in the window, and vehicles that are listed for hazardous goods.
    """

    closed_sites: int
    without_hazard: int
    without_closure_date: int
    without_readings: int
    with_few_readings: int
    vehicles: int
    hazmat_vehicles: int

    @property
    def looked_at(self) -> int:
        """Closed sites that the model looks at."""
        return self.closed_sites - self.without_hazard


def read_coverage(db: Session, start: dt.datetime, end: dt.datetime, *, today: dt.date) -> Coverage:
    """Return what there is to read for a run over ``[start, end)`` and readings up to a day of the city."""
    asked = {
        "start": start,
        "end": end,
        "since": today - dt.timedelta(days=READING_DAYS),
        "today": today,
        "least": LEAST_READINGS,
    }
    return Coverage(**db.execute(_COVERAGE, asked).mappings().one())


_COVERAGE = text("""
WITH closed AS (
    SELECT s.id, e.hazard, e.status_since FROM sites s JOIN enterprises e ON e.id = s.enterprise_id
    WHERE s.kind IN ('production', 'storage') AND e.status <> 'operating'
), read AS (
    SELECT c.id, max(m.n) AS readings, max(m.recent) AS recent FROM closed c LEFT JOIN LATERAL (
        SELECT count(*) AS n, count(*) FILTER (WHERE r.day > :since) AS recent FROM meter_readings r
        WHERE r.site_id = c.id AND r.kind IN ('power', 'water') AND r.day <= :today AND r.value IS NOT NULL
          AND r.quality <> 'missing' GROUP BY r.kind
    ) m ON true WHERE c.hazard <> 'none' GROUP BY c.id
)
SELECT (SELECT count(*) FROM closed) AS closed_sites,
       (SELECT count(*) FROM closed WHERE hazard = 'none') AS without_hazard,
       (SELECT count(*) FROM closed WHERE hazard <> 'none' AND status_since IS NULL) AS without_closure_date,
       (SELECT count(*) FROM read WHERE readings IS NULL) AS without_readings,
       (SELECT count(*) FROM read WHERE recent < :least) AS with_few_readings,
       (SELECT count(*) FROM vehicles v WHERE EXISTS (
            SELECT FROM fixes f WHERE f.vehicle_id = v.id AND f.t >= :start AND f.t < :end)) AS vehicles,
       (SELECT count(*) FROM vehicles WHERE kind = 'hazmat') AS hazmat_vehicles
""")
