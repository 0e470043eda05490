"""Enterprises with their sites, meter readings, notices and licences; places where vehicles may stand."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, batch_column, geometry_column, id_column, mercator_column

SITE_PLACE_SOURCES = ("gazetteer", "file", "map")
"""Origins of a place that a site got after it was imported: a name of the gazetteer, a file of places, a click."""


class Enterprise(Base):
    """A legal person; its places are ``sites``."""

    __tablename__ = "enterprises"
    __table_args__ = (
        Index("ix_enterprises_name_keys", text("name_keys(name)"), postgresql_using="gin"),
        Index("ix_enterprises_uscc_start", "uscc", postgresql_ops={"uscc": "text_pattern_ops"}),
    )
    id: Mapped[int] = id_column()
    uscc: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    industry: Mapped[str]
    hazard: Mapped[str]
    status: Mapped[str]
    status_since: Mapped[dt.date | None]
    batch_id: Mapped[int | None] = batch_column()


class Site(Base):
    """A place of an enterprise: registered, production, sales or storage.

    Without ``geom`` it is a site without place: only its address is known, and ``area_id`` is the area that the address
    names. A place that was found later says from where (``SITE_PLACE_SOURCES``); null: it came with the site.
    """

    __tablename__ = "sites"
    __table_args__ = (
        Index("ix_sites_enterprise_id", "enterprise_id"),
        Index("ix_sites_area_id", "area_id"),
        Index("ix_sites_site_id_start", "site_id", postgresql_ops={"site_id": "text_pattern_ops"}),
        Index("ix_sites_without_place", "site_id", postgresql_where=text("geom IS NULL")),
    )
    id: Mapped[int] = id_column()
    site_id: Mapped[str] = mapped_column(unique=True)
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprises.id"))
    kind: Mapped[str]
    geom: Mapped[WKBElement | None] = geometry_column("POINT", nullable=True)
    geom_3857: Mapped[Any] = mercator_column("POINT", nullable=True)
    boundary: Mapped[WKBElement | None] = geometry_column("GEOMETRY", nullable=True)
    h3_9: Mapped[int | None] = mapped_column(BigInteger)
    h3_10: Mapped[int | None] = mapped_column(BigInteger)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    address: Mapped[str | None]
    place_source: Mapped[str | None]
    place_score: Mapped[float | None]  # of the gazetteer, 0 to 1
    place_name: Mapped[str | None]  # of the gazetteer: where the place was taken from
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


class Licence(Base):
    """A licence of an enterprise, for one of its sites or for all (``site_id`` null), with its days."""

    __tablename__ = "licences"
    __table_args__ = (
        UniqueConstraint(
            "enterprise_id", "site_id", "licence_kind", "number", "valid_from", postgresql_nulls_not_distinct=True,
            name="uq_licences_key",
        ),
        Index("ix_licences_site_id", "site_id"),
    )  # fmt: skip
    id: Mapped[int] = id_column()
    enterprise_id: Mapped[int] = mapped_column(ForeignKey("enterprises.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    licence_kind: Mapped[str]
    number: Mapped[str]
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]
    note: Mapped[str | None]
    batch_id: Mapped[int | None] = batch_column()


class MeterReading(Base):
    """Use of one interval ``[began_at, ended_at)`` at one meter of a site, in kWh or m³.

    ``register`` is what the meter showed at the end (null: the use itself was delivered). The first register of a
    meter is an interval without length: it holds the register, and no use.
    """

    __tablename__ = "meter_readings"
    __table_args__ = (
        Index("ix_meter_readings_batch_id", "batch_id", postgresql_using="brin"),
        CheckConstraint("ended_at >= began_at", "ck_meter_readings_interval"),
    )
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    meter_id: Mapped[str] = mapped_column(primary_key=True, server_default=text("''"))
    began_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    ended_at: Mapped[dt.datetime] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    unit: Mapped[str]
    register: Mapped[float | None]
    quality: Mapped[str]
    flags: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    batch_id: Mapped[int | None] = batch_column()
