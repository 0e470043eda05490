"""Areas, their succession, and change sets."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import Computed, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, batch_column, geometry_column, id_column, mercator_column

AREA_KINDS = (
    "city",
    "county",
    "town",
    "community",
    "unit_grid",
    "functional_zone",
    "water",
    "responsibility_grid",
    "evaluation_grid",
)

CHANGE_SET_STATUSES = ("draft", "approved", "applied", "undone", "rejected", "withdrawn")
"""``approved`` waits for its date; ``withdrawn``: turned down by its author."""


class Area(Base):
    """One version of one area. A changed area is a new row; the old one gets ``valid_to``."""

    __tablename__ = "areas"
    __table_args__ = (
        UniqueConstraint("code", "kind", "valid_from"),
        ExcludeConstraint(
            ("code", "="),
            ("kind", "="),
            (text("tstzrange(valid_from, valid_to)"), "&&"),
            name="ex_areas_period",
        ),
        Index("ix_areas_current", "kind", "code", postgresql_where="valid_to IS NULL"),
        Index("ix_areas_parent_id", "parent_id"),
        Index(
            "ix_areas_larger_geom",
            "geom",
            postgresql_using="gist",
            postgresql_where=text("kind <> 'unit_grid'"),
        ),
        Index("ix_areas_name_keys", text("name_keys(name)"), postgresql_using="gin"),
        Index("ix_areas_code_start", "code", postgresql_ops={"code": "text_pattern_ops"}),
    )
    id: Mapped[int] = id_column()
    code: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    valid_from: Mapped[dt.datetime]
    valid_to: Mapped[dt.datetime | None]
    geom: Mapped[WKBElement] = geometry_column("MULTIPOLYGON")
    geom_3857: Mapped[Any] = mercator_column("MULTIPOLYGON")
    tile_zooms: Mapped[int] = mapped_column(
        Computed("tile_zooms(ST_Transform(geom, 3857))", persisted=True)
    )  # bits: zooms at which the simplified shape is valid as it is
    label_point: Mapped[WKBElement] = geometry_column("POINT")
    area_m2: Mapped[float]
    indicative: Mapped[bool] = mapped_column(default=False, server_default="false")
    void_reason: Mapped[str | None]
    change_set_id: Mapped[int | None] = mapped_column(ForeignKey("change_sets.id"))
    households: Mapped[float | None]
    road_length_m: Mapped[float | None]
    batch_id: Mapped[int | None] = batch_column()
    closed_by_batch: Mapped[int | None] = mapped_column(Integer)


class AreaSuccession(Base):
    """Succession of areas: one row a pair of predecessor and successor."""

    __tablename__ = "area_successions"
    predecessor_id: Mapped[int] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    change_set_id: Mapped[int | None] = mapped_column(ForeignKey("change_sets.id"))
    batch_id: Mapped[int | None] = batch_column()


class ChangeSet(Base):
    """An edit of the partition: operations, what they would do, who asked, who approved."""

    __tablename__ = "change_sets"
    __table_args__ = (
        Index("ix_change_sets_waiting", "id", postgresql_where=text("status IN ('draft', 'approved')")),
    )
    id: Mapped[int] = id_column()
    area_id: Mapped[int | None]
    status: Mapped[str]
    author: Mapped[str]
    approved_by: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    effective_at: Mapped[dt.datetime | None]
    applied_at: Mapped[dt.datetime | None]
    operations: Mapped[list[dict[str, Any]]]
    preview: Mapped[dict[str, Any]]
    result: Mapped[dict[str, Any] | None]
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("change_sets.id"))
    title: Mapped[str] = mapped_column(default="", server_default="")
    reason: Mapped[str] = mapped_column(default="", server_default="")
    keep_codes: Mapped[bool] = mapped_column(default=False, server_default="false")


class EditDraft(Base):
    """A change set that somebody is drawing up: kept until it is handed in or deleted."""

    __tablename__ = "edit_drafts"
    __table_args__ = (Index("ix_edit_drafts_owner", "owner"),)
    id: Mapped[int] = id_column()
    name: Mapped[str]
    owner: Mapped[str]
    steps: Mapped[list[dict[str, Any]]]
    undone: Mapped[list[dict[str, Any]]]  # steps that were taken back, the last one first
    title: Mapped[str] = mapped_column(default="", server_default="")
    reason: Mapped[str] = mapped_column(default="", server_default="")
    effective_on: Mapped[dt.date | None]
    keep_codes: Mapped[bool] = mapped_column(default=False, server_default="false")
    shared: Mapped[bool] = mapped_column(default=False, server_default="false")
    named_ids: Mapped[list[int]]  # areas that the steps name
    area_ids: Mapped[list[int]]  # communities and larger areas of those: the scope of a shared draft
    version: Mapped[int]
    created_at: Mapped[dt.datetime]
    changed_at: Mapped[dt.datetime]
