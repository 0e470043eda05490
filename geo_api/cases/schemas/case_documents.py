"""Case with its events, parties and clock, and the verdict on its chain."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from geojson_pydantic import Point
from pydantic import BaseModel, Field, create_model

from geo_api.cases.schemas.common import BothLanguages, CaseState
from geo_api.http.feature_schemas import PROPERTIES
from geo_api.http.schemas import Answer, AssignmentDocument, Body, Choice, ExplanationStep
from grid.cases import CLOCK_STATUSES
from layers.tables import (
    CLUE_SOURCES,
    PART_STATES,
    PARTS,
)


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


class ToldClue(Answer):
    """Words of a clue that became the case or was merged into it."""

    clue_id: int
    source: Annotated[str, Choice("ClueSource", CLUE_SOURCES)]
    text: str
    created_at: dt.datetime


class _CaseFile(Answer):
    """Members of a case beside the properties of its feature."""

    id: int
    geometry: Point
    alert_id: int | None
    assignment: Annotated[AssignmentDocument, Field(description="As it was at the opening")]
    explanation: list[ExplanationStep]
    events: list[CaseEvent]
    told: Annotated[list[ToldClue], Field(description="What was told of it, as far as the caller sees clues")]
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
