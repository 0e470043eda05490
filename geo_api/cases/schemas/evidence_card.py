"""Evidence card of an alert, and the outcome of its check."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from geojson_pydantic import MultiPolygon, Point, Polygon
from pydantic import Field

from geo_api.cases.schemas.common import AlertLevel, AlertStatus, BothLanguages, Outcome
from geo_api.http.schemas import Answer, Body, Choice, Share, SiteKind
from layers.imports import (
    HAZARDS,
    LICENCE_KINDS,
    METER_KINDS,
    NOTICE_KINDS,
    QUALITIES,
    STATUSES,
    VEHICLE_KINDS,
)
from layers.tables import (
    ENCOUNTER_KINDS,
    SCORE_CHANGES,
)
from layers.tables.fences import MEDIA, RULES


class OutcomeBody(Body):
    """Outcome of the site check: the label from which models learn. It is added to those before it."""

    outcome: Outcome
    note: Annotated[str, Field(max_length=4000)] = ""


class RecordedOutcome(Answer):
    """An outcome that was recorded."""

    id: int
    outcome: Outcome
    status: AlertStatus
    noted_in_case: Annotated[str | None, Field(description="Number of the open case that has it as an event")]


class Evidence(Answer):
    """One signal behind an alert."""

    signal: str
    value: Annotated[float | None, Field(description="In the signal's unit, which its sentence names")]
    baseline: Annotated[float | None, Field(description="What the value is compared with")]
    period: Annotated[str | list[str], Field(description="First and last day")]
    contribution: Annotated[float, Field(description="What it adds to the log-odds")]
    family: Annotated[str, Field(description="meters, vehicles or notices")]
    quality: float
    started: Annotated[
        list[dt.date] | None,
        Field(description="First and last day between which the use of a meter rose above idle"),
    ] = None
    idle_level: Annotated[
        float | None, Field(description="Idle use a day of a meter whose use rose, in kWh or m³")
    ] = None
    sentence_zh: str
    sentence_en: str


class FamilyBalance(Answer):
    """A family of evidence in log-odds: `adds` less `takes` and `explained` is its `total`."""

    family: str
    adds: Annotated[float, Field(description="What speaks for it, within the bounds of the family")]
    takes: Annotated[float, Field(description="What speaks against it, 0 or more")]
    explained: Annotated[float, Field(description="What registered notices explain, 0 or more")]
    total: float
    is_blind: Annotated[bool, Field(description="There were no data to judge by")]
    settle: Annotated[BothLanguages | None, Field(description="What would settle a blind family")]


class ScoreBalance(Answer):
    """The prior and the families of evidence: their sum is `log_odds`, and the score its probability."""

    prior: Annotated[float, Field(description="Log-odds before any evidence")]
    families: list[FamilyBalance]
    log_odds: float


class CallerCount(Answer):
    """Different vehicles of a kind at the site."""

    kind: Annotated[str, Choice("VehicleKind", VEHICLE_KINDS)]
    left_out: Annotated[
        str | None,
        Field(description="Kind of place for which they do not count, or neighbour; null: they count"),
    ]
    vehicles: int
    visits: int
    days: Annotated[int, Field(description="Local days with a visit")]
    hours: Annotated[float, Field(description="Attributed to the site")]


class Caller(Answer):
    """One vehicle at the site."""

    vehicle_id: str
    plate_masked: Annotated[str | None, Field(description="With its middle hidden")]
    plate: Annotated[str | None, Field(description="For those who may read plates")] = None
    kind: Annotated[str, Choice("VehicleKind", VEHICLE_KINDS)]
    left_out: str | None
    visits: int
    days: int
    hours: float
    first_day: dt.date
    last_day: dt.date


class NearSilence(Answer):
    """A vehicle that fell silent near the site."""

    id: Annotated[int, Field(description="In the collection `silences`")]
    vehicle_id: str
    plate_masked: str | None
    plate: Annotated[str | None, Field(description="For those who may read plates")] = None
    kind: Annotated[str, Choice("VehicleKind", VEHICLE_KINDS)]
    began_at: dt.datetime
    ended_at: dt.datetime | None
    duration_s: float
    distance_m: float
    weight: float
    left_out: Annotated[str | None, Field(description="Why it does not count")]
    geometry: Point


class NearEncounter(Answer):
    """Two vehicles that met near the site."""

    id: Annotated[int, Field(description="In the collection `encounters`")]
    vehicle_a: str
    plate_masked_a: str | None
    plate_a: Annotated[str | None, Field(description="For those who may read plates")] = None
    vehicle_b: str
    plate_masked_b: str | None
    plate_b: Annotated[str | None, Field(description="For those who may read plates")] = None
    kind: Annotated[str, Choice("EncounterKind", ENCOUNTER_KINDS)]
    started_at: dt.datetime
    ended_at: dt.datetime
    duration_s: float
    nearest_m: float
    distance_m: Annotated[float, Field(description="From the site")]
    geometry: Point


class SiteVehicles(Answer):
    """Vehicles at the site in the window of the run."""

    from_at: dt.datetime
    to_at: dt.datetime
    counts: Annotated[list[CallerCount], Field(description="By kind and reason of leaving out")]
    callers: Annotated[list[Caller], Field(description="Those with the most days first, 100 at most")]
    silences: Annotated[list[NearSilence], Field(description="Those that count first, 50 at most")]
    silences_of_all: int
    encounters: Annotated[list[NearEncounter], Field(description="Within 300 m, newest first, 50 at most")]
    encounters_of_all: int


class Reopening(Answer):
    """Evidence of later days that brings the alert back into the queue after an outcome."""

    later_than: dt.date
    families: Annotated[list[str], Field(description="Families that do not count now: each would be new")]
    score: Annotated[Share, Field(description="Score from which the evidence is stronger than now")]


class AlertFacts(Answer):
    """An alert: a clue (线索), never proof."""

    id: int
    kind: str
    level: AlertLevel
    score: Share
    status: AlertStatus
    outcome: Annotated[Outcome | None, Field(description="The newest of the outcomes")]
    raised_at: Annotated[dt.datetime, Field(description="Raised, raised to a higher level, or raised again")]
    opened_at: Annotated[dt.datetime, Field(description="When the present matter began")]
    joined_to: Annotated[int | None, Field(description="The live alert of the site, if this is a former one")]


class AlertSite(Answer):
    """The site of an alert."""

    site_id: str
    kind: SiteKind
    area_id: int | None
    geometry: Point
    boundary: Polygon | MultiPolygon | None


class AlertEnterprise(Answer):
    """The enterprise of an alert's site."""

    uscc: str
    name: str
    industry: str
    hazard: Annotated[str, Choice("Hazard", HAZARDS)]
    status: Annotated[str, Choice("EnterpriseStatus", STATUSES)]
    status_since: dt.date | None


class AlertFence(Answer):
    """The fence of an alert."""

    fence_id: str
    name: str
    rule: Annotated[str, Choice("FenceRule", RULES)]
    medium: Annotated[str, Choice("FenceMedium", MEDIA)] | None
    legal_basis: str | None
    area_id: Annotated[int | None, Field(description="In which the place of the alert lies")]
    exempt: Annotated[int, Field(description="Vehicles that the fence lets through")]
    geometry: Annotated[Point, Field(description="Of the breach that lasted longest")]
    boundary: MultiPolygon


class FenceVehicle(Answer):
    """One vehicle or vessel that broke the rule of the fence."""

    vehicle_id: str
    plate_masked: Annotated[str | None, Field(description="With its middle hidden")]
    plate: Annotated[str | None, Field(description="For those who may read plates")] = None
    kind: Annotated[str, Choice("VehicleKind", VEHICLE_KINDS)]
    exempt: Annotated[bool, Field(description="It has leave, and counts for nothing")]
    breaches: int
    days: Annotated[int, Field(description="Local days with a breach")]
    hours: float
    first_day: dt.date
    last_day: dt.date


class FenceBreach(Answer):
    """One breach of the rule of the fence."""

    id: Annotated[int, Field(description="In the collection `fence_events`")]
    vehicle_id: str
    plate_masked: str | None
    plate: Annotated[str | None, Field(description="For those who may read plates")] = None
    kind: Annotated[str, Choice("VehicleKind", VEHICLE_KINDS)]
    exempt: bool
    started_at: dt.datetime
    ended_at: dt.datetime
    duration_s: float
    open: bool
    geometry: Annotated[Point, Field(description="Where it began")]


class FenceBreaches(Answer):
    """Breaches at the fence in the window of the run, as far as the caller sees their places."""

    from_at: dt.datetime
    to_at: dt.datetime
    vehicles: Annotated[list[FenceVehicle], Field(description="Those that count first, 100 at most")]
    vehicles_of_all: int
    breaches: Annotated[list[FenceBreach], Field(description="Newest first, 200 at most")]
    breaches_of_all: int


class SiteNotice(Answer):
    """A registered reason for use at a closed site."""

    kind: Annotated[str, Choice("NoticeKind", NOTICE_KINDS)]
    valid_from: dt.date
    valid_to: dt.date | None


class SiteLicence(Answer):
    """A licence that holds for a site."""

    licence_kind: Annotated[str, Choice("LicenceKind", LICENCE_KINDS)]
    number: str
    valid_from: dt.date
    valid_to: Annotated[dt.date | None, Field(description="First day on which it no longer holds")]
    note: str | None
    of_site: Annotated[bool, Field(description="Of the site alone; else of all sites of the enterprise")]


class AlertRun(Answer):
    """The run of the model that raised an alert."""

    model: str
    version: str
    run_id: int
    at: dt.datetime
    parameters: dict[str, Any]


class MeterInterval(Answer):
    """Use of one interval `[from_at, to_at)` at a meter: a day, an hour, a bill."""

    day: Annotated[dt.date, Field(description="The local day on which the interval begins")]
    from_at: dt.datetime
    to_at: dt.datetime
    meter_id: Annotated[str, Field(description="Empty where a site has one meter of a kind")]
    value: Annotated[float | None, Field(description="kWh of power, m³ of water and gas")]
    quality: Annotated[str, Choice("ReadingQuality", QUALITIES)]
    flags: list[str]


class SiteMeters(Answer):
    """Readings of a site by kind, oldest first; `gas` where there is a meter."""

    power: list[MeterInterval]
    water: list[MeterInterval]
    gas: list[MeterInterval] = []


class MeterQuality(Answer):
    """Quality of everything that is stored of one meter."""

    site_id: str
    kind: Annotated[str, Choice("MeterKind", METER_KINDS)]
    meter_id: Annotated[str, Field(description="Empty where a site has one meter of a kind")]
    readings: int
    first_at: dt.datetime
    last_at: dt.datetime
    usual_length_s: Annotated[float, Field(description="Median length of an interval")]
    estimated_share: Annotated[float, Field(description="Part of the known time that is estimated")]
    missing_share: Annotated[
        float, Field(description="Part of the time from the first to the last that is unknown")
    ]
    flags: Annotated[dict[str, int], Field(description="Suspicious readings by flag")]


class SiteVisit(Answer):
    """A vehicle at the site."""

    vehicle_id: str
    plate_masked: Annotated[str | None, Field(description="With its middle hidden")]
    plate: Annotated[str | None, Field(description="For those who may read plates")] = None
    kind: Annotated[str, Choice("VehicleKind", VEHICLE_KINDS)]
    entered_at: dt.datetime
    left_at: dt.datetime
    seen_s: Annotated[float, Field(description="Seconds with fixes")]
    unseen_s: Annotated[float, Field(description="Seconds without signal")]
    distance_m: float | None
    share: Annotated[Share, Field(description="What of the visit belongs to this site")]
    night: Annotated[Share, Field(description="Share of the time at night")]
    excluded_by: Annotated[str | None, Field(description="Kind of place for which it does not count")]


class ChangeReason(Answer):
    """A signal that weighs more or less than in the score before."""

    signal: str
    before: Annotated[float | None, Field(description="Contribution to the log-odds; null: it was not there")]
    after: Annotated[float | None, Field(description="Contribution to the log-odds; null: it is gone")]
    zh: str
    en: str


class AlertScore(Answer):
    """The score of an alert by one run, and what changed."""

    run_id: int
    at: dt.datetime
    level: AlertLevel
    score: Share
    families: Annotated[list[str], Field(description="Families of evidence that count")]
    status: AlertStatus
    change: Annotated[str, Choice("ScoreChange", SCORE_CHANGES)]
    reasons: list[ChangeReason]
    told: Annotated[BothLanguages | None, Field(description="Null: it is the first score")]


class AlertOutcome(Answer):
    """The result of one site check; it stays when another is added."""

    outcome: Outcome
    at: dt.datetime
    actor: Annotated[str | None, Field(description="Told to who may record outcomes; null: not written down")]
    role: str | None
    body: str | None
    note: str
    case_number: str | None
    level: Annotated[AlertLevel | None, Field(description="Of the score that was judged")]
    score: Share | None


class SettlingFact(BothLanguages):
    """A fact that would settle a family of evidence that says nothing."""

    family: str


class EvidenceCard(Answer):
    """Evidence of an alert."""

    alert: AlertFacts
    site: Annotated[AlertSite | None, Field(description="Null: the alert is about a fence")]
    enterprise: AlertEnterprise | None
    fence: Annotated[AlertFence | None, Field(description="Null: the alert is about a site")]
    breaches: Annotated[FenceBreaches | None, Field(description="Null: the alert is about a site")]
    level: AlertLevel
    score: Share
    confirmed_share: Annotated[
        Share | None,
        Field(
            description="Share confirmed among judged alerts with such a score; null: no calibration holds"
        ),
    ]
    evidence: list[Evidence]
    balance: ScoreBalance
    would_lower: Annotated[list[BothLanguages], Field(description="What would lower the score")]
    would_settle: Annotated[
        list[SettlingFact], Field(description="What would settle it in families that say nothing: up or down")
    ]
    notices: list[SiteNotice]
    licences: list[SiteLicence]
    run: AlertRun
    case_number: str | None
    meters: SiteMeters
    meter_quality: list[MeterQuality]
    visits: Annotated[list[SiteVisit], Field(description="Newest first, 200 at most")]
    vehicles: SiteVehicles
    history: Annotated[list[AlertScore], Field(description="Scores, newest first, 100 at most")]
    outcomes: Annotated[list[AlertOutcome], Field(description="Newest first")]
    after_outcome: Annotated[
        Reopening | None,
        Field(description="Once the newest score is judged; null: joined to another, or no score"),
    ]
