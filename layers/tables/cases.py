"""The duty list, clues, cases and their events."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, batch_column, geometry_column, id_column, mercator_column

DOMAINS = ("ecology", "urban", "transport", "agriculture", "culture_tourism", "market")
CLUE_SOURCES = ("hotline", "grid", "public", "system", "model")
CLUE_STATES = ("received", "rejected", "merged", "opened")
CASE_STATES = (
    "reported",
    "accepted",
    "filed",
    "dispatched",
    "arrived",
    "disposed",
    "fed_back",
    "reviewed",
    "checked",
    "returned",
    "suspended",
    "rework",
    "closed",
    "merged",
)
PARTS = ("lead", "co_handler", "superior", "copied")
"""What a body is in a case: the first two handle it."""
PART_STATES = ("awaiting", "arrived", "disposed", "fed_back", "refused", "asked", "designated", "copied")
DISPATCH_STATES = ("sent", "accepted", "declined", "arrived", "ended", "recalled")
OPEN_DISPATCH_STATES = ("sent", "accepted", "arrived")
"""States in which an officer is at work on a case, or called to it."""


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
    batch_id: Mapped[int | None] = batch_column()


class Case(Base):
    """A case: the facts at its opening.

    Its state is derived from ``case_events`` and kept here for reading.
    """

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_area_id", "area_id"),
        Index("ix_cases_alert_id", "alert_id"),
        Index("ix_cases_party_ids", "party_ids", postgresql_using="gin"),
        Index("ix_cases_number_start", "number", postgresql_ops={"number": "text_pattern_ops"}),
        Index("ix_cases_number_ends", text("number_ends(number)"), postgresql_using="gin"),
    )
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
    urgency: Mapped[str] = mapped_column(default="normal", server_default="normal")
    stage_due_at: Mapped[dt.datetime | None]
    late_since: Mapped[dt.datetime | None]  # the deadline that passed first; late stays late
    paused_since: Mapped[dt.datetime | None]  # the clock stands still
    geom: Mapped[WKBElement] = geometry_column("POINT")
    geom_3857: Mapped[Any] = mercator_column("POINT")
    area_id: Mapped[int | None] = mapped_column(BigInteger)
    party_ids: Mapped[list[int]] = mapped_column(default=list, server_default="{}")


class CaseParty(Base):
    """A body that takes part in a case, from ``since`` until ``until``.

    The newest event of the case with ``parties`` in its payload says who is in force.
    """

    __tablename__ = "case_parties"
    __table_args__ = (
        Index("ix_case_parties_case_id", "case_id"),
        Index(
            "uq_case_parties_in_force",
            "case_id",
            "body_id",
            unique=True,
            postgresql_where=text("until IS NULL"),
        ),
    )
    id: Mapped[int] = id_column()
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    body_id: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str]
    part: Mapped[str]
    state: Mapped[str]
    since: Mapped[dt.datetime]
    until: Mapped[dt.datetime | None]


class ChainHead(Base):
    """A signed head of the chains.

    It binds every event of all cases and every row of the access log up to it, and the head before.
    """

    __tablename__ = "chain_heads"
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    made_at: Mapped[dt.datetime]
    n_cases: Mapped[int]
    n_events: Mapped[int]
    n_entries: Mapped[int]
    entries_digest: Mapped[str]
    n_calls: Mapped[int]
    calls_digest: Mapped[str]
    prev_hash: Mapped[str]
    hash: Mapped[str]
    key_id: Mapped[str]
    signature: Mapped[str]


class ChainEntry(Base):
    """Hash of a case event as it was added, and the head that binds it (None: not yet under a head)."""

    __tablename__ = "chain_entries"
    __table_args__ = (Index("ix_chain_entries_number", "number"), Index("ix_chain_entries_head", "head"))
    event_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[str]
    seq: Mapped[int]
    hash: Mapped[str]
    head: Mapped[int | None]


class CaseEvent(Base):
    """One step of a case. Append-only; ``hash`` covers the row and the hash before it."""

    __tablename__ = "case_events"
    __table_args__ = (
        UniqueConstraint("case_id", "seq"),
        Index(
            "ix_case_events_send_officer",
            "case_id",
            "seq",
            postgresql_where=text("action = 'send_officer'"),
        ),
    )
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


class Dispatch(Base):
    """An officer who was sent to a case; written by the steps of its chain (``layers/schema/dispatch.sql``).

    ``event_seq`` is the step that sent the officer, ``proposed_officer_id`` the first suggestion of that moment.
    """

    __tablename__ = "dispatches"
    __table_args__ = (
        Index("ix_dispatches_case_id", "case_id", "event_seq", unique=True),
        Index("ix_dispatches_officer_id", "officer_id", "state"),
        Index(
            "uq_dispatches_open",
            "case_id",
            "officer_id",
            unique=True,
            postgresql_where=text("state IN ('sent', 'accepted', 'arrived')"),
        ),
    )
    id: Mapped[int] = id_column()
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    event_seq: Mapped[int]
    officer_id: Mapped[int] = mapped_column(BigInteger)
    body_id: Mapped[int] = mapped_column(BigInteger)
    body: Mapped[str]
    proposed_officer_id: Mapped[int | None] = mapped_column(BigInteger)
    unfit: Mapped[list[str]] = mapped_column(server_default="{}")
    state: Mapped[str]
    sent_at: Mapped[dt.datetime]
    sent_by: Mapped[str]
    reason: Mapped[str | None]  # why not the first suggestion, or one who does not suit
    answered_at: Mapped[dt.datetime | None]
    answered_by: Mapped[str | None]
    decline_reason: Mapped[str | None]
    arrived_at: Mapped[dt.datetime | None]
    distance_m: Mapped[int | None]  # from where the officer said to be to the case
    ended_at: Mapped[dt.datetime | None]
    ended_by: Mapped[str | None]
    ended_step: Mapped[str | None]  # the step of the case that ended it
    end_reason: Mapped[str | None]
    geom: Mapped[WKBElement | None] = geometry_column("POINT", nullable=True)  # where the officer arrived


class PublishedCase(Base):
    """A decided case as the public may know it; a row that was taken down is kept, and shown to nobody."""

    __tablename__ = "published_cases"
    __table_args__ = (Index("ix_published_cases_decided_on", "decided_on", "case_id"),)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True, autoincrement=False)
    number: Mapped[str]
    item_code: Mapped[str]
    matter: Mapped[str]
    matter_en: Mapped[str | None]
    domain: Mapped[str]
    town_code: Mapped[str]
    town: Mapped[str]
    body: Mapped[str | None]
    enterprise: Mapped[str | None]
    decision: Mapped[str]
    decided_on: Mapped[dt.date]
    published_at: Mapped[dt.datetime]
    taken_down_at: Mapped[dt.datetime | None]
    taken_down_reason: Mapped[str | None]
    geom: Mapped[WKBElement] = geometry_column("POINT")


class CaseFacts(Base):
    """Facts of a case for the indicators, kept in step by its events (``layers/schema/indicators.sql``)."""

    __tablename__ = "case_facts"
    __table_args__ = (Index("ix_case_facts_area_id", "area_id"),)
    case_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[str]
    area_id: Mapped[int | None]
    domain: Mapped[str]
    item_code: Mapped[str]
    source: Mapped[str]
    lead_body: Mapped[str | None]
    city_area_id: Mapped[int | None]
    county_area_id: Mapped[int | None]
    town_area_id: Mapped[int | None]
    community_area_id: Mapped[int | None]
    grid_area_id: Mapped[int | None]
    opened_at: Mapped[dt.datetime]
    due_at: Mapped[dt.datetime | None]
    accepted_at: Mapped[dt.datetime | None]
    filed_at: Mapped[dt.datetime | None]
    dispatched_at: Mapped[dt.datetime | None]
    disposed_at: Mapped[dt.datetime | None]
    closed_at: Mapped[dt.datetime | None]
    n_rework: Mapped[int] = mapped_column(default=0, server_default="0")
    n_suspended: Mapped[int] = mapped_column(default=0, server_default="0")
    n_misdirected: Mapped[int] = mapped_column(default=0, server_default="0")
    limited_stages: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    late_stages: Mapped[list[str]] = mapped_column(default=list, server_default="{}")


class Clue(Base):
    """A clue: what somebody reported, before or beside a case.

    ``area_id`` is the scope area of the place; None when the place is not known.
    """

    __tablename__ = "clues"
    __table_args__ = (
        UniqueConstraint("created_by", "idempotency_key"),
        Index("ix_clues_area_id", "area_id"),
        Index("ix_clues_code_hash", "code_hash", unique=True),
        Index("ix_clues_state", "state", "id"),
        Index("ix_clues_case_id", "case_id"),
    )
    id: Mapped[int] = id_column()
    source: Mapped[str]
    text: Mapped[str]
    address: Mapped[str | None]
    candidates: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]")
    geom: Mapped[WKBElement | None] = geometry_column("POINT", nullable=True)
    area_id: Mapped[int | None] = mapped_column(BigInteger)
    item_code: Mapped[str | None]
    domain: Mapped[str | None]
    urgency: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None]
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("clues.id"))
    related_cases: Mapped[list[str]] = mapped_column(server_default="{}")
    created_by: Mapped[str | None]  # the account; None: the public
    created_at: Mapped[dt.datetime]
    decided_by: Mapped[str | None]
    decided_at: Mapped[dt.datetime | None]
    updated_at: Mapped[dt.datetime]
    idempotency_key: Mapped[str | None]
    body_sha256: Mapped[str | None]
    code_hash: Mapped[str | None]  # of the query code of a public report


class ClueReporter(Base):
    """Person who reported a clue: personal data, apart from it and under a policy of its own."""

    __tablename__ = "clue_reporters"
    clue_id: Mapped[int] = mapped_column(ForeignKey("clues.id"), primary_key=True, autoincrement=False)
    name: Mapped[str | None]
    phone: Mapped[str | None]
    email: Mapped[str | None]


class Attachment(Base):
    """A photo or document of a case; its content lies in the store under ``sha256``."""

    __tablename__ = "attachments"
    __table_args__ = (
        Index(
            "uq_attachments_in_force",
            "case_id",
            "sha256",
            unique=True,
            postgresql_where=text("taken_back_at IS NULL"),
        ),
    )
    id: Mapped[int] = id_column()
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    event_seq: Mapped[int]
    name: Mapped[str]
    kind: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    width: Mapped[int | None]
    height: Mapped[int | None]
    taken_at: Mapped[dt.datetime | None]
    distance_m: Mapped[int | None]  # from the case to where the photo was taken
    exif_faults: Mapped[list[str]]
    added_at: Mapped[dt.datetime]
    added_by: Mapped[str]
    taken_back_at: Mapped[dt.datetime | None]
    taken_back_by: Mapped[str | None]
    taken_back_reason: Mapped[str | None]
