"""Bodies and answers of intake."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from geojson_pydantic import Point
from pydantic import Field

from geo_api.http.schemas import Answer, Body, Choice, Domain, Link
from layers.tables import CASE_STATES, CLUE_SOURCES, CLUE_STATES, URGENCIES

ClueSource = Annotated[str, Choice("ClueSource", CLUE_SOURCES)]
CaseState = Annotated[str, Choice("CaseState", CASE_STATES)]
ClueState = Annotated[str, Choice("ClueState", CLUE_STATES)]
Urgency = Annotated[str, Choice("Urgency", URGENCIES)]
OfficeSource = Annotated[str, Choice("OfficeSource", ("hotline", "grid", "system"))]
Lon = Annotated[float, Field(ge=-180, le=180, description="Degrees, EPSG:4326")]
Lat = Annotated[float, Field(ge=-90, le=90, description="Degrees, EPSG:4326")]
ReportText = Annotated[str, Field(min_length=2, max_length=4_000)]
ShortText = Annotated[str, Field(max_length=200)]
ItemCode = Annotated[str, Field(min_length=1, max_length=100)]


class ReportBody(Body):
    """A report of the public: no account is needed."""

    text: ReportText
    address: ShortText | None = None
    lon: Lon | None = None
    lat: Lat | None = None
    name: ShortText | None = None
    phone: ShortText | None = None


class ClueBody(ReportBody):
    """A clue as a clerk, a grid worker or another system reports it."""

    source: OfficeSource = "hotline"
    item_code: ItemCode | None = None
    urgency: Urgency = "normal"
    email: ShortText | None = None
    with_code: Annotated[
        bool, Field(description="Give a query code, as the public gets one: a clerk tells it to who called")
    ] = False


class CaseBody(Body):
    """A case that another system or a clerk opens: its place and matter are known."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    text: ReportText
    lon: Lon
    lat: Lat
    item_code: ItemCode
    urgency: Urgency = "normal"
    source: OfficeSource = "system"


class RejectionBody(Body):
    """The reason for which a clue is not taken in."""

    reason: Annotated[str, Field(min_length=1, max_length=1_000)]


class MergeBody(Body):
    """The case or the other clue that a clue is merged into."""

    case_number: Annotated[str, Field(max_length=100)] | None = None
    clue_id: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None


class LinkBody(Body):
    """A case that a clue has to do with."""

    case_number: Annotated[str, Field(min_length=1, max_length=100)]


class OpeningBody(Body):
    """Matter and place of a clue, as a clerk decided."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    item_code: ItemCode
    lon: Lon
    lat: Lat


class PlaceFound(Answer):
    """A place that an address may mean."""

    name: str
    kind: Annotated[str, Field(description="A kind of area, `road`, `waterway` or `site`")]
    former: Annotated[bool, Field(description="A name of before")]
    lon: float
    lat: float
    score: Annotated[float, Field(ge=0, le=1)]
    matched: Annotated[str, Field(description="The longest part of the address that has the name")]
    within: Annotated[list[str], Field(description="Codes of the areas that hold it, the largest first")]
    lies_in: Annotated[
        list[str], Field(description="Names of today of those below the city, without its own")
    ] = []


class StaleSource(Answer):
    """A layer whose names are others by now."""

    source: str
    refreshed_at: dt.datetime | None


class PlacesFound(Answer):
    """Places for an address, the best first; none is chosen."""

    outcome: Annotated[str, Choice("PlaceSearchOutcome", ("found", "nothing_found", "another_city"))]
    another_city: str | None
    candidates: list[PlaceFound]
    stale: Annotated[list[StaleSource], Field(description="Layers that changed since the names were made")]


class SuggestedMatter(Answer):
    """A matter that a text may be about."""

    item_code: str
    name: str
    domain: Domain
    score: Annotated[float, Field(description="Share of the best score")]
    matched: Annotated[list[str], Field(description="Pairs of characters that the matter has too")]


class SuggestedMatters(Answer):
    """Matters that a text may be about, the best first; none is chosen."""

    matters: list[SuggestedMatter]


class PossibleDuplicate(Answer):
    """An open case or clue that may be the same thing."""

    kind: Annotated[str, Choice("DuplicateKind", ("case", "clue"))]
    key: Annotated[str, Field(description="Number of the case, or id of the clue")]
    title: str
    state: str
    item_code: str | None
    reported_at: dt.datetime
    distance_m: float
    lon: float
    lat: float


class PossibleDuplicates(Answer):
    """Open cases and clues within the radius and days of the matter."""

    radius_m: float
    days: int
    duplicates: list[PossibleDuplicate]


class Reporter(Answer):
    """Person who reported: personal data, for dispatchers and supervisors."""

    name: str | None
    phone: str | None
    email: str | None


class ClueDocument(Answer):
    """A clue."""

    id: int
    source: ClueSource
    text: str
    address: str | None
    candidates: list[PlaceFound]
    geometry: Point | None
    item_code: str | None
    domain: Domain | None
    urgency: Urgency
    state: ClueState
    reason: str | None
    case_number: Annotated[str | None, Field(description="Of the case that it became or was merged into")]
    merged_into: Annotated[int | None, Field(description="Id of the clue that it was merged into")]
    related_cases: list[str]
    created_by: str | None
    created_at: dt.datetime
    decided_by: str | None
    decided_at: dt.datetime | None
    reporter: Reporter | None


class ReceivedClue(ClueDocument):
    """A clue that was received, with its query code when one was asked for."""

    code: Annotated[
        str | None, Field(description="Shown this once; null: none was asked for, or it was shown before")
    ]


class CluesPage(Answer):
    """Clues, the newest first."""

    clues: list[ClueDocument]
    next_before: Annotated[int | None, Field(description="`before` of the next page; null: this is the last")]
    links: Annotated[list[Link], Field(description="`next` leads to older ones")]


class OpenedCase(Answer):
    """A case that was opened."""

    number: str
    state: CaseState
    clue: int


class ReceivedReport(Answer):
    """A report was received: its query code is shown this once."""

    code: Annotated[str, Field(description="Ask with it what became of the report")]


class StatusBody(Body):
    """The query code of a report."""

    code: Annotated[str, Field(min_length=1, max_length=40)]


class ReportStep(Answer):
    """A step of a report in plain words, without names of people."""

    at: dt.datetime
    step_zh: str
    step_en: str


class ReportStatus(Answer):
    """State and steps of a report of the public."""

    state: ClueState
    case_state: CaseState | None
    body: Annotated[str | None, Field(description="The body that leads")]
    received_at: dt.datetime
    steps: list[ReportStep]
