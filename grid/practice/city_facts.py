"""Places, matters and officers of a city, as its tables have them; no list of one city stands here."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass
from importlib import resources

import shapely
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from layers.local_time import local_day
from layers.tables import Case, Matter, Officer


@dataclass(frozen=True)
class KnownPlace:
    """A place inside of the city that somebody can report.

    Attributes
    ----------
    lon, lat : float
        Degrees, EPSG:4326: the label point of the smallest area.
    community : str or None
        Name; None where the town has no communities.
    enterprise : str or None
        Name of an operating enterprise within about a kilometre.
    """

    lon: float
    lat: float
    town_code: str
    town: str
    community: str | None
    enterprise: str | None


def places_to_report(db: Session, most: int, seed: int) -> list[KnownPlace]:
    """Return at most ``most`` places, in an order that the seed decides."""
    statement = (resources.files("grid.practice") / "places_to_report.sql").read_text(encoding="utf-8")
    return [KnownPlace(*row) for row in db.execute(text(statement), {"most": most, "seed": seed})]


def reportable_matters(db: Session, first: dt.date, last: dt.date) -> list[Matter]:
    """Return the matters that hold from the first to the last day and that people report, by code.

    A matter whose cases are opened by alerts of a model is not among them.
    """
    in_duty_list = text(
        "EXISTS (SELECT FROM duty_items d WHERE d.item_code = matters.item_code AND d.role = 'lead'"
        " AND d.valid_from <= :first AND COALESCE(d.valid_to > :last, true))"
    )
    of_alerts = text("item_code NOT IN (SELECT item_code FROM alert_kinds WHERE item_code IS NOT NULL)")
    found = (
        select(Matter)
        .where(Matter.valid_from <= first, Matter.valid_to.is_(None) | (Matter.valid_to > last))
        .where(in_duty_list, of_alerts, Matter.alert_kind.is_(None))
        .order_by(Matter.item_code)
    )
    return list(db.scalars(found, {"first": first, "last": last}))


def officers_by_body(db: Session, day: dt.date) -> dict[str, list[str]]:
    """Return the numbers of certificates of the officers of each body, by its name.

    Only those on duty whose certificate is valid on the day.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for body, certificate in db.execute(_OFFICERS, {"day": day}):
        found[body].append(certificate)
    return dict(found)


def accounts_of_officers(db: Session) -> dict[str, str]:
    """Return the account of each officer who has one, by the number of the certificate."""
    found = select(Officer.certificate_no, Officer.username).where(Officer.username.is_not(None))
    return {certificate: str(username) for certificate, username in db.execute(found)}


def open_cases_of_alerts(db: Session, before: dt.datetime) -> list[Case]:
    """Return the open cases that a model's alerts opened before a moment, the oldest first."""
    found = select(Case).where(
        Case.alert_id.is_not(None),
        Case.closed_at.is_(None),
        Case.opened_at < before,
        Case.state == "reported",
    )
    return list(db.scalars(found.order_by(Case.opened_at, Case.id)))


def matter_of(db: Session, item_code: str, at: dt.datetime) -> Matter:
    """Return the version of a matter that holds at a moment; one without any rule where the register has none."""
    day = local_day(at)
    found = select(Matter).where(
        Matter.item_code == item_code,
        Matter.valid_from <= day,
        Matter.valid_to.is_(None) | (Matter.valid_to > day),
    )
    known = db.scalars(found.order_by(Matter.valid_from.desc()).limit(1)).one_or_none()
    return known or Matter(item_code=item_code, evidence=[], legal_review=False, extension_days_at_most=0)


def place_of(db: Session, case_id: int) -> tuple[float, float]:
    """Return longitude and latitude of a case (EPSG:4326)."""
    lon, lat = db.execute(select(func.ST_X(Case.geom), func.ST_Y(Case.geom)).where(Case.id == case_id)).one()
    return float(lon), float(lat)


def line_between(one: KnownPlace, other: KnownPlace) -> shapely.LineString:
    """Return the line from a place to another."""
    return shapely.LineString([(one.lon, one.lat), (other.lon, other.lat)])


_OFFICERS = text("""
SELECT b.name, o.certificate_no FROM officers o
JOIN bodies b ON b.code = o.body_code AND b.valid_from <= :day AND COALESCE(b.valid_to > :day, true)
WHERE o.valid_from <= :day AND COALESCE(o.valid_to > :day, true) AND o.on_duty
  AND o.certificate_from <= :day AND COALESCE(o.certificate_to >= :day, true)
ORDER BY b.name, o.certificate_no
""")
