"""Webhooks, and the messages that wait for them: written, taken in order, marked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from layers.errors import NotFound
from layers.tables import Alert, Case, Outbox, Webhook, WebhookDelivery

OUTBOX_DAYS = 30
"""Days for which messages are kept after they were shared, so that dead ones can be sent again."""
_SHARE = text("""
WITH fresh AS (
    UPDATE outbox SET shared_at = :now WHERE id IN (
        SELECT id FROM outbox WHERE shared_at IS NULL ORDER BY id LIMIT 5000) RETURNING id, type),
made AS (
    INSERT INTO webhook_deliveries (webhook_id, outbox_id, next_at)
    SELECT w.id, f.id, :now FROM fresh f JOIN webhooks w ON w.removed_at IS NULL AND w.off_reason IS NULL
        AND (f.type = ANY (w.types) OR '*' = ANY (w.types) OR split_part(f.type, '.', 1) || '.*' = ANY (w.types))
    ORDER BY f.id, w.id RETURNING 1)
SELECT (SELECT count(*) FROM fresh) AS shared, (SELECT count(*) FROM made) AS deliveries
""")
_DUE = text("""
SELECT w.id FROM webhooks w
CROSS JOIN LATERAL (SELECT d.next_at FROM webhook_deliveries d WHERE d.webhook_id = w.id AND d.state = 'waiting'
                    ORDER BY d.outbox_id LIMIT 1) first
WHERE w.removed_at IS NULL AND w.off_reason IS NULL AND first.next_at <= :now ORDER BY first.next_at
""")


@dataclass(frozen=True)
class WaitingMessage:
    """The next message of a webhook."""

    delivery_id: int
    outbox_id: int
    type: str
    at: dt.datetime
    data: dict[str, Any]
    case_id: int | None
    alert_id: int | None
    tries: int
    next_at: dt.datetime


def add_webhook(db: Session, webhook: Webhook) -> Webhook:
    """Store a webhook; it gets what happens from now on."""
    db.add(webhook)
    db.flush()
    return webhook


def webhooks_of(db: Session, username: str | None = None) -> Sequence[Webhook]:
    """Return the webhooks of an account, or all (None), without those that were removed."""
    statement = select(Webhook).where(Webhook.removed_at.is_(None)).order_by(Webhook.id)
    if username is not None:
        statement = statement.where(Webhook.username == username)
    return db.scalars(statement).all()


def read_webhook(db: Session, webhook_id: int, username: str | None = None) -> Webhook:
    """Return a webhook of an account, or of any (None).

    Raises
    ------
    NotFound
    """
    found = db.get(Webhook, webhook_id)
    if found is None or found.removed_at is not None or username not in (None, found.username):
        raise NotFound(f"no webhook {webhook_id}", f"没有推送 {webhook_id}")
    return found


def share_outbox(db: Session, now: dt.datetime) -> int:
    """Make a delivery of every new message for each webhook that asks for its type; returns the messages.

    One process at a time does it, so that deliveries are made in the order of the messages.
    """
    if not db.scalar(text("SELECT EXISTS (SELECT FROM outbox WHERE shared_at IS NULL)")):
        return 0
    if not db.scalar(text("SELECT pg_try_advisory_xact_lock(hashtextextended('outbox', 0))")):
        return 0
    return int(db.execute(_SHARE, {"now": now}).one().shared)


def due_webhooks(db: Session, now: dt.datetime) -> list[int]:
    """Return the webhooks whose next message is due."""
    return list(db.scalars(_DUE, {"now": now}))


def lock_webhook(db: Session, webhook_id: int) -> bool:
    """Take the lock under which one process sends to a webhook, until the transaction ends."""
    return bool(
        db.scalar(
            text("SELECT pg_try_advisory_xact_lock(hashtextextended('webhook', :id))"), {"id": webhook_id}
        )
    )


def next_message(db: Session, webhook_id: int) -> WaitingMessage | None:
    """Return the oldest message that waits for a webhook: a later one never overtakes it."""
    row = db.execute(
        select(
            WebhookDelivery.id.label("delivery_id"), WebhookDelivery.outbox_id, Outbox.type, Outbox.at, Outbox.data,
            Outbox.case_id, Outbox.alert_id, WebhookDelivery.tries, WebhookDelivery.next_at,
        )
        .join(Outbox, Outbox.id == WebhookDelivery.outbox_id)
        .where(WebhookDelivery.webhook_id == webhook_id, WebhookDelivery.state == "waiting")
        .order_by(WebhookDelivery.outbox_id)
        .limit(1)
    ).one_or_none()  # fmt: skip
    return None if row is None else WaitingMessage(**row._mapping)


def mark_delivery(db: Session, delivery_id: int, **values: Any) -> None:
    """Write the result of a try."""
    db.execute(update(WebhookDelivery).where(WebhookDelivery.id == delivery_id).values(**values))


def is_visible(db: Session, message: WaitingMessage) -> bool:
    """Whether the caller of this transaction may see what a message is about."""
    if message.case_id is not None:
        return db.scalar(select(Case.id).where(Case.id == message.case_id)) is not None
    return db.scalar(select(Alert.id).where(Alert.id == message.alert_id)) is not None


def deliveries_of(
    db: Session, webhook_id: int, state: str | None, limit: int, before: int | None = None
) -> list[dict[str, Any]]:
    """Return the newest deliveries of a webhook; with ``before`` only ids below it."""
    columns = (
        WebhookDelivery.id, WebhookDelivery.state, WebhookDelivery.tries, WebhookDelivery.next_at,
        WebhookDelivery.tried_at, WebhookDelivery.status, WebhookDelivery.fault, Outbox.type, Outbox.at,
    )  # fmt: skip
    statement = (
        select(*columns)
        .join(Outbox, Outbox.id == WebhookDelivery.outbox_id)
        .where(WebhookDelivery.webhook_id == webhook_id)
        .order_by(WebhookDelivery.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(WebhookDelivery.id < before)
    if state is not None:
        statement = statement.where(WebhookDelivery.state == state)
    return [dict(row) for row in db.execute(statement).mappings()]


def count_deliveries(db: Session, webhook_id: int) -> dict[str, int]:
    """Return the number of deliveries of a webhook by state."""
    statement = (
        select(WebhookDelivery.state, func.count())
        .where(WebhookDelivery.webhook_id == webhook_id)
        .group_by(WebhookDelivery.state)
    )
    return {state: count for state, count in db.execute(statement)}


def send_again(db: Session, webhook_id: int, now: dt.datetime, delivery_id: int | None = None) -> int:
    """Let dead deliveries of a webhook wait again, all or one; returns how many.

    Messages keep their ids: a receiver that knows one drops it.
    """
    statement = update(WebhookDelivery).where(
        WebhookDelivery.webhook_id == webhook_id,
        WebhookDelivery.state.in_(("dead",) if delivery_id is None else ("dead", "delivered", "skipped")),
    )
    if delivery_id is not None:
        statement = statement.where(WebhookDelivery.id == delivery_id)
    values = {"state": "waiting", "tries": 0, "next_at": now, "fault": None}
    return len(db.scalars(statement.values(**values).returning(WebhookDelivery.id)).all())


def remove_old_messages(db: Session, now: dt.datetime) -> int:
    """Remove messages that were shared long ago and wait for nobody."""
    statement = text(
        "DELETE FROM outbox o WHERE o.shared_at < :before AND NOT EXISTS (SELECT FROM webhook_deliveries d"
        " WHERE d.outbox_id = o.id AND d.state = 'waiting') RETURNING o.id"
    )
    return len(db.scalars(statement, {"before": now - dt.timedelta(days=OUTBOX_DAYS)}).all())
