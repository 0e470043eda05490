"""Answers about imports."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from geo_api.http.schemas import Answer, Choice, Link
from layers.imports import FILE_KINDS
from layers.tables import BATCH_SOURCES, BATCH_STATES

ImportKind = Annotated[str, Choice("ImportKind", FILE_KINDS)]
ImportSource = Annotated[str, Choice("ImportSource", BATCH_SOURCES)]
ImportState = Annotated[str, Choice("ImportState", BATCH_STATES)]


class ImportOptions(Answer):
    """With which something was imported."""

    model_config = ConfigDict(title="ImportOptions")
    crs: Annotated[str | None, Field(description="CRS of the coordinates")] = None
    skip_bad: Annotated[bool | None, Field(description="Wrong rows were left out")] = None
    indicative: Annotated[list[str] | None, Field(description="Kinds of areas shown as indicative")] = None
    layers: Annotated[list[str] | None, Field(description="Layers that were read, when not all")] = None
    sheets: Annotated[list[str] | None, Field(description="Sheets that were read, when not all")] = None
    map: Annotated[
        dict[str, Any] | None,
        Field(description="Columns, words and units of the source, as city.toml names them"),
    ] = None
    named_source: Annotated[str | None, Field(description="Source of city.toml")] = None
    department: Annotated[str | None, Field(description="Who delivered it")] = None
    tz: Annotated[str | None, Field(description="Zone of times without one")] = None
    lookups_sha256: Annotated[
        str | None, Field(description="Of the tables in which values were looked up")
    ] = None
    place_source: Annotated[str | None, Field(description="Of places of sites: gazetteer or map")] = None
    accept_above: Annotated[float | None, Field(description="Score from which proposals were taken")] = None
    delivery: Annotated[int | None, Field(description="The delivery of a source, by its id")] = None
    proposal: Annotated[int | None, Field(description="The approved duty list, by its id")] = None
    reason: Annotated[
        str | None, Field(description="Why an entry of a register was changed or withdrawn")
    ] = None


class ImportCounts(Answer):
    """Rows of an import; empty for fixes of devices, which are counted when one import is asked for."""

    rows: int | None = None
    inserted: int | None = None
    updated: int | None = None
    unchanged: int | None = None
    skipped: int | None = None
    deleted: int | None = None


class Import(Answer):
    """Batch of rows from outside: a file, a bulk POST, the fixes of a device's key and day, an edit."""

    id: int
    kind: Annotated[ImportKind, Field(description="Kind of file; of an edit its collection")]
    source: ImportSource
    actor: Annotated[str, Field(description="Account of who sent it")]
    api_key: Annotated[str | None, Field(description="Name of the key that was used")]
    file_name: str | None
    sha256: Annotated[str | None, Field(description="Of the file's content")]
    options: ImportOptions
    received_at: dt.datetime
    counts: ImportCounts
    state: Annotated[ImportState, Field(description="`open`: fixes of today still come")]
    reason: Annotated[str | None, Field(description="Why a file was refused")]
    notes: Annotated[list[str], Field(description="What the import told: guesses, what was left out")]
    undone_at: dt.datetime | None
    undone_by: str | None


class ImportedRows(Answer):
    """Rows of an import in one table."""

    table: str
    standing: Annotated[int, Field(description="In force")]
    replaced: Annotated[int, Field(description="Replaced by later imports")]
    kept: Annotated[int, Field(description="Rows of others that it replaced; an undo brings them back")]


class ImportDocument(Import):
    """An import, with what stands of it."""

    rows: list[ImportedRows]


class ImportsPage(Answer):
    """Imports, newest first."""

    imports: list[Import]
    links: Annotated[list[Link], Field(description="`next` leads to older ones")]
