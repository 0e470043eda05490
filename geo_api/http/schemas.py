"""Models that several rooms share: texts of a list, times, links, problems and GeoJSON features.

Answers are described, not checked, at run time: a route gives a ``Response`` of plain data, and the tests
hold every answer to the model that the route declares (``tests/support/declared_answers.py``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from geojson_pydantic import (
    GeometryCollection,
    LineString,
    MultiLineString,
    MultiPoint,
    MultiPolygon,
    Point,
    Polygon,
)
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from geo_api.http.errors import TITLES, TYPE_BASE
from layers.collections import FIRST_YEAR, LAST_YEAR
from layers.imports import SITE_KINDS
from layers.tables import AREA_KINDS, DOMAINS, ROLES


class Choice:
    """Marks a text as one of a list; the list is a named component of the API's description.

    Parameters
    ----------
    name : str
        Name of the component.
    values : iterable of str
        The texts that are possible.
    """

    def __init__(self, name: str, values: Iterable[str]) -> None:
        self.name = name
        self.values = tuple(values)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return a literal that is defined once, under its name."""

        def described(_: CoreSchema, __: Any) -> dict[str, Any]:
            return {"type": "string", "enum": list(self.values)}

        metadata = {"pydantic_js_functions": [described]}
        return core_schema.literal_schema(list(self.values), ref=f"{self.name}:choice", metadata=metadata)


Crs = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
AssignmentOutcome = Annotated[
    str, Choice("AssignmentOutcome", ("assigned", "ambiguous", "nearest_assumed", "no_area"))
]
Role = Annotated[str, Choice("Role", ROLES)]
Domain = Annotated[str, Choice("Domain", DOMAINS)]
AreaKind = Annotated[str, Choice("AreaKind", AREA_KINDS)]
Level = Annotated[str, Choice("Level", ("town", "county", "city"))]
SiteKind = Annotated[str, Choice("SiteKind", SITE_KINDS)]


def aware(at: dt.datetime | None) -> dt.datetime | None:
    """Read a time; one without zone is UTC, one outside of the calendar's useful part is refused."""
    if at is None:
        return None
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError(
            f"the year must be in {FIRST_YEAR}-{LAST_YEAR} 年份应在 {FIRST_YEAR} 至 {LAST_YEAR} 之间"
        )
    return at.replace(tzinfo=dt.UTC) if at.tzinfo is None else at


def _written(at: object) -> object:
    number = isinstance(at, str) and at.strip().lstrip("+-").replace(".", "", 1).isdigit()
    if number or (at is not None and not isinstance(at, str | dt.datetime)):
        raise ValueError("a time of RFC 3339 is needed, as text")
    return at


Moment = Annotated[dt.datetime, BeforeValidator(_written)]
"""A time as text: pydantic would read a number, also one in quotes, as seconds since 1970."""


class Body(BaseModel):
    """Body of a request. Unknown members are refused, so that a misspelt one is not lost."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """Answer of the service. Members may be added later: a client ignores those that it does not know."""


Geometry = Annotated[
    Point | MultiPoint | LineString | MultiLineString | Polygon | MultiPolygon | GeometryCollection,
    Field(discriminator="type"),
]
"""Any geometry of GeoJSON (RFC 7946)."""
Share = Annotated[float, Field(ge=0, le=1)]


class Link(Answer):
    """A link to another document (RFC 8288)."""

    rel: Annotated[str, Field(description="Relation, of the IANA register or of OGC")]
    href: str
    type: Annotated[str | None, Field(description="Media type of what is there")] = None
    title: str | None = None
    title_zh: str | None = None
    templated: Annotated[bool | None, Field(description="`href` has variables in braces")] = None


class ParameterFault(Answer):
    """Fault of one member of a body, or of one parameter."""

    where: Annotated[str, Field(alias="in", description="body, query, path, header or cookie")]
    field: Annotated[str, Field(description="Name, with dots between the levels")]
    reason: str
    reason_zh: Annotated[str | None, Field(description="The reason in Chinese")] = None
    row: Annotated[int | None, Field(description="Of files: row from 1, without the header")] = None


class TextPosition(Answer):
    """A place in a text, counted from 1."""

    line: int
    column: int


class RowFault(Answer):
    """A row of a batch that was refused."""

    row: Annotated[int, Field(description="Number of the row, from 1")]
    field: str
    reason: str


class UnregisteredVehicles(Answer):
    """Vehicles that reported before they were registered."""

    count: int
    vehicle_ids: Annotated[list[str], Field(description="The first 100")]


class RestingRows(Answer):
    """Rows of one kind that rest on an import."""

    kind: Annotated[str, Field(description="`batches`, `change_sets`, `vehicles_with_fixes`, or a table")]
    count: int
    ids: Annotated[list[str], Field(description="The first ten, as people name them")]


class ProblemDocument(Answer):
    """Why the service did not do what was asked (RFC 9457)."""

    model_config = ConfigDict(title="Problem")
    type: Annotated[str, Choice("ProblemType", (TYPE_BASE + kind for kind in TITLES))]
    title: str
    title_zh: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(description="What was wrong this time")]
    detail_zh: str | None = None
    instance: Annotated[str, Field(description="Path of the request")]
    request_id: Annotated[str, Field(description="Number under which the log has the request")]
    faults: Annotated[
        list[ParameterFault] | None,
        Field(description="Of parameters and bodies: what is wrong with which; the first 100"),
    ] = None
    faults_found: Annotated[int | None, Field(description="How many faults there are")] = None
    position: Annotated[TextPosition | None, Field(description="Of filters: where reading stopped")] = None
    rule: Annotated[str | None, Field(description="Of edits of the partition: the rule that is broken")] = (
        None
    )
    zones: Annotated[list[str] | None, Field(description="Of edits: the zones concerned")] = None
    clash: Annotated[Geometry | None, Field(description="Of edits: the place, in EPSG:4326")] = None
    accepted: Annotated[int | None, Field(description="Of batches: fixes that were written")] = None
    duplicate: Annotated[int | None, Field(description="Of batches: fixes that were there before")] = None
    rejected: Annotated[int | None, Field(description="Of batches: rows that were refused")] = None
    reasons: Annotated[list[RowFault] | None, Field(description="Of batches: the first 100 refused")] = None
    unregistered_vehicles: UnregisteredVehicles | None = None
    rests_on: Annotated[
        list[RestingRows] | None,
        Field(
            description="Of an undo or a withdrawal that was refused: what rests on the import or the entry"
        ),
    ] = None
    nearest: Annotated[
        list[str] | None,
        Field(description="Of an entry that no register has: the most similar names and keys"),
    ] = None
    version: Annotated[
        int | None, Field(description="Of a draft that was saved meanwhile: the version that is kept")
    ] = None


class AreaName(Answer):
    """An area by the names that people know it by."""

    code: str
    name: str


class AreaVersion(AreaName):
    """One version of an area."""

    id: int
    valid_from: Annotated[dt.datetime, Field(description="Since when this version holds")]


class CandidateGrid(AreaVersion):
    """A unit grid that could be the one."""

    share: Annotated[Share, Field(description="Its share of the circle of accuracy, or of the geometry")]
    holds_site: Annotated[bool, Field(description="A site of the enterprise in question lies in it")]


class AssignedAreas(Answer):
    """Areas at the place: one of each kind of the hierarchy, and all overlays."""

    city: AreaVersion | None
    county: AreaVersion | None
    town: AreaVersion | None
    community: AreaVersion | None
    unit_grid: AreaVersion | None
    functional_zone: list[AreaVersion]
    water: list[AreaVersion]


class LeadBody(Answer):
    """The body that leads, by a line of the duty list (权责清单)."""

    body: str
    level: Level
    item_code: str
    item: str
    legal_basis: str
    kind: Annotated[str, Field(description="Kind of power, as the list says: penalty, permit …")]
    area_code: Annotated[str, Field(description="Where the body may act")]
    duty_item_id: int
    valid_from: dt.date
    valid_to: Annotated[dt.date | None, Field(description="First day on which it no longer holds")]


class PartnerBody(Answer):
    """A body beside the lead, and why."""

    body: str
    level: Level
    reason: Annotated[str, Field(description="In Chinese")]
    reason_en: str


class ExplanationStep(Answer):
    """One step of the reasoning, for people."""

    step: str
    rule: str
    zh: str
    en: str
    chosen: Annotated[str | list[str] | None, Field(description="Name and code, or codes")]
    not_chosen: list[str]


class SuccessorAreas(Answer):
    """Areas of now that followed the areas of then, by kind; only kinds whose area has ended."""

    city: list[AreaVersion] | None = None
    county: list[AreaVersion] | None = None
    town: list[AreaVersion] | None = None
    community: list[AreaVersion] | None = None
    unit_grid: list[AreaVersion] | None = None


class AssignmentNow(Answer):
    """Successors of the areas and of the lead of a past matter."""

    areas: SuccessorAreas
    lead: LeadBody | None


class TownShare(AreaName):
    """A town that a line or polygon meets."""

    share: Share
    lead: Annotated[str | None, Field(description="The body that leads there")]


class CrossRegion(Answer):
    """A matter over several towns."""

    lead_town: Annotated[str, Field(description="Code of the town that leads")]
    superior: Annotated[
        AreaName | None, Field(description="The smallest area of all these towns: it designates in dispute")
    ]
    towns: list[TownShare]
    outside: Annotated[Share, Field(description="Share outside of all grids")]


class EnterpriseSite(Answer):
    """A place of the enterprise in question, with its jurisdiction."""

    site_id: Annotated[str | None, Field(description="None for the registration that the USCC tells")]
    role: SiteKind
    role_zh: str
    role_en: str
    code: Annotated[str | None, Field(description="Code of the jurisdiction")]
    name: str | None
    lead_body: str | None
    place_of_matter: bool


class AssignmentDocument(Answer):
    """Responsibility for a place and a matter at a time, with every step explained."""

    outcome: AssignmentOutcome
    lon: Annotated[float, Field(description="Degrees, WGS-84")]
    lat: Annotated[float, Field(description="Degrees, WGS-84")]
    accuracy_m: float
    item_code: str
    at: dt.datetime
    domain: Domain | None
    areas: AssignedAreas
    lead: Annotated[LeadBody | None, Field(description="None when no line of the duty list applies")]
    co_handlers: list[PartnerBody]
    copied_to: list[PartnerBody]
    candidates: Annotated[
        list[CandidateGrid], Field(description="Of an ambiguous answer or a geometry, the chosen one first")
    ]
    explanation: list[ExplanationStep]
    now: Annotated[
        AssignmentNow | None, Field(description="Of a matter of the past whose areas or lead have ended")
    ] = None
    cross_region: CrossRegion | None = None
    enterprise_sites: list[EnterpriseSite] = []
