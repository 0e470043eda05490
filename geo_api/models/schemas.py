"""Answers of runs of the models."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import Field

from geo_api.http.schemas import Answer, Body, Link

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
    links: Annotated[list[Link], Field(description="`next` leads to older ones")]


class PrecisionAtK(Answer):
    """Share confirmed of the first k alerts, among those that were judged."""

    k: int
    judged: int
    precision: Annotated[float | None, Field(description="Null: none of them was judged")]


class LeadDays(Answer):
    """Days from alerts to the check that confirmed them, or to their case."""

    n: int
    median: float | None


class CountyOfRun(Answer):
    """Alerts of a county in the queue of a run, and what checks found."""

    code: str | None
    name: str | None
    queue: int
    confirmed: int
    legal_use: Annotated[int, Field(description="False alarms")]


class BinOfReliability(Answer):
    """Alerts of about one score; ``low`` and ``high`` are the Wilson interval (95 %) of the share confirmed."""

    n: int
    confirmed: int
    mean_score: float
    share: float
    low: float
    high: float


class FiguresOfRun(Answer):
    """Checks since a run against its queue."""

    queue: Annotated[int, Field(description="Alerts that were to be checked after the run")]
    checked: Annotated[int, Field(description="Of them, those checked since")]
    confirmed: int
    legal_use: int
    precision_at: list[PrecisionAtK]
    within_budget: Annotated[
        PrecisionAtK | None,
        Field(description="Of the alerts that a week's checks reach; null: no budget was set"),
    ]
    lead_days: LeadDays
    counties: list[CountyOfRun]
    reliability: list[BinOfReliability]


class RunWithoutFigures(RunOfModel):
    """One run of a model with its parameters and what it had read."""

    parameters: dict[str, Any]
    fingerprint: Annotated[
        dict[str, str] | None, Field(description="A value for each table that was read. " + WHOLE_CITY)
    ]


class WholeRunOfModel(RunWithoutFigures):
    """One run of a model with all that is kept of it, and figures from the checks since."""

    figures: Annotated[FiguresOfRun | None, Field(description="From checks since the run. " + WHOLE_CITY)]


class TitleOfModel(Answer):
    """Title of a model in Chinese and English."""

    zh: str
    en: str


class CalibrationOfModel(Answer):
    """Steps from a score to the share confirmed among judged alerts of such a score, linear between the points."""

    version: str
    points: Annotated[list[tuple[float, float]], Field(description="Score, share confirmed")]
    judged: Annotated[int, Field(description="Judged alerts of held-out sites that they rest on")]


class ModelInForceDocument(Answer):
    """A model in force."""

    name: str
    version: str
    title: TitleOfModel
    alert_kind: str
    subject: Annotated[str, Field(description="What its alerts are about: site")]
    families: Annotated[list[str], Field(description="Families of evidence")]
    origin: Annotated[
        str,
        Field(
            description="shipped with the program, folder of the installation, or a version of the register"
        ),
    ]
    sha256: Annotated[str, Field(description="Of the document: runs with the same one judge alike")]
    calibration: Annotated[
        CalibrationOfModel | None,
        Field(
            description="Of the scores that alerts have now; null: no fitted version is in force, or no run used it"
        ),
    ]


class ModelsInForce(Answer):
    """Models in force, by name."""

    models: list[ModelInForceDocument]


class ModelDocument(ModelInForceDocument):
    """A model in force with its document and the JSON Schema of such documents."""

    document: dict[str, Any]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]


class VersionOfModel(Answer):
    """One version of the file of a model."""

    version: str
    based_on: Annotated[str | None, Field(description="Null: the file")]
    made_at: dt.datetime
    made_by: str
    note: str
    sha256: str
    document: Annotated[str, Field(description="Text of the model's file")]
    figures: Annotated[dict[str, Any], Field(description="Measured when it was made: old against new")]
    is_in_force: bool
    in_force_at: dt.datetime | None
    in_force_by: str | None
    put_back_at: dt.datetime | None
    put_back_by: str | None
    may_put_in_force: Annotated[bool, Field(description="Whether the caller may: not who made it")]


class VersionsOfModel(Answer):
    """Versions of a model, the newest first."""

    model: str
    in_force: Annotated[str | None, Field(description="Version that the next run uses; null: the file")]
    may_put_back: bool
    versions: list[VersionOfModel]


class PutInForceBody(Body):
    """Version that comes into force."""

    version: Annotated[str, Field(min_length=1, max_length=100)]
    note: Annotated[str, Field(max_length=2000)] = ""


class PutBackBody(Body):
    """Reason for taking the version in force back."""

    note: Annotated[str, Field(max_length=2000)] = ""


class BudgetBody(Body):
    """Number of alerts of a kind that a county can check in a week, from a day on."""

    area: Annotated[str, Field(min_length=1, max_length=100, description="Code of a county")]
    kind: Annotated[str, Field(min_length=1, max_length=100)] = "illegal_resumption"
    checks_per_week: Annotated[int | None, Field(ge=0, le=10_000, description="Null ends the budget")]
    valid_from: Annotated[dt.date | None, Field(description="Null: today")] = None
    note: Annotated[str, Field(max_length=2000)] = ""


class AlertBudget(Answer):
    """A budget of checks, and the state of this week."""

    id: int
    area_code: str
    area_name: str | None
    kind: str
    checks_per_week: int
    valid_from: dt.date
    valid_to: dt.date | None
    set_at: dt.datetime
    set_by: str
    note: str
    n_open: Annotated[int, Field(description="Alerts in the queue of the county")]
    n_due: Annotated[int, Field(description="Of them, those to be checked this week")]
    checked: Annotated[int, Field(description="Alerts of the county that were checked this week")]


class AlertBudgets(Answer):
    """Budgets of checks by county and kind."""

    budgets: list[AlertBudget]
    may_set: bool
