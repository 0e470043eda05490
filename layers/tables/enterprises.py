"""Enterprises with their sites, meter readings and notices; places where vehicles may stand."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, batch_column, geometry_column, id_column, mercator_column


class Enterprise(Base):
    """A legal person; its places are ``sites``."""

    __tablename__ = "enterprises"
    id: Mapped[int] = id_column()
    uscc: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    industry: Mapped[str]
    hazard: Mapped[str]
    status: Mapped[str]
    status_since: Mapped[dt.date | None]
    batch_id: Mapped[int | None] = batch_column()


class Site(Base):
    """A place of an enterprise: registered, production, sales or storage."""

    __tablename__ = "sites"
    __table_args__ = (Index("ix_sites_enterprise_id", "enterprise_id"), Index("ix_sites_area_id", "area_id"))
    id: Mapped[int] = id_column()
    site_id: Mapped[str] = mapped_column(unique=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprises.id"))
    kind: Mapped[str]
    geom: Mapped[WKBElement] = geometry_column("POINT")
    geom_3857: Mapped[Any] = mercator_column("POINT")
    boundary: Mapped[WKBElement | None] = geometry_column("GEOMETRY", nullable=True)
    h3_9: Mapped[int] = mapped_column(BigInteger)
    h3_10: Mapped[int] = mapped_column(BigInteger)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    enterprise_name: Mapped[str | None]  # this one and the next two: of the enterprise, copied by a trigger
    hazard: Mapped[str | None]
    status: Mapped[str | None]
    batch_id: Mapped[int | None] = batch_column()


class Place(Base):
    """Place where vehicles may stand for good reasons: petrol, service area, licensed parking, gate queue."""

    __tablename__ = "places"
    __table_args__ = (UniqueConstraint("kind", "lon", "lat"),)
    id: Mapped[int] = id_column()
    kind: Mapped[str]
    lon: Mapped[float]
    lat: Mapped[float]
    radius_m: Mapped[float]
    geom: Mapped[WKBElement] = geometry_column("POINT")
    batch_id: Mapped[int | None] = batch_column()


class Notice(Base):
    """A registered reason for use at a closed site, with its dates."""

    __tablename__ = "notices"
    __table_args__ = (UniqueConstraint("site_id", "kind", "valid_from"),)
    id: Mapped[int] = id_column()
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    kind: Mapped[str]
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]
    batch_id: Mapped[int | None] = batch_column()


class MeterReading(Base):
    """One day of one meter of a site: kWh or m³."""

    __tablename__ = "meter_readings"
    __table_args__ = (Index("ix_meter_readings_batch_id", "batch_id", postgresql_using="brin"),)
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    quality: Mapped[str]
    batch_id: Mapped[int | None] = batch_column()
