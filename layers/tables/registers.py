"""Registers with history: bodies, officers, matters, grid workers and households of grids; proposed duty lists.

A row is a version: it holds from ``valid_from`` up to but not including ``valid_to`` (days in the city). All
versions of one body have one ``body_id``, those of one officer one ``officer_id`` (given by triggers in
``layers/schema/registers.sql``).
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, batch_column, id_column

REGISTERS = ("bodies", "officers", "matters", "grid_workers", "grid_households")
"""Registers with history, by their tables."""
WORKER_POSTS = ("full_time", "part_time")
BODY_LEVELS = ("town", "county", "city")
STAGES = ("verify", "file", "dispatch", "arrive", "dispose", "feed_back", "review", "check", "close")
"""Stages of a case that a matter may limit, by the step that ends them."""
DUTY_PROPOSAL_STATES = ("proposed", "approved", "rejected", "undone")
URGENCIES = ("normal", "urgent", "very_urgent")


class CalendarDay(Base):
    """A day of an imported calendar: worked, or off."""

    __tablename__ = "calendar_days"
    day: Mapped[dt.date] = mapped_column(primary_key=True)
    working: Mapped[bool]
    name: Mapped[str | None]  # of the holiday, or of the notice
    batch_id: Mapped[int | None] = batch_column()


class Body(Base):
    """A version of a body: a department or town government that may act."""

    __tablename__ = "bodies"
    __table_args__ = (UniqueConstraint("code", "valid_from"), Index("ix_bodies_body_id", "body_id"))
    id: Mapped[int] = id_column()
    body_id: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str]
    name: Mapped[str]
    short_name: Mapped[str | None]
    former_names: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    level: Mapped[str]
    area_code: Mapped[str | None]
    domains: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    parent_code: Mapped[str | None]  # the superior, by its code
    phone: Mapped[str | None]
    confirmed: Mapped[bool] = mapped_column(default=True, server_default="true")
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]
    batch_id: Mapped[int | None] = batch_column()


class Officer(Base):
    """A version of an officer of a body, with the certificate of enforcement. Personal data."""

    __tablename__ = "officers"
    __table_args__ = (
        UniqueConstraint("certificate_no", "valid_from"),
        Index("ix_officers_officer_id", "officer_id"),
        Index("ix_officers_body_code", "body_code"),
    )
    id: Mapped[int] = id_column()
    officer_id: Mapped[int] = mapped_column(BigInteger)
    certificate_no: Mapped[str]
    name: Mapped[str]
    certificate_from: Mapped[dt.date | None]
    certificate_to: Mapped[dt.date | None]
    body_code: Mapped[str]
    area_codes: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    domains: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    on_duty: Mapped[bool] = mapped_column(default=True, server_default="true")
    phone: Mapped[str | None]
    username: Mapped[str | None]  # the account
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]
    batch_id: Mapped[int | None] = batch_column()


class Matter(Base):
    """A version of a matter: an item of the duty list and how its cases are handled.

    ``limits`` has the time limits by stage (``overall`` or one of ``STAGES``) and urgency (one of ``URGENCIES``),
    each ``{"kind": "working_days", "value": 15}`` in the words of ``grid.calendar.TimeLimit``.
    """

    __tablename__ = "matters"
    __table_args__ = (UniqueConstraint("item_code", "valid_from"),)
    id: Mapped[int] = id_column()
    item_code: Mapped[str]
    name: Mapped[str]
    name_en: Mapped[str | None]
    domain: Mapped[str]
    limits: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    suspension_stops_clock: Mapped[bool] = mapped_column(default=True, server_default="true")
    extension_days_at_most: Mapped[int] = mapped_column(default=0, server_default="0")
    evidence: Mapped[list[str]] = mapped_column(
        default=list, server_default="{}"
    )  # photo, document, measurement, note
    legal_review: Mapped[bool] = mapped_column(default=False, server_default="false")
    duplicate_radius_m: Mapped[Decimal | None] = mapped_column(Numeric)
    duplicate_days: Mapped[int | None]
    public: Mapped[bool] = mapped_column(default=False, server_default="false")
    alert_kind: Mapped[str | None]  # alerts of this kind open cases of the matter
    keywords: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    confirmed: Mapped[bool] = mapped_column(default=True, server_default="true")
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]
    batch_id: Mapped[int | None] = batch_column()


class GridWorker(Base):
    """A version of a grid worker (网格员), with the grids or communities that the worker looks after. Personal data."""

    __tablename__ = "grid_workers"
    __table_args__ = (UniqueConstraint("worker_no", "valid_from"),)
    id: Mapped[int] = id_column()
    worker_no: Mapped[str]
    name: Mapped[str]
    area_codes: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    post: Mapped[str]
    on_duty: Mapped[bool] = mapped_column(default=True, server_default="true")
    phone: Mapped[str | None]
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]
    batch_id: Mapped[int | None] = batch_column()


class GridHouseholds(Base):
    """A count of the households and residents of a unit grid, from a day on."""

    __tablename__ = "grid_households"
    __table_args__ = (UniqueConstraint("grid_code", "valid_from"),)
    id: Mapped[int] = id_column()
    grid_code: Mapped[str]
    households: Mapped[int] = mapped_column(BigInteger)
    residents: Mapped[int | None] = mapped_column(BigInteger)
    valid_from: Mapped[dt.date]
    valid_to: Mapped[dt.date | None]
    batch_id: Mapped[int | None] = batch_column()


class DutyProposal(Base):
    """A duty list that somebody proposed: its lines, what it would do, who approved it, and its batch."""

    __tablename__ = "duty_proposals"
    id: Mapped[int] = id_column()
    title: Mapped[str] = mapped_column(default="", server_default="")
    reason: Mapped[str] = mapped_column(default="", server_default="")
    author: Mapped[str]
    created_at: Mapped[dt.datetime]
    effective_on: Mapped[dt.date]
    covers: Mapped[str]  # whole: every item; items: those that it names
    file_name: Mapped[str]
    sha256: Mapped[str]
    lines: Mapped[list[dict[str, Any]]]
    preview: Mapped[dict[str, Any]]
    status: Mapped[str]
    decided_by: Mapped[str | None]
    decided_at: Mapped[dt.datetime | None]
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batches.id"))


class DutyProposalStep(Base):
    """A step of a proposed duty list. Rows are added, never changed."""

    __tablename__ = "duty_proposal_steps"
    __table_args__ = (Index("ix_duty_proposal_steps_proposal_id", "proposal_id"),)
    id: Mapped[int] = id_column()
    proposal_id: Mapped[int] = mapped_column(ForeignKey("duty_proposals.id"))
    at: Mapped[dt.datetime]
    actor: Mapped[str]
    action: Mapped[str]
    note: Mapped[str] = mapped_column(default="", server_default="")
