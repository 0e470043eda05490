"""The evidence card of an alert: site and enterprise, or fence, evidence with weights, readings and visits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import RowMapping
from sqlalchemy.orm import Session

from grid.alerts.balance import Balance, balance_of
from grid.alerts.fence_breaches import FenceBreaches, fence_breaches
from grid.alerts.memory import Reopening, reopening
from grid.alerts.reasons import told_change
from grid.alerts.site_vehicles import SiteVehicles, site_vehicles
from layers.alerts import outcomes_of, scores_of
from layers.local_time import local_zone, start_of_day
from layers.records import meter_quality, read_alert, site_meters, site_visits

METER_DAYS = 400
"""Days of readings on a card: more than a year, so that the same season can be compared."""
MAX_VISITS = 200
MAX_SCORES = 100
VEHICLE_DAYS = 30
"""Days of vehicles on the card of an alert whose run kept no window."""


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
class CardFence:
    """The fence with its boundary and the place of the alert as GeoJSON; so many vehicles have leave (``exempt``)."""

    fence_id: str
    name: str
    rule: str
    medium: str | None
    legal_basis: str | None
    area_id: int | None
    exempt: int
    geometry: Mapping[str, object]
    boundary: Mapping[str, object]


@dataclass(frozen=True)
class CardNotice:
    """A notice of the site: days from and to which a permitted use is known."""

    kind: str
    valid_from: str
    valid_to: str | None


@dataclass(frozen=True)
class CardLicence:
    """A licence that holds for the site: of the site itself, or of its enterprise."""

    licence_kind: str
    number: str
    valid_from: str
    valid_to: str | None
    note: str | None
    of_site: bool


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
    """Use of one interval, in kWh of power and m³ of water and gas; ``day`` is the local day on which it began.

    Times are RFC 3339 in UTC; ``meter_id`` is empty where a site has one meter of a kind.
    """

    day: str
    from_at: str
    to_at: str
    meter_id: str
    value: float | None
    quality: str
    flags: Sequence[str]


@dataclass(frozen=True)
class CardMeter:
    """Quality of the stored readings of one meter of the site: shares of time, and counts of flags."""

    site_id: str
    kind: str
    meter_id: str
    readings: int
    first_at: str
    last_at: str
    usual_length_s: float
    estimated_share: float
    missing_share: float
    flags: Mapping[str, int]


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
    """An alert with its site and enterprise or its fence, its run, evidence, vehicles, history and outcomes.

    Attributes
    ----------
    site, enterprise, fence
        What it is about: a site with its enterprise, or a fence; the other is None.
    breaches : FenceBreaches or None
        At the fence, in the window of the run.
    evidence, would_lower, would_settle : sequence of mapping
        As the model wrote them.
    balance : Balance
        Log-odds for and against by family, with the prior.
    vehicles : SiteVehicles
        In the window of the run.
    after_outcome : Reopening or None
        What brings the alert back once its newest score is judged; None: it has no score, or was joined.
    meters : mapping
        Readings by kind, oldest first; ``power`` and ``water`` are always there.
    meter_quality : list of CardMeter
        Of everything that is stored of the site's meters.
    visits : list of CardVisit
        Newest first.
    history : list of CardScore
        Scores, newest first, at most ``MAX_SCORES``.
    outcomes : list of CardOutcome
        Newest first.
    """

    alert: CardAlert
    site: CardSite | None
    enterprise: CardEnterprise | None
    fence: CardFence | None
    breaches: FenceBreaches | None
    level: str
    score: float
    evidence: Sequence[Mapping[str, object]]
    balance: Balance
    would_lower: Sequence[Mapping[str, object]]
    would_settle: Sequence[Mapping[str, object]]
    notices: list[CardNotice]
    licences: list[CardLicence]
    run: CardRun
    case_number: str | None
    meters: Mapping[str, list[CardReading]]
    meter_quality: list[CardMeter]
    visits: list[CardVisit]
    vehicles: SiteVehicles
    history: list[CardScore]
    outcomes: list[CardOutcome]
    after_outcome: Reopening | None


def alert_card(db: Session, alert_id: int) -> AlertCard:
    """Read the evidence card of one alert; one about a fence has no meters and visits.

    Raises
    ------
    layers.errors.NotFound
        When there is none, or none that the caller may see.
    """
    row = read_alert(db, alert_id)
    names = tuple(field.name for field in fields(CardAlert))
    live = row["joined_to"] or row["id"]
    until = dt.datetime.fromisoformat(row["run"]["at"])
    since = row["window_from"] or until - dt.timedelta(days=VEHICLE_DAYS)
    balance = balance_of(row["score"], row["evidence"])
    scores = [_score(score) for score in scores_of(db, live, MAX_SCORES)]
    return AlertCard(
        alert=CardAlert(**{name: row[name] for name in names}),
        site=CardSite(**row["site"]) if row["site"] else None,
        enterprise=CardEnterprise(**row["enterprise"]) if row["enterprise"] else None,
        fence=CardFence(**row["fence"]) if row["fence"] else None,
        breaches=fence_breaches(db, row["fence_key"], since, until) if row["fence_key"] else None,
        level=row["level"],
        score=row["score"],
        evidence=row["evidence"],
        balance=balance,
        would_lower=row["would_lower"],
        would_settle=row["would_settle"],
        notices=[CardNotice(**notice) for notice in row["notices"]],
        licences=[CardLicence(**licence) for licence in row["licences"]],
        run=CardRun(**row["run"]),
        case_number=row["case_number"],
        meters=_meters(db, row["site_key"], until.astimezone(local_zone()).date()),
        meter_quality=[CardMeter(**meter) for meter in meter_quality(db, row["site_key"])],
        visits=[
            CardVisit(**visit) for visit in site_visits(db, row["site_key"], until=until, limit=MAX_VISITS)
        ],
        vehicles=site_vehicles(db, row["site_key"], since, until),
        history=scores,
        outcomes=[CardOutcome(**outcome) for outcome in outcomes_of(db, live)],
        after_outcome=None if row["joined_to"] else _after_outcome(scores, balance),
    )


def _after_outcome(scores: Sequence[CardScore], balance: Balance) -> Reopening | None:
    if not scores:
        return None
    newest = scores[0]
    families = [one.family for one in balance.families]
    return reopening(
        dt.datetime.fromisoformat(newest.at), newest.score, newest.families, families, local_zone()
    )


def _score(row: RowMapping) -> CardScore:
    names = tuple(field.name for field in fields(CardScore) if field.name != "told")
    before = row["score_before"]
    told = None if before is None else told_change(before, row["score"], row["reasons"])
    return CardScore(**{name: row[name] for name in names}, told=told)


def _meters(db: Session, site_key: int, until: dt.date) -> dict[str, list[CardReading]]:
    end = start_of_day(until + dt.timedelta(days=1))
    found = site_meters(db, site_key, since=end - dt.timedelta(days=METER_DAYS), until=end)
    readings = {kind: [CardReading(**reading) for reading in given] for kind, given in found}
    return {"power": [], "water": [], **readings}
