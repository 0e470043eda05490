"""Officers for a case: those of its bodies, the nearest first, each with the reasons; a person decides."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.errors import NotFound
from layers.local_time import local_zone

ENOUGH_OFFICERS = 6
"""A town with fewer officers whose certificate is valid is short of them."""

_SUGGESTED = text("""
SELECT o.officer_id, o.name, b.name AS body, p.part = 'lead' AS leads,
       COALESCE(o.certificate_from <= :day, false) AND COALESCE(o.certificate_to >= :day, true) AS certified,
       o.domains = '{}' OR c.domain = ANY (o.domains) AS in_domain, o.on_duty, near.area, near.distance_m
FROM cases c
JOIN case_parties p ON p.case_id = c.id AND p.until IS NULL AND p.part IN ('lead', 'co_handler')
                   AND p.state <> 'refused'
JOIN bodies b ON b.body_id = p.body_id AND b.valid_from <= :day AND COALESCE(b.valid_to > :day, true)
JOIN officers o ON o.body_code = b.code AND o.valid_from <= :day AND COALESCE(o.valid_to > :day, true)
LEFT JOIN LATERAL (
    SELECT a.name AS area, ST_Distance(a.label_point::geography, c.geom::geography) AS distance_m
    FROM areas a WHERE a.code = ANY (o.area_codes) AND a.valid_to IS NULL
    ORDER BY a.label_point <-> c.geom LIMIT 1) near ON true
WHERE c.number = :number
""")
_SHORT = text("""
SELECT t.code, t.name, count(DISTINCT o.officer_id) AS officers
FROM areas t LEFT JOIN officers o ON t.code = ANY (o.area_codes) AND o.valid_from <= :day
    AND COALESCE(o.valid_to > :day, true) AND o.certificate_from <= :day AND COALESCE(o.certificate_to >= :day, true)
WHERE t.kind = 'town' AND t.valid_to IS NULL
GROUP BY t.code, t.name HAVING count(DISTINCT o.officer_id) < :enough ORDER BY officers, t.code
""")


@dataclass(frozen=True)
class SuggestedOfficer:
    """An officer who could be sent, and why or why not.

    Attributes
    ----------
    distance_m : int or None
        From the label point of the nearest of the officer's areas to the case; None: no area is known.
    suited : bool
        Certified on the day, in the domain, and on duty.
    reasons : list of dict
        In both languages.
    """

    officer_id: int
    name: str
    body: str
    leads: bool
    distance_m: int | None
    suited: bool
    reasons: list[dict[str, str]] = field(default_factory=list)


def suggest_officers(db: Session, number: str, now: dt.datetime) -> list[SuggestedOfficer]:
    """Return the officers of the case's bodies: the suited first, of these the nearest.

    Parameters
    ----------
    db : Session
        In the caller's scope: officers are people, whom dispatchers and supervisors see in their areas.

    Raises
    ------
    layers.errors.NotFound
    """
    if db.scalar(text("SELECT 1 FROM cases WHERE number = :number"), {"number": number}) is None:
        raise NotFound(f"no case {number!r}")
    day = now.astimezone(local_zone()).date()
    found = [_suggestion(row) for row in db.execute(_SUGGESTED, {"number": number, "day": day})]
    return sorted(found, key=_rank)


def short_towns(db: Session, now: dt.datetime) -> list[dict[str, Any]]:
    """Return the towns with fewer than six officers whose certificate is valid today, the fewest first.

    Parameters
    ----------
    db : Session
        In the caller's scope, which counts only the officers that it shows.
    """
    asked = {"day": now.astimezone(local_zone()).date(), "enough": ENOUGH_OFFICERS}
    return [dict(row) for row in db.execute(_SHORT, asked).mappings()]


def _rank(one: SuggestedOfficer) -> tuple[bool, float, str, int]:
    distance_m = float("inf") if one.distance_m is None else one.distance_m
    return not one.suited, distance_m, one.name, one.officer_id


def _suggestion(row: Any) -> SuggestedOfficer:
    distance_m = None if row.distance_m is None else round(row.distance_m)
    told = [
        ("执法证有效", "certificate valid") if row.certified else ("执法证无效", "no valid certificate"),
        ("领域相符", "in the domain") if row.in_domain else ("领域不符", "of another domain"),
        ("在岗", "on duty") if row.on_duty else ("不在岗", "off duty"),
        ("未登记辖区", "no area is registered")
        if distance_m is None
        else (
            f"距辖区 {row.area} 中心 {distance_m / 1000:.1f} km",
            f"{distance_m / 1000:.1f} km from {row.area}",
        ),
    ]
    return SuggestedOfficer(
        officer_id=row.officer_id,
        name=row.name,
        body=row.body,
        leads=row.leads,
        distance_m=distance_m,
        suited=row.certified and row.in_domain and row.on_duty,
        reasons=[{"zh": zh, "en": en} for zh, en in told],
    )
