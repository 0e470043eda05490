"""The evidence card of an alert: site, enterprise, evidence with weights, readings and visits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from layers.records import read_alert, site_meters, site_visits

METER_DAYS = 400
"""Days of readings on a card: more than a year, so that the same season can be compared."""
MAX_VISITS = 200


@dataclass(frozen=True)
class CardAlert:
    """The alert itself. ``outcome`` is None until a site check answers; times are RFC 3339 in UTC."""

    id: int
    kind: str
    level: str
    score: float
    status: str
    outcome: str | None
    raised_at: str


@dataclass(frozen=True)
class CardSite:
    """The site, with its point and its boundary (or None) as GeoJSON."""

    site_id: str
    kind: str
    area_id: int | None
    geometry: Mapping[str, object]
    boundary: Mapping[str, object] | None


@dataclass(frozen=True)
class CardEnterprise:
    """The enterprise of the site, and whether it is allowed to work."""

    uscc: str
    name: str
    industry: str
    hazard: str
    status: str
    status_since: str | None


@dataclass(frozen=True)
class CardNotice:
    """A notice of the site: days from and to which a permitted use is known."""

    kind: str
    valid_from: str
    valid_to: str | None


@dataclass(frozen=True)
class CardRun:
    """The run of the model that found it, with the model's parameters."""

    model: str
    version: str
    run_id: int
    at: str
    parameters: Mapping[str, object]


@dataclass(frozen=True)
class CardReading:
    """A daily reading: power in kWh, water and gas in m³."""

    day: str
    value: float | None
    quality: str


@dataclass(frozen=True)
class CardVisit:
    """A visit of a vehicle. ``plate`` is as stored: mask it before it leaves."""

    vehicle_id: str
    plate: str | None
    kind: str
    entered_at: str
    left_at: str
    seen_s: float
    unseen_s: float
    distance_m: float | None
    share: float
    night: float
    excluded_by: str | None


@dataclass(frozen=True)
class AlertCard:
    """An alert with its site, enterprise, run, evidence, readings and visits.

    Attributes
    ----------
    evidence, would_lower : sequence of mapping
        As the model wrote them.
    meters : mapping
        Readings by kind, oldest first; ``power`` and ``water`` are always there.
    visits : list of CardVisit
        Newest first.
    """

    alert: CardAlert
    site: CardSite
    enterprise: CardEnterprise
    level: str
    score: float
    evidence: Sequence[Mapping[str, object]]
    would_lower: Sequence[Mapping[str, object]]
    notices: list[CardNotice]
    run: CardRun
    case_number: str | None
    meters: Mapping[str, list[CardReading]]
    visits: list[CardVisit]


def alert_card(db: Session, alert_id: int) -> AlertCard:
    """Read the evidence card of one alert.

    Raises
    ------
    layers.errors.NotFound
        When there is none, or none that the caller may see.
    """
    row = read_alert(db, alert_id)
    names = ("id", "kind", "level", "score", "status", "outcome", "raised_at")
    raised_at = dt.datetime.fromisoformat(row["raised_at"])
    return AlertCard(
        alert=CardAlert(**{name: row[name] for name in names}),
        site=CardSite(**row["site"]),
        enterprise=CardEnterprise(**row["enterprise"]),
        level=row["level"],
        score=row["score"],
        evidence=row["evidence"],
        would_lower=row["would_lower"],
        notices=[CardNotice(**notice) for notice in row["notices"]],
        run=CardRun(**row["run"]),
        case_number=row["case_number"],
        meters=_meters(db, row["site_key"], raised_at.date()),
        visits=[
            CardVisit(**visit)
            for visit in site_visits(db, row["site_key"], until=raised_at, limit=MAX_VISITS)
        ],
    )


def _meters(db: Session, site_key: int, until: dt.date) -> dict[str, list[CardReading]]:
    found = site_meters(db, site_key, since=until - dt.timedelta(days=METER_DAYS), until=until)
    readings = {kind: [CardReading(**reading) for reading in given] for kind, given in found}
    return {"power": [], "water": [], **readings}
