"""Bodies and answers of drafts: steps with the areas that they name, and others' work on the same areas."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from geo_api.http.schemas import Answer, Body, Choice
from grid.change_sets import AnyOperation
from layers.tables import CHANGE_SET_STATUSES

MOST_STEPS = 100


class StepArea(Body):
    """An area of a step, as its owner saw it."""

    id: Annotated[int, Field(gt=-(2**53), lt=2**63)]
    code: Annotated[str, Field(max_length=40)]
    name: Annotated[str, Field(max_length=200)]


class DraftStep(Body):
    """A step of a draft: an operation, the areas that it changes and the larger one that takes them."""

    operation: AnyOperation
    zones: Annotated[list[StepArea], Field(max_length=500)] = []
    target: StepArea | None = None


class DraftBody(Body):
    """The part of a draft that its owner writes."""

    name: Annotated[
        str, Field(max_length=100, description="Empty: the title, else the time of its making")
    ] = ""
    steps: Annotated[list[DraftStep], Field(max_length=MOST_STEPS)] = []
    undone: Annotated[
        list[DraftStep],
        Field(max_length=MOST_STEPS, description="Steps that were taken back, the last one first"),
    ] = []
    title: Annotated[str, Field(max_length=200)] = ""
    reason: Annotated[str, Field(max_length=4000)] = ""
    effective_on: Annotated[
        dt.date | None, Field(description="Day from which it is to hold; none: at once")
    ] = None
    keep_codes: Annotated[bool, Field(description="Corrected grids keep their codes")] = False
    shared: Annotated[
        bool, Field(description="Whoever looks after all the areas may read it by its link and copy it")
    ] = False


class DraftFacts(Answer):
    """A draft without its steps."""

    id: int
    name: str
    owner: str
    mine: bool
    title: str
    shared: bool
    n_steps: int
    codes: Annotated[list[str], Field(description="Areas of its steps, by code, twenty at most")]
    version: int
    created_at: dt.datetime
    changed_at: dt.datetime


class DraftDocument(DraftFacts):
    """A draft; its ETag is what `If-Match` needs."""

    reason: str
    effective_on: dt.date | None
    keep_codes: bool
    steps: list[DraftStep]
    undone: list[DraftStep]


class Drafts(Answer):
    """Drafts, the one changed last first."""

    drafts: list[DraftFacts]


class DraftAround(Answer):
    """A draft of somebody else on the same areas."""

    id: Annotated[int | None, Field(description="None where it is not shared with the caller")]
    name: str
    owner: str
    changed_at: dt.datetime
    codes: Annotated[list[str], Field(description="The areas in common")]


class ChangeAround(Answer):
    """A change set on the same areas that waits for its approval or its date."""

    id: int
    status: Annotated[str, Choice("ChangeSetStatus", CHANGE_SET_STATUSES)]
    author: str
    title: str
    effective_at: dt.datetime | None
    new_codes: Annotated[list[str], Field(description="Codes promised to it; nobody else is given them")]
    codes: Annotated[list[str], Field(description="The areas in common")]


class WorkAround(Answer):
    """Work of others on the same areas, the latest first."""

    drafts: list[DraftAround]
    change_sets: list[ChangeAround]
