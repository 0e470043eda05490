"""Bodies and answers of alerts and cases."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from geojson_pydantic import MultiPolygon, Point, Polygon
from pydantic import BaseModel, Field, create_model

from geo_api.http.feature_schemas import PROPERTIES
from geo_api.http.schemas import Answer, AssignmentDocument, Body, Choice, ExplanationStep, Share, SiteKind
from grid.cases import CLOCK_STATUSES
from layers.alert_levels import ALERT_LEVELS
from layers.imports import HAZARDS, NOTICE_KINDS, QUALITIES, STATUSES, VEHICLE_KINDS
from layers.tables import ALERT_STATUSES, CASE_STATES, OUTCOMES, PART_STATES, PARTS, SCORE_CHANGES

Outcome = Annotated[str, Choice("Outcome", OUTCOMES)]
AlertLevel = Annotated[str, Choice("AlertLevel", ALERT_LEVELS)]
AlertStatus = Annotated[str, Choice("AlertStatus", ALERT_STATUSES)]
CaseState = Annotated[str, Choice("CaseState", CASE_STATES)]


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


class BothLanguages(Answer):
    """A sentence in Chinese and English."""

    zh: str
    en: str


class Evidence(Answer):
    """One signal behind an alert."""

    signal: str
    value: Annotated[float | None, Field(description="In the signal's unit, which its sentence names")]
    baseline: Annotated[float | None, Field(description="What the value is compared with")]
    period: Annotated[str | list[str], Field(description="First and last day")]
    contribution: Annotated[float, Field(description="What it adds to the log-odds")]
    family: Annotated[str, Field(description="meters, vehicles or notices")]
    quality: float
    sentence_zh: str
    sentence_en: str


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


class SiteNotice(Answer):
    """A registered reason for use at a closed site."""

    kind: Annotated[str, Choice("NoticeKind", NOTICE_KINDS)]
    valid_from: dt.date
    valid_to: dt.date | None


class AlertRun(Answer):
    """The run of the model that raised an alert."""

    model: str
    version: str
    run_id: int
    at: dt.datetime
    parameters: dict[str, Any]


class MeterDay(Answer):
    """One day of a meter."""

    day: dt.date
    value: Annotated[float | None, Field(description="kWh of power, m³ of water and gas")]
    quality: Annotated[str, Choice("ReadingQuality", QUALITIES)]


class SiteMeters(Answer):
    """Readings of a site by kind, oldest first; `gas` where there is a meter."""

    power: list[MeterDay]
    water: list[MeterDay]
    gas: list[MeterDay] = []


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


class EvidenceCard(Answer):
    """Evidence of an alert."""

    alert: AlertFacts
    site: AlertSite
    enterprise: AlertEnterprise
    level: AlertLevel
    score: Share
    evidence: list[Evidence]
    would_lower: Annotated[list[BothLanguages], Field(description="What would lower the score")]
    notices: list[SiteNotice]
    run: AlertRun
    case_number: str | None
    meters: SiteMeters
    visits: Annotated[list[SiteVisit], Field(description="Newest first, 200 at most")]
    history: Annotated[list[AlertScore], Field(description="Scores, newest first, 100 at most")]
    outcomes: Annotated[list[AlertOutcome], Field(description="Newest first")]


class CaseEventBody(Body):
    """One step of a case."""

    action: Annotated[str, Field(min_length=1, max_length=40, description="One of `available_actions`")]
    note: Annotated[str, Field(max_length=4000)] = ""
    payload: dict[str, Any] = Field(
        default_factory=dict, description="Facts of the step; `reassign`: lead_body, co_handlers"
    )


class CaseEvent(Answer):
    """One step of a case: an event of its hash chain."""

    seq: Annotated[int, Field(ge=1)]
    at: dt.datetime
    actor: str
    role: str
    action: str
    from_state: CaseState | None
    to_state: CaseState
    payload: dict[str, Any]
    prev_hash: str
    hash: str


class CaseClockDocument(Answer):
    """The clock of a case: what runs, what is late, and why there is no deadline."""

    status: Annotated[str, Choice("ClockStatus", CLOCK_STATUSES)]
    stage: Annotated[str | None, Field(description="Step that ends the stage")]
    due_at: dt.datetime | None
    stage_due_at: dt.datetime | None
    seconds_left: Annotated[int | None, Field(description="Natural time; below zero: late")]
    late_since: dt.datetime | None
    paused_since: dt.datetime | None
    no_deadline: BothLanguages | None


class CaseParty(Answer):
    """A body that takes part in a case: as what, and how far its part is."""

    body_id: int
    body: str
    part: Annotated[str, Choice("CasePart", PARTS)]
    state: Annotated[str, Choice("CasePartState", PART_STATES)]


class _CaseFile(Answer):
    """Members of a case beside the properties of its feature."""

    id: int
    geometry: Point
    alert_id: int | None
    assignment: Annotated[AssignmentDocument, Field(description="As it was at the opening")]
    explanation: list[ExplanationStep]
    events: list[CaseEvent]
    clock: CaseClockDocument
    parties: Annotated[list[CaseParty], Field(description="Bodies that take part now")]
    available_actions: Annotated[list[str], Field(description="Steps that the caller may take now")]
    refused_actions: Annotated[
        dict[str, BothLanguages],
        Field(
            description="Steps that the state and the role would allow, with the reason that they are not possible"
        ),
    ]


CaseDocument: type[BaseModel] = create_model(
    "CaseDocument",
    __base__=(_CaseFile, PROPERTIES["cases"]),
    __doc__="One case: facts, assignment, every event, and what the caller may do next.",
)


class ChainHead(Answer):
    """A signed head over the chains of all cases."""

    sequence: Annotated[int, Field(ge=1)]
    hash: str


class ChainVerdict(Answer):
    """Verdict on the hash chain of a case's events and on the signed heads over them."""

    number: str
    events: Annotated[int, Field(ge=0)]
    under_heads: Annotated[int, Field(ge=0, description="Events that a signed head binds")]
    waiting: Annotated[int, Field(ge=0, description="Events that come under the next head, within seconds")]
    newest_head: Annotated[ChainHead | None, Field(description="Of all cases")]
    holds: bool
    faults: list[str]


class TakeBackBody(Body):
    """Reason for which an attachment is taken back."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class Comparison(BothLanguages):
    """Comparison of the place or time of a photo with the case."""

    fit: Annotated[str, Field(description="near, far, missing or wrong")]


class AttachmentDocument(Answer):
    """A photo or document of a case."""

    id: int
    event_seq: Annotated[int, Field(description="Step of the chain that holds its hash")]
    name: str
    kind: Annotated[str, Field(description="photo or document")]
    media_type: str
    size_bytes: int
    sha256: str
    width: int | None
    height: int | None
    taken_at: Annotated[dt.datetime | None, Field(description="From the EXIF of a photo")]
    distance_m: Annotated[int | None, Field(description="From the case to where a photo was taken")]
    comparison: Annotated[list[Comparison], Field(description="Place, then time of a photo")]
    added_at: dt.datetime
    added_by: str
    taken_back_at: dt.datetime | None
    taken_back_by: str | None
    taken_back_reason: str | None
    file: Annotated[str | None, Field(description="None: it was taken back")]
    preview: Annotated[str | None, Field(description="Photos only")]
    original: Annotated[str | None, Field(description="For supervisors: as it was sent, with its metadata")]


class AttachmentList(Answer):
    """Attachments of a case."""

    attachments: list[AttachmentDocument]


class TakeDownBody(Body):
    """Reason for which a publication is taken down."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class PublishedProperties(Answer):
    """A decided case as the public may know it."""

    number: str
    item_code: str
    matter: str
    matter_en: str | None
    domain: str
    town_code: str
    town: str
    body: Annotated[str | None, Field(description="Body that led the case")]
    enterprise: Annotated[str | None, Field(description="Registered enterprises only")]
    decision: Annotated[str, Field(description="Code of the decision")]
    decision_zh: str
    decision_en: str
    decided_on: dt.date
    published_at: dt.datetime


class PublishedFeature(Answer):
    """A published case; the point is that of its town."""

    type: str
    id: str
    geometry: Point
    properties: PublishedProperties


class PublishedCases(Answer):
    """Published cases as a GeoJSON feature collection."""

    type: str
    features: list[PublishedFeature]


class IndicatorFigure(Answer):
    """A rate with the counts behind it, and its value in former periods."""

    value: Annotated[float | None, Field(description="null: over nothing")]
    part: int
    whole: int
    small: Annotated[bool, Field(description="Fewer than five cases are behind it")]
    before: Annotated[float | None, Field(description="In the period of the same length just before")]
    year_before: Annotated[float | None, Field(description="On the same days a year earlier")]


class IndicatorTableRow(Answer):
    """Indicators of one key of the breakdown."""

    key: str | None
    name: str | None
    rank: Annotated[int | None, Field(description="Place by score, the best first")]
    counts: dict[str, int]
    score: Annotated[float | None, Field(description="0 to 100; null if nothing was due")]
    score_before: float | None
    score_year_before: float | None
    figures: dict[str, IndicatorFigure]


class IndicatorTable(Answer):
    """Indicators of a period."""

    since: dt.date
    until: Annotated[dt.date, Field(description="Day after the last one")]
    by: str | None
    within: str | None
    rows: list[IndicatorTableRow]


class FigureCases(Answer):
    """Numbers of the cases behind a figure."""

    cases: list[str]
