"""Tracks of vehicles as lines, made from the fixes of a day."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, geometry_column, mercator_column


class Track(Base):
    """Track of one vehicle without a gap, inside one community or from one into the next.

    It leads from ``area_id`` to ``to_area_id``.

    Partitioned by day as the fixes are: ``tracks_YYYYMMDD``.
    """

    __tablename__ = "tracks"
    __table_args__ = (
        Index("ix_tracks_vehicle_id", "vehicle_id", "day"),
        Index("ix_tracks_area_id", "area_id"),
        {"postgresql_partition_by": "RANGE (day)"},
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(BigInteger)
    started_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime]
    n_fixes: Mapped[int]
    length_m: Mapped[float]
    area_id: Mapped[int | None] = mapped_column(BigInteger)
    to_area_id: Mapped[int | None] = mapped_column(BigInteger)
    geom: Mapped[WKBElement] = geometry_column("LINESTRING")
    geom_3857: Mapped[Any] = mercator_column("LINESTRING")


class TrackDay(Base):
    """From how many fixes the tracks of a vehicle and day were made.

    More of them now means to make them anew.
    """

    __tablename__ = "track_days"
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    vehicle_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    n_fixes: Mapped[int]
