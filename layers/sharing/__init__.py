"""Sharing with other systems: messages of the outbox, and their deliveries to webhooks."""

from __future__ import annotations

from layers.sharing.webhooks import (
    OUTBOX_DAYS,
    WaitingMessage,
    add_webhook,
    count_deliveries,
    deliveries_of,
    due_webhooks,
    is_visible,
    lock_webhook,
    mark_delivery,
    next_message,
    read_webhook,
    remove_old_messages,
    send_again,
    share_outbox,
    webhooks_of,
)

__all__ = [
    "OUTBOX_DAYS",
    "WaitingMessage",
    "add_webhook",
    "count_deliveries",
    "deliveries_of",
    "due_webhooks",
    "is_visible",
    "lock_webhook",
    "mark_delivery",
    "next_message",
    "read_webhook",
    "remove_old_messages",
    "send_again",
    "share_outbox",
    "webhooks_of",
]
