"""Delivery of what happened to webhooks: in order, at least once, again after a failure, dead after many.

Each webhook is sent its messages one after the other. One that fails waits longer after each try, and the
later ones wait behind it; after :data:`MAX_TRIES` it is dead and the next one goes out. What the account of the
webhook may not see when a message is due is skipped.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import http.client
import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import anyio
import anyio.to_thread
import structlog

from geo_api.auth.accounts import scope_of_account
from geo_api.sharing.addresses import AddressRefused, IpNetwork, Resolver, resolved, target_of
from geo_api.sharing.sending import headers_of, send
from geo_api.sharing.webhooks import secrets_in_force
from layers.local_time import utc_text
from layers.postgres import SYSTEM, session
from layers.sharing import (
    WaitingMessage,
    due_webhooks,
    is_visible,
    lock_webhook,
    mark_delivery,
    next_message,
    share_outbox,
)
from layers.tables import Webhook

log = structlog.get_logger("geo_api.webhooks")
EVERY_S = 1.0
AT_ONCE = 4
"""Webhooks that are sent to at the same time."""
IN_A_ROW = 200
"""Messages to one webhook before the others have their turn."""
MAX_TRIES = 12
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 6 * 3600.0
GONE = 410


@dataclass(frozen=True)
class Sender:
    """Everything that a delivery needs.

    Attributes
    ----------
    key : bytes
        Signing key of the installation, which opens the secrets.
    allowed : sequence of networks
        Private networks that may be sent to.
    resolve : callable
        Host and port to addresses.
    clock : callable
        The time, with zone.
    """

    url: str
    key: bytes
    allowed: Sequence[IpNetwork] = ()
    resolve: Resolver = resolved
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)


def deliver_due(sender: Sender) -> int:
    """Share what is new and send what is due; returns the number of tries."""
    with session(SYSTEM, sender.url) as db:
        share_outbox(db, sender.clock())
    with session(SYSTEM, sender.url) as db:
        due = due_webhooks(db, sender.clock())
    if not due:
        return 0
    with ThreadPoolExecutor(min(AT_ONCE, len(due))) as threads:
        return sum(threads.map(lambda webhook_id: _deliver_to(sender, webhook_id), due))


def wait_s(tries: int, chance: Callable[[], float] = random.random) -> float:
    """Return how long a message waits after so many tries: three times longer each time, by half more or less.

    Examples
    --------
    >>> [wait_s(tries, lambda: 0.5) for tries in (1, 2, 3, 12)]
    [5.0, 15.0, 45.0, 21600.0]
    >>> wait_s(1, lambda: 0.0), wait_s(1, lambda: 1.0)
    (2.5, 7.5)
    """
    return min(FIRST_WAIT_S * 3.0 ** (tries - 1), LONGEST_WAIT_S) * (0.5 + chance())


def _deliver_to(sender: Sender, webhook_id: int) -> int:
    """Send to one webhook until nothing is due; another process that does so keeps it."""
    tried = 0
    with session(SYSTEM, sender.url) as lock:
        if not lock_webhook(lock, webhook_id):
            return 0
        while tried < IN_A_ROW and _deliver_next(sender, webhook_id):
            tried += 1
    return tried


def _deliver_next(sender: Sender, webhook_id: int) -> bool:
    """Try the next message of a webhook; False: none is due, or it failed."""
    now = sender.clock()
    with session(SYSTEM, sender.url) as db:
        webhook = db.get(Webhook, webhook_id)
        message = next_message(db, webhook_id)
        if (
            webhook is None
            or webhook.removed_at
            or webhook.off_reason
            or not message
            or message.next_at > now
        ):
            return False
        scope = scope_of_account(db, webhook.username)
        db.expunge(webhook)
    seen = False
    if scope is not None:
        with session(scope, sender.url) as db:
            seen = is_visible(db, message)
    if not seen:
        with session(SYSTEM, sender.url) as db:
            mark_delivery(db, message.delivery_id, state="skipped", tried_at=now)
        return True
    status, fault = _try(sender, webhook, message, now)
    return _mark(sender, webhook, message, status, fault, now)


def _try(
    sender: Sender, webhook: Webhook, message: WaitingMessage, now: dt.datetime
) -> tuple[int | None, str | None]:
    """Send a message once; returns the status of the answer, and the fault (None: it was accepted)."""
    body = json.dumps(
        {"type": message.type, "timestamp": utc_text(message.at), "data": message.data},
        ensure_ascii=False, separators=(",", ":"),
    ).encode()  # fmt: skip
    keys = secrets_in_force(sender.key, webhook, now)
    if not keys:
        return None, "the secret cannot be opened: rotate it"
    message_id = f"msg_{webhook.id}_{message.outbox_id}"
    try:
        target = target_of(webhook.url, sender.allowed, sender.resolve)
        status = send(target, headers_of(keys, message_id, int(now.timestamp()), body), body)
    except AddressRefused as error:
        return None, str(error)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return None, f"{type(error).__name__}: {error}"[:500]
    if 200 <= status < 300:
        return status, None
    return status, "redirects are not followed" if 300 <= status < 400 else f"answered {status}"


def _mark(
    sender: Sender,
    webhook: Webhook,
    message: WaitingMessage,
    status: int | None,
    fault: str | None,
    now: dt.datetime,
) -> bool:
    """Write the result of a try; a receiver that says 410 is sent nothing more."""
    tries = message.tries + 1
    values = {"tries": tries, "tried_at": now, "status": status, "fault": fault}
    if fault is None:
        values["state"] = "delivered"
    elif tries >= MAX_TRIES or status == GONE:
        values["state"] = "dead"
        log.error("webhook_dead_letter", webhook=webhook.id, delivery=message.delivery_id, fault=fault)
    else:
        values["next_at"] = now + dt.timedelta(seconds=wait_s(tries))
    with session(SYSTEM, sender.url) as db:
        mark_delivery(db, message.delivery_id, **values)
        if status == GONE and (stored := db.get(Webhook, webhook.id)) is not None:
            stored.off_reason = "the receiver answered 410 Gone"
    return "state" in values and status != GONE


async def deliver_for_ever(sender: Sender) -> None:
    """Send what happens, every second, until cancelled."""
    thread = anyio.CapacityLimiter(1)
    while True:
        try:
            await anyio.to_thread.run_sync(deliver_due, sender, limiter=thread)
        except Exception as error:  # the database is away: what waits is not lost
            log.warning("webhooks_wait", error=type(error).__name__)
        await asyncio.sleep(EVERY_S)
