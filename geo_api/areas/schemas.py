"""Bodies and answers of the partition: operations, change sets, balance."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from geojson_pydantic import Feature as GeoJsonFeature
from geojson_pydantic import FeatureCollection as GeoJsonFeatureCollection
from geojson_pydantic import MultiPolygon, Polygon
from pydantic import Field, field_validator
from pydantic.json_schema import SkipJsonSchema

from geo_api.http.schemas import Answer, AreaKind, AreaName, Body, Choice, Link, aware
from grid.change_sets import AnyOperation, StoredOperation, Transfer
from grid.change_sets.operations import AreaId
from layers.tables import CHANGE_SET_STATUSES

CornerFreedom = Annotated[
    Literal["free", "along", "frozen"],
    Field(description="Anywhere, along the border on which it lies, or not at all"),
]


class ChangeSetBody(Body):
    """Operations that are applied together or not at all, at once or from a date on."""

    operations: Annotated[list[AnyOperation], Field(min_length=1, max_length=100)]
    effective_at: dt.datetime | None = None
    title: Annotated[str, Field(max_length=200)] = ""
    reason: Annotated[str, Field(max_length=4000, description="Why, for whoever approves")] = ""
    keep_codes: Annotated[
        bool,
        Field(
            description="Unit grids whose borders are only corrected (moves, redrawn boundaries) keep their codes, if"
            " they keep enough of their land (`WANGGE_KEPT_CODE_LAND_SHARE`); else it is refused with the share"
        ),
    ] = False

    _aware = field_validator("effective_at")(aware)


class CornersBody(Body):
    """A unit grid whose corners are asked for, after the steps of a draft."""

    area_id: AreaId
    operations: Annotated[list[AnyOperation], Field(max_length=100)] = []


class RejectBody(Body):
    """Why a change set is turned down."""

    reason: Annotated[str, Field(max_length=4000)] = ""


class GridLoad(Answer):
    """Load of one zone."""

    code: str
    sites: int
    cases: Annotated[int, Field(description="Open ones")]
    area_m2: float


class LoadChange(Answer):
    """Loads of the zones that end and of those that begin, 200 each at most."""

    before: list[GridLoad]
    after: list[GridLoad]


class NewAreaProperties(Answer):
    """An area that begins."""

    code: str
    name: str
    kind: AreaKind
    parent_id: Annotated[int | None, Field(description="Id of the version of the parent that holds now")] = (
        None
    )
    area_m2: float


class NewArea(GeoJsonFeature[Polygon | MultiPolygon, NewAreaProperties]):
    """An area that begins, as a feature."""

    id: Annotated[
        int | SkipJsonSchema[None],
        Field(
            description="Id by which later operations of the draft name it: below 0 of a new unit grid,"
            " its own of an area that goes on under another parent or code"
        ),
    ] = None
    geometry: Polygon | MultiPolygon
    properties: NewAreaProperties


class NewAreas(GeoJsonFeatureCollection[NewArea]):
    """Areas that begin, as features."""


class StepResult(Answer):
    """A step of a draft."""

    op: str
    made: Annotated[list[int], Field(description="Ids in the draft of the unit grids that it made, below 0")]


class CodePair(Answer):
    """An area that was, and one that follows it."""

    old_code: str
    old_name: str
    new_code: str
    new_name: str
    kind: AreaKind
    share: Annotated[float, Field(description="Share of the old area's land that is the new one's, 0 to 1")]


class NarrowPart(Answer):
    """A wedge or strip of a unit grid that nothing wide runs through."""

    kind: Literal["narrow"]
    code: str
    length_m: float
    width_m: Annotated[float, Field(description="Mean width")]
    place: Polygon


class CodeTable(Answer):
    """Codes old and new of a change set: as they came, or as planned while it waits."""

    change_set_id: int
    title: str
    status: Annotated[str, Choice("ChangeSetStatus", CHANGE_SET_STATUSES)]
    effective_at: Annotated[
        dt.datetime | None, Field(description="Since when the new codes hold, or from when on")
    ]
    rows: list[CodePair]


class ChangePreview(Answer):
    """Preview of a change set: ended and new areas, loads and moved cases."""

    affected_sites: int
    open_cases: Annotated[list[str], Field(description="Numbers")]
    new_codes: list[str]
    voided_codes: list[str]
    kept_codes: Annotated[list[str], Field(description="Unit grids that go on under their codes")] = []
    code_table: Annotated[list[CodePair], Field(description="Codes old and new, as planned")] = []
    warnings: Annotated[
        list[NarrowPart], Field(description="Narrow parts that it leaves; they refuse nothing")
    ] = []
    noded: Annotated[list[str], Field(description="Neighbours that get a node on an edge, by code")] = []
    outlines: Annotated[list[str], Field(description="Larger areas with another outline, by code")] = []
    load: LoadChange
    steps: Annotated[list[StepResult], Field(description="The operations in their order")] = []
    result: NewAreas


class ChangedArea(AreaName):
    """An area that began or ended."""

    id: int


class EndedGrid(ChangedArea):
    """A grid of responsibility or evaluation of which nothing is left."""

    kind: AreaKind


class NewAreaVersion(Answer):
    """An area that went on in a new version."""

    old_id: int
    id: int
    kind: AreaKind
    code: str


class ChangeResult(Answer):
    """Result of a change set that came into force, or the reason of its rejection."""

    created: list[ChangedArea] = []
    voided: list[ChangedArea] = []
    versions: list[NewAreaVersion] = []
    ended: list[EndedGrid] = []
    again: Annotated[list[ChangedArea], Field(description="Grids that began again by an undo")] = []
    noded: Annotated[list[str], Field(description="Neighbours that got a node on an edge, by code")] = []
    new_codes: list[str] = []
    voided_codes: list[str] = []
    rejected_by: str | None = None
    reason: str | None = None
    reason_zh: str | None = None


class _ChangeSetFacts(Answer):
    """Members that a change set and a trial share."""

    area_id: Annotated[int | None, Field(description="The area that holds the change")]
    author: str
    approved_by: str | None
    created_at: dt.datetime
    applied_at: dt.datetime | None
    effective_at: Annotated[
        dt.datetime | None,
        Field(description="Date from which it is to hold; approved later: from applied_at on"),
    ]
    operations: list[StoredOperation]
    preview: ChangePreview
    result: ChangeResult | None
    undoes_id: Annotated[int | None, Field(description="The change set that this one takes back")]
    title: str
    reason: str
    keep_codes: bool
    may_approve: Annotated[bool, Field(description="The caller may put it into force, or take it back")]
    approvers_en: Annotated[str, Field(description="Who may put it into force, or take it back")]
    approvers_zh: str


class ChangeSetDocument(_ChangeSetFacts):
    """An edit of the partition: operations, what they do, who asked, who approved."""

    id: int
    status: Annotated[str, Choice("ChangeSetStatus", CHANGE_SET_STATUSES)]


class ChangeSetTrial(_ChangeSetFacts):
    """Trial of operations; nothing of it is stored."""

    id: None
    status: Literal["preview"]


class ChangeSets(Answer):
    """Change sets, newest first."""

    change_sets: list[ChangeSetDocument]
    links: Annotated[list[Link], Field(description="`next` leads to older ones")]


class GridCorner(Answer):
    """A corner of a unit grid."""

    at: Annotated[tuple[float, float], Field(description="Longitude and latitude")]
    grids: Annotated[list[int], Field(description="Unit grids that touch it; they move together")]
    moves: CornerFreedom
    removable: Annotated[bool, Field(description="Two edges meet there: it may be taken away")]
    reason_en: Annotated[str, Field(description="Why it does not move freely, and who may move it")]
    reason_zh: str


class GridEdge(Answer):
    """An edge of a unit grid."""

    ends: tuple[tuple[float, float], tuple[float, float]]
    grids: list[int]
    moves: CornerFreedom
    bends: Annotated[bool, Field(description="A corner may be inserted in it")]
    reason_en: str
    reason_zh: str


class GridCornersAnswer(Answer):
    """Corners and edges of a unit grid, with what the caller may do with each."""

    area_id: int
    corners: list[GridCorner]
    edges: list[GridEdge]


class CommunityLoad(AreaName):
    """Load of one community."""

    id: int
    households: float
    enterprises: float
    cases: Annotated[float, Field(description="Open ones")]
    area_m2: float
    road_length_m: float
    load: Annotated[float, Field(description="1 is the mean")]
    load_after: Annotated[float, Field(description="After the moves")]
    workers: Annotated[int, Field(description="Grid workers on duty in it")]
    households_per_worker: Annotated[float | None, Field(description="Null: it has no grid worker")]


class MissingData(Answer):
    """A measure that was not recorded everywhere."""

    measure: str
    missing: Annotated[int, Field(description="Unit grids without a value; of `workers` communities")]
    of: Annotated[int, Field(description="All of them")]


class BalanceMove(Answer):
    """One unit grid that is to change its community."""

    area_id: int
    code: str
    from_code: str
    to_id: int
    to_code: str
    gain: Annotated[float, Field(description="By how much the spread falls")]


class Balance(Answer):
    """Loads of a territory, and what would even them out."""

    zones: list[CommunityLoad]
    spread: Annotated[float, Field(description="Standard deviation of the loads")]
    spread_after: float
    moves: Annotated[list[BalanceMove], Field(description="In the order in which they are to be made")]
    weights: Annotated[dict[str, float], Field(description="Weights used, by measure")]
    missing: Annotated[list[MissingData], Field(description="What was not recorded everywhere")]
    operations: Annotated[list[Transfer], Field(description="The moves as operations of a change set")]
