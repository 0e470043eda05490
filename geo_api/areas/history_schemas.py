"""Answers about the history of the partition: the story of an area, the difference of two days."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from geojson_pydantic import MultiPolygon, Polygon
from pydantic import Field

from geo_api.http.schemas import Answer, AreaKind, Choice
from layers.tables import CHANGE_SET_STATUSES


class StoryChange(Answer):
    """The change set that began a version."""

    id: int
    title: str
    reason: str
    author: str
    approved_by: str | None
    applied_at: dt.datetime | None
    status: Annotated[str, Choice("ChangeSetStatus", CHANGE_SET_STATUSES)]


class StoryVersion(Answer):
    """A version of the area, or of one before or after it."""

    id: int
    code: str
    name: str
    relation: Annotated[
        Literal["before", "itself", "after"],
        Field(
            description="`itself`: under the code that was asked for; `before`: its land came from there;"
            " `after`: it went there"
        ),
    ]
    valid_from: dt.datetime
    valid_to: dt.datetime | None
    area_m2: float
    void_reason: Annotated[str | None, Field(description="Why it ended")]
    predecessors: Annotated[list[str], Field(description="Codes")]
    successors: Annotated[list[str], Field(description="Codes")]
    change: Annotated[
        StoryChange | None,
        Field(description="None: it came by an import, or the change set is not the caller's to see"),
    ]


class AreaStory(Answer):
    """All that became of an area, the oldest version first."""

    code: str
    kind: AreaKind
    versions: list[StoryVersion]
    truncated: bool


class GridChange(Answer):
    """A unit grid that is another on the later day."""

    code: str
    name: str
    change: Annotated[
        Literal["ended", "begun", "changed"], Field(description="`changed`: the same code, another border")
    ]
    followed_by: Annotated[list[str], Field(description="Of an ended one: the codes that took its land")]
    follows: Annotated[list[str], Field(description="Of one that began: the codes whose land it took")]
    area_m2_before: float | None
    area_m2_after: float | None
    change_set_id: int | None
    geometry: Annotated[
        Polygon | MultiPolygon, Field(description="As it was where it ended, else as it became")
    ]


class PartitionDifference(Answer):
    """Unit grids that differ between the ends of two days."""

    since: dt.datetime
    until: dt.datetime
    area: str | None
    n_before: Annotated[int, Field(description="Unit grids on the earlier day")]
    n_after: int
    changes: list[GridChange]
    truncated: bool
