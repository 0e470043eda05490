"""Batches: what came from outside in one go, and the rows that it replaced.

Every row from outside has ``batch_id`` (null: older than batches, or made by an edit of the partition, which
has its change set). A table that a batch may write over has a table of history beside it: its stored columns,
and the batch that replaced the row (``layers/schema/batches.sql`` writes it, ``layers.batches`` reads it).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Column, Date, Identity, Index, Integer, Table, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables import cases, enterprises, fences, ground, movement, registers  # noqa: F401  # whose tables have a history
from layers.tables.base import Base

BATCH_SOURCES = ("file", "api", "device", "edit")
"""A file; a bulk POST; the single fixes of one key and day; one edit of a feature."""
BATCH_STATES = ("open", "done", "failed", "undone")
"""``open``: the batch of a day to which fixes of devices still come."""


class Batch(Base):
    """Rows that came from outside in one go: from where, by whom, and what became of them."""

    __tablename__ = "batches"
    __table_args__ = (
        Index(
            "uq_batches_open_day",
            "actor",
            "api_key",
            "day",
            unique=True,
            postgresql_where=text("state = 'open'"),
            postgresql_nulls_not_distinct=True,
        ),
        Index("ix_batches_sha256", "sha256"),
    )
    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    kind: Mapped[str]
    source: Mapped[str]
    actor: Mapped[str]
    api_key: Mapped[str | None]  # name of the key
    file_name: Mapped[str | None]
    sha256: Mapped[str | None]
    options: Mapped[dict[str, Any]]
    received_at: Mapped[dt.datetime]
    day: Mapped[dt.date | None] = mapped_column(Date)
    fixes_from: Mapped[dt.datetime | None]
    fixes_to: Mapped[dt.datetime | None]
    counts: Mapped[dict[str, Any]]
    state: Mapped[str]
    reason: Mapped[str | None]  # of a failure
    notes: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))  # what the import told a person
    undone_at: Mapped[dt.datetime | None]
    undone_by: Mapped[str | None]


SOURCE_DELIVERY_STATES = ("received", "quarantined", "released", "imported", "refused", "same")
"""``received``, ``released``: an import is due; ``same``: the content of an earlier delivery, nothing is imported."""
RUN_OUTCOMES = ("running", "nothing", "delivered", "failed")


class SourceRun(Base):
    """One look at a source of ``city.toml``: by the schedule or by a person, and what came of it."""

    __tablename__ = "source_runs"
    __table_args__ = (Index("ix_source_runs_source", "source", "id"),)
    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    source: Mapped[str]
    actor: Mapped[str]
    started_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    outcome: Mapped[str]
    deliveries: Mapped[int]
    reason: Mapped[str | None]  # of a failure, or what was not taken


class SourceState(Base):
    """Position up to which a source was read, and the time of the next look."""

    __tablename__ = "source_states"
    source: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[dict[str, Any]]
    next_at: Mapped[dt.datetime]
    failures: Mapped[int]


class Delivery(Base):
    """Content that a source delivered: from where, what its contract says of it, and what became of it."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_source", "source", "id"),
        Index("ix_deliveries_origin", "source", "origin", "mark"),
        Index("ix_deliveries_batch", "batch_id"),
    )
    id: Mapped[int] = mapped_column(Integer, Identity(), primary_key=True)
    run_id: Mapped[int]
    source: Mapped[str]
    kind: Mapped[str]
    department: Mapped[str | None]
    origin: Mapped[str]  # a path, an address or a table, without credentials
    mark: Mapped[str]  # by which the same thing at the same origin is known
    file_name: Mapped[str]
    sha256: Mapped[str]
    bytes: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[dt.datetime]
    state: Mapped[str]
    rows: Mapped[int | None]
    contract_sha256: Mapped[str | None]
    report: Mapped[dict[str, Any]]
    same_as: Mapped[int | None]
    batch_id: Mapped[int | None]
    settled_at: Mapped[dt.datetime | None]  # when it was imported, or found to be the same
    decided_at: Mapped[dt.datetime | None]
    decided_by: Mapped[str | None]
    decision_reason: Mapped[str | None]
    skip_bad: Mapped[bool]


NATURAL_KEYS = {
    "enterprises": ("uscc",),
    "sites": ("site_id",),
    "vehicles": ("vehicle_id",),
    "meter_readings": ("site_id", "kind", "meter_id", "began_at", "ended_at"),
    "places": ("kind", "lon", "lat"),
    "notices": ("site_id", "kind", "valid_from"),
    "licences": ("enterprise_id", "site_id", "licence_kind", "number", "valid_from"),
    "fences": ("fence_id",),
    "roads": ("source_id",),
    "waterways": ("source_id",),
    "buildings": ("source_id",),
    "bodies": ("code", "valid_from"),
    "officers": ("certificate_no", "valid_from"),
    "matters": ("item_code", "valid_from"),
    "grid_workers": ("worker_no", "valid_from"),
    "grid_households": ("grid_code", "valid_from"),
    "calendar_days": ("day",),
    "duty_items": ("item_code", "body", "area_code", "role", "valid_from"),
}
"""Tables whose rows a batch may replace, and the columns by which it finds the row.

Areas are versions, fixes stay.
"""


def _history_table(name: str) -> Table:
    source = Base.metadata.tables[name]
    table = Table(
        f"{name}_history",
        Base.metadata,
        *(_as_plain(column) for column in source.columns if column.computed is None),
        Column("replaced_by", Integer, nullable=False),
        Column("replaced_at", TIMESTAMP(timezone=True), nullable=False, server_default=text("now()")),
    )
    Index(
        f"uq_{name}_history", table.c.replaced_by, *(table.c[c.name] for c in source.primary_key), unique=True
    )
    return table


def _as_plain(column: Column[Any]) -> Column[Any]:
    kind = column.type
    if isinstance(kind, Geometry):
        kind = Geometry(kind.geometry_type, srid=kind.srid, spatial_index=False)
    return Column(column.name, kind, nullable=column.nullable)


HISTORY_TABLES = {name: _history_table(name) for name in NATURAL_KEYS}
"""Replaced rows by the table in which they stood."""
