"""Bodies and answers of sources, deliveries and lineage."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from geo_api.http.schemas import Answer, Body, Choice, Link
from geo_api.imports.schemas import Import, ImportKind
from geo_api.sources.health import PROBLEM_KINDS
from layers.tables import RUN_OUTCOMES, SOURCE_DELIVERY_STATES

SourceDeliveryState = Annotated[str, Choice("SourceDeliveryState", SOURCE_DELIVERY_STATES)]
SourceProblemKind = Annotated[str, Choice("SourceProblemKind", PROBLEM_KINDS)]
RunOutcome = Annotated[str, Choice("SourceRunOutcome", RUN_OUTCOMES)]
RuleLevel = Annotated[str, Choice("RuleLevel", ("hold", "warn"))]


class BrokenRule(Answer):
    """A rule of the contract that a delivery breaks."""

    rule: Annotated[str, Field(description="`column.constraint`, `unique`, `freshness`, `volume` …")]
    level: RuleLevel
    rows: Annotated[int, Field(description="Rows that break it")]


class DeliveryFinding(Answer):
    """A row that breaks a rule. No value stands in it."""

    row: Annotated[int, Field(description="From 1 below the header; 0: the delivery as a whole")]
    field: str
    rule: str
    level: RuleLevel
    zh: Annotated[str, Field(description="The reason in Chinese")]
    en: Annotated[str, Field(description="The reason in English")]


class SourceDelivery(Answer):
    """Content that a source delivered, and what became of it."""

    id: int
    run_id: int
    source: str
    kind: ImportKind
    department: str | None
    origin: Annotated[str, Field(description="Path, address or table, without credentials")]
    file_name: str
    sha256: str
    bytes: int
    received_at: dt.datetime
    state: SourceDeliveryState
    rows: int | None
    same_as: Annotated[int | None, Field(description="The earlier delivery with the same content")]
    batch_id: Annotated[int | None, Field(description="The import")]
    settled_at: dt.datetime | None
    decided_at: dt.datetime | None
    decided_by: str | None
    decision_reason: str | None
    skip_bad: Annotated[bool, Field(description="Released without the rows that the import refuses")]
    rules: list[BrokenRule]
    notes: list[str]


class SourceDeliveryReport(SourceDelivery):
    """A delivery with each finding, the first 2,000."""

    findings: list[DeliveryFinding]


class SourceDeliveriesPage(Answer):
    """Deliveries, newest first."""

    deliveries: list[SourceDelivery]
    links: Annotated[list[Link], Field(description="`next` leads to older ones")]


class SourceRunDocument(Answer):
    """A look at a source."""

    id: int
    source: str
    actor: str
    started_at: dt.datetime
    ended_at: dt.datetime | None
    outcome: RunOutcome
    deliveries: int
    reason: Annotated[str | None, Field(description="Why it failed, or what was left")]


class SourceProblemDocument(Answer):
    """A thing that is wrong with a source."""

    kind: SourceProblemKind
    zh: str
    en: str


class DeliveredVolume(Answer):
    """Rows of one delivery."""

    id: int
    received_at: dt.datetime
    rows: int | None
    state: SourceDeliveryState


class SourceHealthDocument(Answer):
    """A source of the city with its health."""

    name: str
    kind: ImportKind
    department: str | None
    way: Literal["folder", "http", "table"]
    every: Annotated[str | None, Field(description="How often the worker looks; null: by hand")]
    contract: Annotated[str | None, Field(description="File of the contract")]
    problems: Annotated[list[SourceProblemDocument], Field(description="Empty: all is well")]
    last_delivery: SourceDelivery | None
    last_accepted_at: dt.datetime | None
    due_at: Annotated[dt.datetime | None, Field(description="After it a good delivery is late")]
    late_s: Annotated[float, Field(description="How late it is, in seconds; 0: in time")]
    held: Annotated[int, Field(description="Deliveries that wait for a decision")]
    next_look_at: dt.datetime | None
    last_run: SourceRunDocument | None
    volumes: Annotated[list[DeliveredVolume], Field(description="The newest 30, oldest first")]


class SourcesList(Answer):
    """The sources of the city."""

    at: dt.datetime
    sources: list[SourceHealthDocument]


class ReleaseBody(Body):
    """The release of a delivery that is held."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]
    skip_bad: Annotated[bool, Field(description="Without the rows that the import refuses")] = False


class RefusalBody(Body):
    """The refusal of a delivery that is held."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class LineageOrigin(Answer):
    """Rows of one import behind a figure."""

    table: str
    rows: int
    import_: Annotated[Import | None, Field(alias="import", description="null: older than imports")]
    delivery: Annotated[SourceDelivery | None, Field(description="null: no source delivered it")]
    run: SourceRunDocument | None
    file_rows: Annotated[
        list[int], Field(description="Rows of the delivered file with this key, from 1 below the header")
    ]


class LineageDocument(Answer):
    """Lineage of a figure: where the rows behind it came from."""

    origins: list[LineageOrigin]
