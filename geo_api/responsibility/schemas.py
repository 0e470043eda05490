"""Bodies and answers of assignment, the duty list, the runs of the models and the settings of the console."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, WithJsonSchema, field_validator

from geo_api.ground.schemas import BaseMapDocument
from geo_api.http.schemas import (
    Answer,
    AssignmentOutcome,
    Body,
    Choice,
    Crs,
    Domain,
    Level,
    Link,
    Moment,
    aware,
)
from layers.tables import DUTY_PROPOSAL_STATES

MAX_POINTS = 10_000
Longitude = Annotated[float, Field(strict=True, ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Field(strict=True, ge=-90, le=90, allow_inf_nan=False)]
ItemCode = Annotated[str, Field(min_length=1, max_length=100, description="Item of the duty list")]
Uscc = Annotated[
    str | None,
    Field(max_length=18, description="Enterprise in question: its sites decide when it is unclear"),
]


class PlaceGeometry(BaseModel):
    """A GeoJSON geometry, in the CRS that the body names."""

    type: Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]
    coordinates: Annotated[list[Any], Field(min_length=1, max_length=10_000)]


class AssignBody(Body):
    """Place (a point as lon and lat, or a geometry), matter and time."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"lon": 104.92, "lat": 35.25, "accuracy_m": 15, "item_code": "SX-0001"}]
        },
    )
    lon: Longitude | None = None
    lat: Latitude | None = None
    accuracy_m: Annotated[
        float,
        Field(
            strict=True, ge=0, le=10_000, allow_inf_nan=False, description="Radius of the point's accuracy"
        ),
    ] = 0
    item_code: ItemCode
    at: Annotated[Moment | None, Field(description="When it happened; default now")] = None
    crs: Crs = "wgs84"
    enterprise_uscc: Uscc = None
    geometry: Annotated[PlaceGeometry | None, Field(validate_default=True)] = None
    first_filed: Annotated[
        str | None,
        Field(
            max_length=20, description="Code of the town that filed first, for a geometry over several towns"
        ),
    ] = None

    _aware = field_validator("at")(aware)

    @field_validator("geometry")
    @classmethod
    def _one_place(cls, geometry: PlaceGeometry | None, info: ValidationInfo) -> PlaceGeometry | None:
        wrong = not {"lon", "lat"} <= info.data.keys()  # told by their own fault
        point = info.data.get("lon") is not None and info.data.get("lat") is not None
        if not wrong and point == (geometry is not None):
            raise ValueError("give lon and lat, or a geometry")
        return geometry


class AssignPoint(Body):
    """Place and matter, one of many; a value that cannot be is a fault of its row, not of the request."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"required": ["lon", "lat", "item_code"]})
    id: Annotated[
        Any, WithJsonSchema({"type": ["string", "integer", "null"], "description": "Yours, comes back"})
    ] = None
    lon: Annotated[Any, WithJsonSchema({"type": "number", "minimum": -180, "maximum": 180})] = None
    lat: Annotated[Any, WithJsonSchema({"type": "number", "minimum": -90, "maximum": 90})] = None
    item_code: Annotated[Any, WithJsonSchema({"type": "string", "description": "Item of the duty list"})] = (
        None
    )
    enterprise_uscc: Annotated[Any, WithJsonSchema({"type": ["string", "null"], "maxLength": 18})] = None


class AssignManyBody(Body):
    """Many points at one moment."""

    points: Annotated[list[AssignPoint], Field(min_length=1, max_length=MAX_POINTS)]
    at: Moment | None = None
    crs: Crs = "wgs84"

    _aware = field_validator("at")(aware)


class BriefAssignment(Answer):
    """Responsibility for one of many points: codes and bodies, without the explanation."""

    row: Annotated[int, Field(description="Place among the points that were sent, from 1")]
    id: Annotated[str | int | None, Field(description="As it was sent")]
    lon: Annotated[float, Field(description="Degrees, WGS-84")]
    lat: Annotated[float, Field(description="Degrees, WGS-84")]
    item_code: str
    enterprise_uscc: str | None
    outcome: AssignmentOutcome
    unit_grid: Annotated[str | None, Field(description="Code")]
    community: Annotated[str | None, Field(description="Code")]
    town: Annotated[str | None, Field(description="Code")]
    county: Annotated[str | None, Field(description="Code")]
    city: Annotated[str | None, Field(description="Code")]
    domain: Domain | None
    lead_body: str | None
    lead_level: Level | None
    co_handlers: list[str] | None
    unit_grid_now: Annotated[str | None, Field(description="Successors of an area that has ended, by ;")]
    community_now: str | None
    town_now: str | None
    county_now: str | None
    city_now: str | None
    lead_body_now: Annotated[str | None, Field(description="Where an area or the lead has ended since")]
    enterprise_sites: Annotated[list[str] | None, Field(description="As `production 990121100`")]


class PointFault(Answer):
    """A point of a bulk that was not assigned."""

    row: Annotated[int, Field(description="Place among the points that were sent, from 1")]
    id: Annotated[str | int | None, Field(description="As it was sent")]
    field: str
    reason: str
    reason_zh: str


class BriefAssignments(Answer):
    """Answers in the order of the points; points with a fault have none."""

    assignments: list[BriefAssignment]
    faults: Annotated[list[PointFault], Field(description="Points that were not assigned, with the reason")]


class DutyLine(Answer):
    """One line of the duty list (权责清单): who may act on what, where, since when."""

    item_code: str
    item: str
    domain: Domain
    legal_basis: str
    kind: Annotated[str, Field(description="Kind of power, as the list says")]
    body: str
    level: Level
    area_code: Annotated[str, Field(description="Where the body may act")]
    role: Annotated[str, Choice("DutyRole", ("lead", "joint"))]
    valid_from: dt.date
    valid_to: Annotated[dt.date | None, Field(description="First day on which it no longer holds")]


class DutyLines(Answer):
    """Lines of the duty list."""

    items: list[DutyLine]
    numberMatched: Annotated[int, Field(ge=0, description="Lines of all pages")]
    links: list[Link]


class ModelRunDocument(Answer):
    """One run of a model."""

    id: int
    model: str
    version: str
    at: Annotated[dt.datetime, Field(description="The moment that the model looks from")]
    parameters: dict[str, Any]
    finished_at: dt.datetime
    counts: Annotated[
        dict[str, Any] | None, Field(description="For those who see the whole city: what was found")
    ] = None


class ModelRuns(Answer):
    """Runs of the models, newest first."""

    runs: list[ModelRunDocument]
    links: Annotated[list[Link], Field(description="`next` leads to older ones")]


class ConsoleSettings(Answer):
    """Settings of this installation that the console needs."""

    base_maps: Annotated[list[BaseMapDocument], Field(description="Beside none and the roads, best first")]
    version: str
    city: Annotated[str, Field(description="Name of the city in both languages")]
    city_zh: str
    city_en: str
    city_code: Annotated[str, Field(description="Division code of GB/T 2260; empty: not set")]
    time_zone: Annotated[str, Field(description="Time zone of the city: times are shown in it")]
    languages: list[Literal["zh", "en"]]
    pdf: Annotated[bool, Field(description="Reports can be had as PDF, too: there is a Chromium")]


class LegendEntry(Answer):
    """Colour and names of a value."""

    color: Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]
    zh: str
    en: str


class CaseAction(Answer):
    """A step of a case, for people."""

    zh: str
    en: str
    needs_note: Annotated[bool, Field(description="It needs a note with the reason")]


Legend = dict[str, LegendEntry]


class StyleDocument(Answer):
    """Legends by value, and the steps of a case by action."""

    alert_levels: Legend
    case_states: Legend
    area_kinds: Legend
    site_statuses: Legend
    hot_levels: Legend
    patterns: Legend
    domains: Legend
    track: Legend
    case_actions: dict[str, CaseAction]


class TouchedCase(Answer):
    """An open case whose lead or co-handlers would be others under a new list."""

    number: str
    item_code: str
    lead_now: str | None
    lead_new: str | None
    co_handlers_now: list[str]
    co_handlers_new: list[str]


class TouchedTown(Answer):
    """A town that gains or loses a matter."""

    town_code: str
    item_code: str
    item: str
    change: Literal["gains", "loses"]
    body: str


class TouchedOfficers(Answer):
    """Officers whose body loses a matter in an area, by their certificates."""

    body: str
    item_code: str
    area_code: str
    certificates: list[str]


class ListFault(Answer):
    """A fault that the whole list would have and has not today."""

    rule: str
    en: str
    zh: str


class DutyImpact(Answer):
    """Impact of a new duty list from its day on."""

    ended: Annotated[list[DutyLine], Field(description="Lines that end on the day")]
    dropped: Annotated[list[DutyLine], Field(description="Lines that would have begun later")]
    begun: Annotated[list[DutyLine], Field(description="Lines that begin")]
    cases: list[TouchedCase]
    towns: list[TouchedTown]
    officers: list[TouchedOfficers]
    faults: list[ListFault]


class DutyProposal(Answer):
    """A proposed duty list."""

    id: int
    title: str
    reason: str
    author: str
    created_at: dt.datetime
    effective_on: dt.date
    covers: Annotated[str, Choice("DutyListCovers", ("whole", "items"))]
    file_name: str
    sha256: Annotated[str, Field(description="Of the file's content")]
    status: Annotated[str, Choice("DutyProposalState", DUTY_PROPOSAL_STATES)]
    decided_by: str | None
    decided_at: dt.datetime | None
    batch_id: Annotated[int | None, Field(description="Import of the approved list")]
    n_lines: int
    may_approve: Annotated[
        bool, Field(description="The caller may approve it: another person than its author")
    ]
    may_reject: bool
    may_undo: bool


class DutyProposals(Answer):
    """Proposed duty lists, the newest first."""

    proposals: list[DutyProposal]
    links: list[Link]


class ProposalStep(Answer):
    """A step of a proposed list."""

    at: dt.datetime
    actor: str
    action: Annotated[str, Choice("DutyProposalAction", ("propose", "approve", "reject", "undo"))]
    note: str


class DutyProposalDocument(DutyProposal):
    """A proposed duty list with its impact and its steps."""

    preview: DutyImpact
    steps: list[ProposalStep]


class ProposalReason(Body):
    """Why a list is turned down or taken back."""

    reason: Annotated[str, Field(max_length=2000)] = ""
