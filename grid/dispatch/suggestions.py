"""Officers for a case: those of its bodies, the nearest first, each with the reasons; a person decides."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.errors import no_case
from layers.local_time import local_zone

ENOUGH_OFFICERS = 6
"""A town with fewer officers whose certificate is valid is short of them."""
BUSY_FROM = 3
"""Open calls from which an officer comes after the others who suit."""

_SUGGESTED = text("""
SELECT o.officer_id, o.name, b.body_id, b.name AS body, p.part = 'lead' AS leads,
       COALESCE(o.certificate_from <= :day, false) AND COALESCE(o.certificate_to >= :day, true) AS certified,
       o.domains = '{}' OR c.domain = ANY (o.domains)
           OR (p.part = 'co_handler' AND o.domains && b.domains) AS in_domain,
       o.on_duty, open_calls(o.officer_id) AS open_calls, near.area, near.distance_m,
       EXISTS (SELECT FROM dispatches d WHERE d.case_id = c.id AND d.officer_id = o.officer_id
                                          AND d.state IN ('sent', 'accepted', 'arrived')) AS called
FROM cases c
JOIN case_parties p ON p.case_id = c.id AND p.until IS NULL AND p.part IN ('lead', 'co_handler')
                   AND p.state NOT IN ('refused', 'fed_back')
JOIN bodies b ON b.body_id = p.body_id AND b.valid_from <= :day AND COALESCE(b.valid_to > :day, true)
JOIN officers o ON o.body_code = b.code AND o.valid_from <= :day AND COALESCE(o.valid_to > :day, true)
LEFT JOIN LATERAL (
    SELECT a.name AS area, a.label_point::geography <-> c.geom::geography AS distance_m
    FROM areas a WHERE a.code = ANY (o.area_codes) AND holds_at(a.valid_from, a.valid_to)
    ORDER BY a.label_point::geography <-> c.geom::geography LIMIT 1) near ON true
WHERE c.number = :number
""")
_SHORT = text("""
SELECT t.code, t.name, count(DISTINCT o.officer_id) AS officers
FROM areas t LEFT JOIN officers o ON t.code = ANY (o.area_codes) AND o.valid_from <= :day
    AND COALESCE(o.valid_to > :day, true) AND o.certificate_from <= :day AND COALESCE(o.certificate_to >= :day, true)
WHERE t.kind = 'town' AND holds_at(t.valid_from, t.valid_to)
GROUP BY t.code, t.name HAVING count(DISTINCT o.officer_id) < :enough ORDER BY officers, t.code
""")


@dataclass(frozen=True)
class SuggestedOfficer:
    """An officer who could be sent, and why or why not.

    Attributes
    ----------
    distance_m : int or None
        From the label point of the nearest of the officer's areas to the case; None: no area is known.
    open_calls : int
        Calls of the officer that are open, in all cases.
    called : bool
        One of them is in this case.
    certified, in_domain, on_duty : bool
        The certificate is valid on the day; it covers the case (for a co-handler: what the body is for).
    suited : bool
        All three.
    reasons : list of dict
        In both languages.
    """

    officer_id: int
    name: str
    body_id: int
    body: str
    leads: bool
    distance_m: int | None
    open_calls: int
    called: bool
    certified: bool
    in_domain: bool
    on_duty: bool
    suited: bool
    reasons: list[dict[str, str]] = field(default_factory=list)


def suggest_officers(db: Session, number: str, now: dt.datetime) -> list[SuggestedOfficer]:
    """Return the officers of the bodies that handle a case, in the order in which they are suggested.

    First who suits and is not called to the case yet; of these who has fewer than ``BUSY_FROM`` open calls; of
    these the nearest; of the equally near who has the fewest calls, and of these the officers of the lead body.

    Parameters
    ----------
    db : Session
        In the caller's scope: officers are people, whom dispatchers and supervisors see in their areas.

    Raises
    ------
    layers.errors.NotFound
    """
    if db.scalar(text("SELECT 1 FROM cases WHERE number = :number"), {"number": number}) is None:
        raise no_case(number)
    day = now.astimezone(local_zone()).date()
    found = [_suggestion(row) for row in db.execute(_SUGGESTED, {"number": number, "day": day})]
    return sorted(found, key=_rank)


def first_suggestion(suggested: list[SuggestedOfficer]) -> SuggestedOfficer | None:
    """Return the officer whom the service proposes: the first who suits and is not called yet."""
    return next((one for one in suggested if one.suited and not one.called), None)


def short_towns(db: Session, now: dt.datetime) -> list[dict[str, Any]]:
    """Return the towns with fewer than six officers whose certificate is valid today, the fewest first.

    Parameters
    ----------
    db : Session
        In the caller's scope, which counts only the officers that it shows.
    """
    asked = {"day": now.astimezone(local_zone()).date(), "enough": ENOUGH_OFFICERS}
    return [dict(row) for row in db.execute(_SHORT, asked).mappings()]


def _rank(one: SuggestedOfficer) -> tuple[bool, bool, bool, float, int, bool, str, int]:
    distance_m = float("inf") if one.distance_m is None else one.distance_m
    busy = one.open_calls >= BUSY_FROM
    of_body = not one.leads
    return not one.suited, one.called, busy, distance_m, one.open_calls, of_body, one.name, one.officer_id


def _suggestion(row: Any) -> SuggestedOfficer:
    distance_m = None if row.distance_m is None else round(row.distance_m)
    told = [
        ("执法证有效", "certificate valid") if row.certified else ("执法证无效", "no valid certificate"),
        ("领域相符", "in the domain") if row.in_domain else ("领域不符", "of another domain"),
        ("在岗", "on duty") if row.on_duty else ("不在岗", "off duty"),
        (f"在办派员 {row.open_calls} 件", f"{row.open_calls} open calls"),
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
        body_id=row.body_id,
        body=row.body,
        leads=row.leads,
        distance_m=distance_m,
        open_calls=row.open_calls,
        called=row.called,
        certified=row.certified,
        in_domain=row.in_domain,
        on_duty=row.on_duty,
        suited=row.certified and row.in_domain and row.on_duty,
        reasons=[{"zh": zh, "en": en} for zh, en in told],
    )
