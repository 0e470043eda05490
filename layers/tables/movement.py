"""Vehicles, fixes, stays, visits, silences and encounters."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, ForeignKey, Index, Integer, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, batch_column, geometry_column, id_column, mercator_column

STAY_ENDS = ("left", "gap", "track_end")
ENCOUNTER_KINDS = ("meeting", "convoy", "mixed")
ENCOUNTER_BEGINS = ("approach", "gap", "track_start")
ENCOUNTER_ENDS = ("apart", "gap", "track_end")
SILENCE_REASONS = ("seen", "place", "home", "drove_on", "outage", "dead_zone", "neighbour")
"""Reasons why a silence does not count at a site."""


class Vehicle(Base):
    """A vehicle or vessel. The plate is personal data and leaves the database masked."""

    __tablename__ = "vehicles"
    __table_args__ = (
        Index("ix_vehicles_plate_keys", text("plate_keys(plate)"), postgresql_using="gin"),
        Index(
            "ix_vehicles_vehicle_id_start", "vehicle_id", postgresql_ops={"vehicle_id": "text_pattern_ops"}
        ),
    )
    id: Mapped[int] = id_column()
    vehicle_id: Mapped[str] = mapped_column(unique=True)
    plate: Mapped[str | None]
    plate_color: Mapped[str | None]
    kind: Mapped[str]
    batch_id: Mapped[int | None] = batch_column()


class Fix(Base):
    """One position of one vehicle. Partitioned by day: ``fixes_YYYYMMDD``."""

    __tablename__ = "fixes"
    __table_args__ = {"postgresql_partition_by": "RANGE (t)"}
    vehicle_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    t: Mapped[dt.datetime] = mapped_column(primary_key=True)
    lon: Mapped[float]
    lat: Mapped[float]
    speed_kmh: Mapped[float | None]
    heading_deg: Mapped[float | None]
    h3_9: Mapped[int] = mapped_column(BigInteger)
    area_id: Mapped[int | None] = mapped_column(BigInteger)
    batch_id: Mapped[int | None] = mapped_column(Integer)  # no default: COPY names it


class Stay(Base):
    """A dwell of one vehicle, as found by one run."""

    __tablename__ = "stays"
    __table_args__ = (UniqueConstraint("vehicle_id", "started_at"), Index("ix_stays_area_id", "area_id"))
    id: Mapped[int] = id_column()
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    started_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime]
    left_by: Mapped[dt.datetime | None]
    ended_by: Mapped[str]
    open: Mapped[bool]
    radius_m: Mapped[float]
    n_fixes: Mapped[int]
    max_gap_s: Mapped[float] = mapped_column(server_default="900")
    """Longest gap that belonged to it, seconds: more than 900 for a vehicle that reports seldom."""
    geom: Mapped[WKBElement] = geometry_column("POINT")
    geom_3857: Mapped[Any] = mercator_column("POINT")
    h3_9: Mapped[int] = mapped_column(BigInteger)
    area_id: Mapped[int | None] = mapped_column(BigInteger)


class Visit(Base):
    """A stay (or stays linked across a gap) at a site, with the part of it that is attributed to the site."""

    __tablename__ = "visits"
    __table_args__ = (
        UniqueConstraint("visit_id", "site_id"),
        Index("ix_visits_site_id", "site_id", "entered_at"),
        Index("ix_visits_area_id", "area_id"),
    )
    id: Mapped[int] = id_column()
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    visit_id: Mapped[str]
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    entered_at: Mapped[dt.datetime]
    left_at: Mapped[dt.datetime]
    seen_s: Mapped[float]
    unseen_s: Mapped[float]
    distance_m: Mapped[float | None]
    share: Mapped[float]
    night: Mapped[float]
    excluded_by: Mapped[str | None]
    geom: Mapped[WKBElement] = geometry_column("POINT")
    geom_3857: Mapped[Any] = mercator_column("POINT")
    area_id: Mapped[int | None] = mapped_column(BigInteger)


class Silence(Base):
    """A vehicle that fell silent in reach of a closed site, with what it counts there, or why it does not."""

    __tablename__ = "silences"
    __table_args__ = (
        UniqueConstraint("silence_id", "site_id"),
        Index("ix_silences_site_id", "site_id", "began_at"),
        Index("ix_silences_vehicle_id", "vehicle_id", "began_at"),
        Index("ix_silences_area_id", "area_id"),
    )
    id: Mapped[int] = id_column()
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    silence_id: Mapped[str]
    vehicle_id: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    began_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime | None]
    duration_s: Mapped[float]
    before_s: Mapped[float]
    reappeared_m: Mapped[float | None]
    distance_m: Mapped[float]
    share: Mapped[float]
    weight: Mapped[float]
    left_out: Mapped[str | None]
    geom: Mapped[WKBElement] = geometry_column("POINT")
    geom_3857: Mapped[Any] = mercator_column("POINT")
    area_id: Mapped[int | None] = mapped_column(BigInteger)


class Encounter(Base):
    """Two vehicles that were near each other for some time, away from where vehicles stand together anyhow."""

    __tablename__ = "encounters"
    __table_args__ = (
        UniqueConstraint("encounter_id"),
        Index("ix_encounters_started_at", "started_at"),
        Index("ix_encounters_vehicle_a", "vehicle_a"),
        Index("ix_encounters_vehicle_b", "vehicle_b"),
        Index("ix_encounters_area_id", "area_id"),
    )
    id: Mapped[int] = id_column()
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    encounter_id: Mapped[str]
    vehicle_a: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    vehicle_b: Mapped[int] = mapped_column(ForeignKey("vehicles.id"))
    kind: Mapped[str]
    started_at: Mapped[dt.datetime]
    ended_at: Mapped[dt.datetime]
    begun_by: Mapped[str]
    ended_by: Mapped[str]
    open: Mapped[bool]
    duration_s: Mapped[float]
    rest_s: Mapped[float]
    convoy_s: Mapped[float]
    nearest_m: Mapped[float]
    nearest_at: Mapped[dt.datetime]
    geom: Mapped[WKBElement] = geometry_column("POINT")
    geom_3857: Mapped[Any] = mercator_column("POINT")
    area_id: Mapped[int | None] = mapped_column(BigInteger)
