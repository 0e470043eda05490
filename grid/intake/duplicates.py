"""Open cases and clues near a place and of the same matter: what may have been reported before."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.local_time import local_day

DEFAULT_RADIUS_M = 100.0
DEFAULT_DAYS = 30
"""For matters that say nothing of duplicates."""
MOST_FOUND = 20


@dataclass(frozen=True)
class Duplicate:
    """An open case or a clue that may be the same thing.

    Attributes
    ----------
    kind : str
        ``case`` or ``clue``.
    key : str
        Number of the case, or id of the clue.
    lon, lat : float
        Degrees, EPSG:4326.
    """

    kind: str
    key: str
    title: str
    state: str
    item_code: str | None
    reported_at: dt.datetime
    distance_m: float
    lon: float
    lat: float


def find_duplicates(
    db: Session,
    *,
    lon: float,
    lat: float,
    item_code: str | None,
    at: dt.datetime,
    but_clue: int | None = None,
) -> tuple[list[Duplicate], float, int]:
    """Return open cases and clues within the radius and days of the matter, the nearest first.

    Parameters
    ----------
    item_code : str or None
        None: of every matter, within the defaults.
    but_clue : int or None
        The clue in question itself.

    Returns
    -------
    tuple
        What was found, the radius in metres and the number of days.
    """
    rule = db.execute(_RULE, {"item_code": item_code, "day": local_day(at)}).one_or_none()
    radius_m = float(rule[0]) if rule is not None and rule[0] is not None else DEFAULT_RADIUS_M
    days = int(rule[1]) if rule is not None and rule[1] is not None else DEFAULT_DAYS
    found = db.execute(
        _NEAR,
        {
            "lon": lon,
            "lat": lat,
            "item_code": item_code,
            "since": at - dt.timedelta(days=days),
            "until": at,
            "radius_m": radius_m,
            "but_clue": but_clue,
            "most": MOST_FOUND,
        },
    )
    return [Duplicate(*row) for row in found], radius_m, days


_RULE = text(
    "SELECT duplicate_radius_m, duplicate_days FROM matters WHERE item_code = :item_code"
    " AND valid_from <= :day AND (valid_to IS NULL OR valid_to > :day) ORDER BY valid_from DESC LIMIT 1"
)
_NEAR = text("""
WITH place AS MATERIALIZED (
    SELECT geom, ST_Expand(geom, CAST(:radius_m AS float8) / 111000 / greatest(cos(radians(ST_Y(geom))), 0.05),
                           CAST(:radius_m AS float8) / 110000) AS box
    FROM (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom) p
), found AS (
    SELECT 'case' AS kind, c.number AS key, c.title, c.state, c.item_code, c.opened_at AS reported_at,
           ST_DistanceSphere(c.geom, place.geom) AS distance_m, ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat
    FROM cases c, place WHERE c.geom && place.box AND c.closed_at IS NULL AND c.state <> 'merged'
      AND (CAST(:item_code AS text) IS NULL OR c.item_code = :item_code) AND c.opened_at BETWEEN :since AND :until
    UNION ALL
    SELECT 'clue', l.id::text, left(l.text, 80), l.state, l.item_code, l.created_at,
           ST_DistanceSphere(l.geom, place.geom), ST_X(l.geom), ST_Y(l.geom)
    FROM clues l, place WHERE l.geom && place.box AND l.state = 'received' AND l.id IS DISTINCT FROM :but_clue
      AND (CAST(:item_code AS text) IS NULL OR l.item_code IS NULL OR l.item_code = :item_code)
      AND l.created_at BETWEEN :since AND :until
)
SELECT * FROM found WHERE distance_m <= :radius_m ORDER BY distance_m, kind, key LIMIT :most
""")
