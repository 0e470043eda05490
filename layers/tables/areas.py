"""Areas, their succession, and change sets."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import Computed, ForeignKey, Index, Integer, UniqueConstraint
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

CHANGE_SET_STATUSES = ("draft", "approved", "applied", "undone", "rejected")
"""``approved`` waits for its date."""


class Area(Base):
    """One version of one area. A changed area is a new row; the old one gets ``valid_to``."""

    __tablename__ = "areas"
    __table_args__ = (
        UniqueConstraint("code", "kind", "valid_from"),
        Index("ix_areas_current", "kind", "code", postgresql_where="valid_to IS NULL"),
        Index("ix_areas_parent_id", "parent_id"),
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
