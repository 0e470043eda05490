"""Fences and what vehicles did at them."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, batch_column, geometry_column, id_column, mercator_column

RULES = ("forbid_enter", "forbid_leave", "dwell_limit")
MEDIA = ("land", "water")
BREACH_BEGINS = ("entered", "gap", "track_start", "table", "crossed")
BREACH_ENDS = ("left", "gap", "track_end", "table", "crossed")


class Fence(Base):
    """Geofence: vehicles must not enter, leave or overstay; null parameters take the model's defaults.

    ``exempt_vehicle_ids`` have leave: what they do at the fence is stored, and counts for no alert.
    """

    __tablename__ = "fences"
    id: Mapped[int] = id_column()
    fence_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    rule: Mapped[str]
    medium: Mapped[str | None]
    buffer_m: Mapped[float | None]
    enter_fixes: Mapped[int | None]
    leave_fixes: Mapped[int | None]
    delay_s: Mapped[float | None]
    limit_s: Mapped[float | None]
    below_speed_kmh: Mapped[float | None]
    vehicle_kinds: Mapped[list[str] | None]
    vehicle_ids: Mapped[list[str] | None]
    exempt_vehicle_ids: Mapped[list[str] | None]
    times: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    legal_basis: Mapped[str | None]
    geom: Mapped[WKBElement] = geometry_column("MULTIPOLYGON")
    geom_3857: Mapped[Any] = mercator_column("MULTIPOLYGON")
    batch_id: Mapped[int | None] = batch_column()


class FenceEvent(Base):
    """One breach of one fence by one vehicle, as found by one run."""

    __tablename__ = "fence_events"
    __table_args__ = (
        Index("ix_fence_events_area_id", "area_id"),
        Index("ix_fence_events_fence_id", "fence_id", "started_at"),
    )
    id: Mapped[int] = id_column()
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    event_id: Mapped[str] = mapped_column(unique=True)
    fence_id: Mapped[int] = mapped_column(ForeignKey("fences.id"))
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    started_at: Mapped[dt.datetime]
    started_after: Mapped[dt.datetime | None]
    begun_by: Mapped[str]
    ended_at: Mapped[dt.datetime]
    left_by: Mapped[dt.datetime | None]
    ended_by: Mapped[str]
    open: Mapped[bool]
    confirmed_at: Mapped[dt.datetime]
    duration_s: Mapped[float]
    over_s: Mapped[float]
    n_fixes: Mapped[int]
    geom: Mapped[WKBElement] = geometry_column("POINT")
    geom_3857: Mapped[Any] = mercator_column("POINT")
    area_id: Mapped[int | None] = mapped_column(BigInteger)
