"""What is stored: the tables of the service, in the order in which they refer to each other.

Storage CRS is EPSG:4326 (x is longitude). Times are UTC. ``area_id`` on a row is the *scope area*: the
smallest of community, town, county, city that holds the place; row-level security compares it with the
caller's areas (see ``migrations/sql/0001_security.sql``).

One module although it is long: what refers to each other is read in one place. Fences and lines of vehicles, to which
nothing refers, are in ``fence_tables`` and ``track_tables``.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import (
    BigInteger,
    Computed,
    ForeignKey,
    Index,
    SmallInteger,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from layers.table_base import Base as Base
from layers.table_base import geometry_column, id_column, mercator_column

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
ROLES = ("viewer", "grid_manager", "officer", "dispatcher", "supervisor", "service")
DOMAINS = ("ecology", "urban", "transport", "agriculture", "culture_tourism", "market")


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


class AreaSuccession(Base):
    """Who followed whom: one row a pair of predecessor and successor."""

    __tablename__ = "area_successions"
    predecessor_id: Mapped[int] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    successor_id: Mapped[int] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    change_set_id: Mapped[int | None] = mapped_column(ForeignKey("change_sets.id"))


class ChangeSet(Base):
    """An edit of the partition: operations, what they would do, who asked, who approved."""

    __tablename__ = "change_sets"
    id: Mapped[int] = id_column()
    area_id: Mapped[int | None]
    status: Mapped[str]  # draft | approved (waits for its date) | applied | undone | rejected
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


class User(Base):
    """A local account. ``area_id`` is the root of what the person may see; None means the whole city."""

    __tablename__ = "users"
    id: Mapped[int] = id_column()
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    display_name: Mapped[str]
    role: Mapped[str]
    body: Mapped[str | None]
    area_code: Mapped[str | None]
    domains: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    active: Mapped[bool] = mapped_column(default=True, server_default="true")


class LoginSession(Base):
    """A login of a person: only a hash of the cookie's token is stored."""

    __tablename__ = "login_sessions"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    csrf_token: Mapped[str]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]


class ApiKey(Base):
    """A key of a service account: only a hash of it is stored."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_user_id", "user_id"),)
    key_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[dt.datetime]
    last_used_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
    name: Mapped[str] = mapped_column(default="", server_default="")
    expires_at: Mapped[dt.datetime | None]
    role: Mapped[str | None]  # less than the account's: viewer, or sender (writes fixes, reads nothing)
    area_code: Mapped[str | None]


class AccessLog(Base):
    """Who read or changed what: append-only."""

    __tablename__ = "access_log"
    __table_args__ = (
        Index("ix_access_log_at", "at"),
        Index("ix_access_log_username", "username", "id"),
        Index("ix_access_log_request_id", "request_id"),
    )
    id: Mapped[int] = id_column()
    at: Mapped[dt.datetime]
    username: Mapped[str | None]
    role: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    status: Mapped[int]
    request_id: Mapped[str]
    area_code: Mapped[str | None]
    address: Mapped[str | None]


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


class Vehicle(Base):
    """A vehicle or vessel. The plate is personal data and leaves the database masked."""

    __tablename__ = "vehicles"
    id: Mapped[int] = id_column()
    vehicle_id: Mapped[str] = mapped_column(unique=True)
    plate: Mapped[str | None]
    plate_color: Mapped[str | None]
    kind: Mapped[str]


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


class MeterReading(Base):
    """One day of one meter of a site: kWh or m³."""

    __tablename__ = "meter_readings"
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    quality: Mapped[str]


class Place(Base):
    """Where vehicles may stand for good reasons: petrol, service area, licensed parking, gate queue."""

    __tablename__ = "places"
    __table_args__ = (UniqueConstraint("kind", "lon", "lat"),)
    id: Mapped[int] = id_column()
    kind: Mapped[str]
    lon: Mapped[float]
    lat: Mapped[float]
    radius_m: Mapped[float]
    geom: Mapped[WKBElement] = geometry_column("POINT")


class Notice(Base):
    """A registered reason for use at a closed site, with its dates."""

    __tablename__ = "notices"
    __table_args__ = (UniqueConstraint("site_id", "kind", "valid_from"),)
    id: Mapped[int] = id_column()
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    kind: Mapped[str]
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]


class DutyItem(Base):
    """One line of the duty list (权责清单): who may act on what, where, since when."""

    __tablename__ = "duty_items"
    __table_args__ = (UniqueConstraint("item_code", "body", "area_code", "role", "valid_from"),)
    id: Mapped[int] = id_column()
    item_code: Mapped[str]
    item: Mapped[str]
    domain: Mapped[str]
    legal_basis: Mapped[str]
    kind: Mapped[str]
    body: Mapped[str]
    level: Mapped[str]
    area_code: Mapped[str]
    role: Mapped[str]
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]


class ModelRun(Base):
    """One run of a model, with its version and parameters; ``key`` makes a second run find the first."""

    __tablename__ = "model_runs"
    id: Mapped[int] = id_column()
    model: Mapped[str]
    version: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    at: Mapped[dt.datetime]
    parameters: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]]
    finished_at: Mapped[dt.datetime]


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


class Alert(Base):
    """A clue (线索), never proof: one row a site, raised again only on a higher level."""

    __tablename__ = "alerts"
    __table_args__ = (Index("ix_alerts_area_id", "area_id"),)
    id: Mapped[int] = id_column()
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    site_id: Mapped[int] = mapped_column(ForeignKey("sites.id"))
    kind: Mapped[str]
    level: Mapped[str]
    score: Mapped[float]
    raised_at: Mapped[dt.datetime]
    evidence: Mapped[list[dict[str, Any]]]
    would_lower: Mapped[list[dict[str, Any]]]
    status: Mapped[str] = mapped_column(default="open", server_default="open")
    outcome: Mapped[str | None]  # confirmed | legal_use | cannot_tell: what the site check found
    geom: Mapped[WKBElement] = geometry_column("POINT")
    geom_3857: Mapped[Any] = mercator_column("POINT")
    area_id: Mapped[int | None] = mapped_column(BigInteger)


class HotSpot(Base):
    """One H3 cell of one run and field, with its significance."""

    __tablename__ = "hot_spots"
    __table_args__ = (UniqueConstraint("run_id", "field", "h3"),)
    id: Mapped[int] = id_column()
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    field: Mapped[str]
    h3: Mapped[int] = mapped_column(BigInteger)
    value: Mapped[float]
    exposure: Mapped[float | None]
    z: Mapped[float]
    p: Mapped[float]
    q: Mapped[float]
    gi_bin: Mapped[int] = mapped_column(SmallInteger)
    geom: Mapped[WKBElement] = geometry_column("POLYGON")
    geom_3857: Mapped[Any] = mercator_column("POLYGON")


class Case(Base):
    """A case: the facts at its opening. Its state is derived from ``case_events`` and kept here for reading."""

    __tablename__ = "cases"
    __table_args__ = (Index("ix_cases_area_id", "area_id"), Index("ix_cases_alert_id", "alert_id"))
    id: Mapped[int] = id_column()
    number: Mapped[str] = mapped_column(unique=True)
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    title: Mapped[str]
    item_code: Mapped[str]
    domain: Mapped[str]
    grid_area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    community_area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    town_area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    county_area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    city_area_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    lead_body: Mapped[str | None]
    co_handlers: Mapped[list[str]]
    assignment: Mapped[dict[str, Any]]
    state: Mapped[str]
    opened_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime | None]
    closed_at: Mapped[dt.datetime | None]
    geom: Mapped[WKBElement] = geometry_column("POINT")
    geom_3857: Mapped[Any] = mercator_column("POINT")
    area_id: Mapped[int | None] = mapped_column(BigInteger)


class CaseEvent(Base):
    """One step of a case. Append-only; ``hash`` covers the row and the hash before it."""

    __tablename__ = "case_events"
    __table_args__ = (UniqueConstraint("case_id", "seq"),)
    id: Mapped[int] = id_column()
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    seq: Mapped[int]
    at: Mapped[dt.datetime]
    actor: Mapped[str]
    role: Mapped[str]
    action: Mapped[str]
    from_state: Mapped[str | None]
    to_state: Mapped[str]
    payload: Mapped[dict[str, Any]]
    prev_hash: Mapped[str]
    hash: Mapped[str]
    area_id: Mapped[int | None] = mapped_column(BigInteger)
