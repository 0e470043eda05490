"""Bodies and answers of dispatch: suggestions, dispatches, called people, towns that are short of officers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from geojson_pydantic import Point
from pydantic import Field, model_validator

from geo_api.cases.schemas import BothLanguages, CaseState
from geo_api.http.schemas import Answer, AssignmentDocument, AssignmentOutcome, Body, Choice, Link
from layers.tables import DISPATCH_STATES

DispatchState = Annotated[str, Choice("DispatchState", DISPATCH_STATES)]
MAX_REASON = 2000


class SuggestedOfficer(Answer):
    """An officer who could be sent to a case; a person decides."""

    officer_id: int
    name: str
    body_id: int
    body: str
    leads: Annotated[bool, Field(description="Of the lead body; else of a co-handler")]
    distance_m: Annotated[
        int | None, Field(description="From the centre of the nearest of the officer's areas")
    ]
    open_calls: Annotated[int, Field(ge=0, description="Calls that are open, in all cases")]
    called: Annotated[bool, Field(description="Called to this case already")]
    certified: Annotated[bool, Field(description="Certificate valid today; nobody without one is sent")]
    in_domain: Annotated[bool, Field(description="The certificate covers the domain")]
    on_duty: bool
    suited: Annotated[bool, Field(description="Certified today, in the domain, on duty")]
    reasons: list[BothLanguages]


class SuggestedOfficers(Answer):
    """Officers of a case's bodies, the suited and nearest first."""

    officers: list[SuggestedOfficer]


class ShortTown(Answer):
    """A town with too few officers."""

    code: str
    name: str
    officers: int


class ShortTowns(Answer):
    """Towns with too few officers, the fewest first."""

    enough: int
    towns: list[ShortTown]


class SendBody(Body):
    """Officer to send, and why not the first suggestion."""

    officer_id: Annotated[int, Field(ge=1, le=2**63 - 1)]
    reason: Annotated[
        str,
        Field(
            max_length=MAX_REASON, description="Needed for who is not the first suggestion or does not suit"
        ),
    ] = ""


class AcceptBody(Body):
    """Acceptance of a call."""

    note: Annotated[
        str, Field(max_length=MAX_REASON, description="Needed from who answers for an officer")
    ] = ""


class ReasonBody(Body):
    """Reason for which a call is declined, or an officer recalled."""

    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON)]


class ArrivalBody(Body):
    """Arrival of an officer, with the position or without; degrees, EPSG:4326."""

    lon: Annotated[float | None, Field(ge=-180, le=180)] = None
    lat: Annotated[float | None, Field(ge=-90, le=90)] = None
    note: Annotated[str, Field(max_length=MAX_REASON)] = ""

    @model_validator(mode="after")
    def _both(self) -> ArrivalBody:
        if (self.lon is None) != (self.lat is None):
            raise ValueError("lon, lat: both or none 经度、纬度须同时给出")
        return self


class DispatchDocument(Answer):
    """An officer who was sent to a case."""

    id: int
    case_number: Annotated[str | None, Field(description="null: the caller sees the case no more")]
    case_title: str | None
    case_state: CaseState | None
    case_etag: Annotated[str | None, Field(description="For `If-Match` of the next step")]
    case_geometry: Point | None
    officer_id: int
    officer: Annotated[str | None, Field(description="Name, for those who may read it")]
    mine: Annotated[bool, Field(description="The caller is the officer")]
    body_id: int
    body: str
    proposed_officer_id: Annotated[int | None, Field(description="First suggestion of that moment")]
    unfit: Annotated[
        list[str], Field(description="off_duty, other_domain: in spite of which the person was sent")
    ]
    state: DispatchState
    sent_at: dt.datetime
    sent_by: str
    reason: str | None
    answered_at: dt.datetime | None
    answered_by: str | None
    decline_reason: str | None
    arrived_at: dt.datetime | None
    arrival: Annotated[Point | None, Field(description="Where the officer said to be")]
    distance_m: Annotated[int | None, Field(description="From there to the case")]
    ended_at: dt.datetime | None
    ended_by: str | None
    ended_step: Annotated[str | None, Field(description="Step of the case that ended it")]
    end_reason: str | None
    event_seq: Annotated[int, Field(description="Step of the case that sent the officer")]


class DispatchesPage(Answer):
    """Dispatches, the newest first."""

    dispatches: list[DispatchDocument]
    next_before: Annotated[int | None, Field(description="`before` of the next page; null: this is the last")]
    links: Annotated[list[Link], Field(description="`next` leads to older ones")]


class CalledPerson(Answer):
    """Officer with an open call, and the phones. Personal data."""

    officer_id: int
    name: str
    body: str
    state: DispatchState
    phone: str | None
    body_phone: str | None


class CalledPeople(Answer):
    """Phone list of a case."""

    people: list[CalledPerson]


class RelocationPlace(Body):
    """Another place of a case; degrees, EPSG:4326."""

    lon: Annotated[float, Field(ge=-180, le=180)]
    lat: Annotated[float, Field(ge=-90, le=90)]


class RelocationBody(RelocationPlace):
    """Another place of a case, and why."""

    reason: Annotated[str, Field(min_length=1, max_length=MAX_REASON)]


class ChangedArea(Answer):
    """An area of a case before and after."""

    kind: str
    before: str | None
    after: str | None


class RelocationPreview(Answer):
    """Areas and bodies of a case at another place."""

    outcome: Annotated[AssignmentOutcome, Field(description="Of the assignment there")]
    lead_body: str | None
    co_handlers: list[str]
    areas: Annotated[list[ChangedArea], Field(description="Those that change")]
    bodies_change: bool
    assignment: AssignmentDocument
