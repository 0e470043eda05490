"""The log of changes, the outbox and its webhooks: written by triggers, never by callers (``layers/schema``)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, id_column

DELIVERY_STATES = ("waiting", "delivered", "dead", "skipped")
"""``skipped``: the account of the webhook may not see what the message is about."""


class LayerChange(Base):
    """Change of one layer by one transaction; it gets its number at the commit."""

    __tablename__ = "layer_changes"
    __table_args__ = (UniqueConstraint("transaction", "layer"),)
    id: Mapped[int] = id_column()
    transaction: Mapped[int | None]
    layer: Mapped[str]
    touched: Mapped[list[str] | None]
    at: Mapped[dt.datetime]


class Outbox(Base):
    """Something that happened, written in its transaction (``layers/schema/sharing.sql``)."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_waiting", "id", postgresql_where="shared_at IS NULL"),)
    id: Mapped[int] = id_column()
    type: Mapped[str]
    at: Mapped[dt.datetime]
    case_id: Mapped[int | None]
    alert_id: Mapped[int | None]
    data: Mapped[dict[str, Any]]
    shared_at: Mapped[dt.datetime | None]


class Webhook(Base):
    """An address of an account that is sent what happens, within what the account may see."""

    __tablename__ = "webhooks"
    id: Mapped[int] = id_column()
    username: Mapped[str]
    url: Mapped[str]
    types: Mapped[list[str]]
    secret: Mapped[bytes] = mapped_column(LargeBinary)
    former_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    former_until: Mapped[dt.datetime | None]
    created_at: Mapped[dt.datetime]
    removed_at: Mapped[dt.datetime | None]
    off_reason: Mapped[str | None]


class WebhookDelivery(Base):
    """A message to a webhook: waits, was delivered, or is dead after too many tries."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "outbox_id"),
        Index(
            "ix_webhook_deliveries_waiting", "webhook_id", "outbox_id", postgresql_where="state = 'waiting'"
        ),
    )
    id: Mapped[int] = id_column()
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id"))
    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(default="waiting", server_default="waiting")
    tries: Mapped[int] = mapped_column(default=0, server_default="0")
    next_at: Mapped[dt.datetime]
    tried_at: Mapped[dt.datetime | None]
    status: Mapped[int | None]
    fault: Mapped[str | None]


class RowChange(Base):
    """Rows of one layer and scope that one statement wrote or deleted, numbered at the commit.

    Without ``row_ids`` any row of the layer may have changed.
    """

    __tablename__ = "row_changes"
    __table_args__ = (
        Index("ix_row_changes_layer_change_id", "layer", "change_id", "id"),
        Index("ix_row_changes_transaction", "transaction", postgresql_where="transaction IS NOT NULL"),
        Index("ix_row_changes_at", "at"),
    )
    id: Mapped[int] = id_column()
    transaction: Mapped[int | None]
    change_id: Mapped[int | None] = mapped_column(BigInteger)
    layer: Mapped[str]
    scope: Mapped[str]
    row_ids: Mapped[list[int] | None]
    at: Mapped[dt.datetime]
