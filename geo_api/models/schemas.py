"""Answers of runs of the models."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import Field

from geo_api.http.schemas import Answer

WHOLE_CITY = "For those who see the whole city"


class BlindSpotDocument(Answer):
    """Something that a run could not see."""

    family: Annotated[str, Field(description="vehicles, meters or sites")]
    code: str
    is_whole: Annotated[bool, Field(description="Whether the whole family is blind")]
    n: Annotated[int, Field(description="How many vehicles or sites")]
    of: int
    zh: str
    en: str


class RunOfModel(Answer):
    """One run of a model."""

    id: int
    model: str
    version: str
    at: Annotated[dt.datetime, Field(description="The moment that the model looks back from")]
    window_from: Annotated[dt.datetime | None, Field(description="Null: a run of an older version")]
    window_to: dt.datetime | None
    finished_at: dt.datetime
    counts: Annotated[dict[str, Any] | None, Field(description=WHOLE_CITY)]
    blind_spots: Annotated[list[BlindSpotDocument] | None, Field(description=WHOLE_CITY)]
    seconds: Annotated[dict[str, float], Field(description="Of each step")]


class RunsOfModels(Answer):
    """Runs of the models, newest first."""

    runs: list[RunOfModel]


class WholeRunOfModel(RunOfModel):
    """One run of a model with its parameters and what it had read."""

    parameters: dict[str, Any]
    fingerprint: Annotated[
        dict[str, str] | None, Field(description="A value for each table that was read. " + WHOLE_CITY)
    ]
