"""The evidence card of an alert: site, enterprise, evidence with weights, readings and visits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from grid.alerts.reasons import told_change
from layers.alerts import outcomes_of, scores_of
from layers.local_time import local_zone
from layers.records import read_alert, site_meters, site_visits

METER_DAYS = 400
"""Days of readings on a card: more than a year, so that the same season can be compared."""
MAX_VISITS = 200
MAX_SCORES = 100


@dataclass(frozen=True)
class CardAlert:
    """The alert itself; times are RFC 3339 in UTC.

    ``outcome`` is the newest one, None until a site check answers; ``opened_at`` when the present matter began;
    ``joined_to`` the live alert of the site, where this is a former one.
    """

    id: int
    kind: str
    level: str
    score: float
    status: str
    outcome: str | None
    raised_at: str
    opened_at: str
    joined_to: int | None


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
class CardScore:
    """The score of one run. ``told`` says in Chinese and English what changed; None: it is the first score."""

    run_id: int
    at: str
    level: str
    score: float
    families: Sequence[str]
    status: str
    change: str
    reasons: Sequence[Mapping[str, object]]
    told: Mapping[str, str] | None


@dataclass(frozen=True)
class CardOutcome:
    """The result of one site check, with who found it (None: not written down) and the score that was judged."""

    outcome: str
    at: str
    actor: str | None
    role: str | None
    body: str | None
    note: str
    case_number: str | None
    level: str | None
    score: float | None


@dataclass(frozen=True)
class AlertCard:
    """An alert with its site, enterprise, run, evidence, history, outcomes, readings and visits.

    Attributes
    ----------
    evidence, would_lower : sequence of mapping
        As the model wrote them.
    meters : mapping
        Readings by kind, oldest first; ``power`` and ``water`` are always there.
    visits : list of CardVisit
        Newest first.
    history : list of CardScore
        Scores, newest first, at most ``MAX_SCORES``.
    outcomes : list of CardOutcome
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
    history: list[CardScore]
    outcomes: list[CardOutcome]


def alert_card(db: Session, alert_id: int) -> AlertCard:
    """Read the evidence card of one alert.

    Raises
    ------
    layers.errors.NotFound
        When there is none, or none that the caller may see.
    """
    row = read_alert(db, alert_id)
    names = tuple(field.name for field in fields(CardAlert))
    live = row["joined_to"] or row["id"]
    until = dt.datetime.fromisoformat(row["run"]["at"])
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
        meters=_meters(db, row["site_key"], until.astimezone(local_zone()).date()),
        visits=[
            CardVisit(**visit) for visit in site_visits(db, row["site_key"], until=until, limit=MAX_VISITS)
        ],
        history=[_score(score) for score in scores_of(db, live, MAX_SCORES)],
        outcomes=[CardOutcome(**outcome) for outcome in outcomes_of(db, live)],
    )


def _score(row: RowMapping) -> CardScore:
    names = tuple(field.name for field in fields(CardScore) if field.name != "told")
    before = row["score_before"]
    told = None if before is None else told_change(before, row["score"], row["reasons"])
    return CardScore(**{name: row[name] for name in names}, told=told)


def _meters(db: Session, site_key: int, until: dt.date) -> dict[str, list[CardReading]]:
    found = site_meters(db, site_key, since=until - dt.timedelta(days=METER_DAYS), until=until)
    readings = {kind: [CardReading(**reading) for reading in given] for kind, given in found}
    return {"power": [], "water": [], **readings}
