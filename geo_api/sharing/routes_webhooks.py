"""Webhooks of the own account: addresses that are sent what happens, and what became of each message."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import CallerDep, SystemDb, needs
from geo_api.auth.accounts import scope_of_account
from geo_api.http.caching import PRIVATE
from geo_api.http.errors import Problem
from geo_api.http.representations import json_response, older_links
from geo_api.http.request_bodies import JsonRoute
from geo_api.sharing.addresses import networks
from geo_api.sharing.schemas import (
    DeliveriesList,
    DeliveryState,
    SentAgain,
    WebhookBody,
    WebhookSecret,
    WebhooksList,
)
from geo_api.sharing.webhooks import create_webhook, remove_webhook, rotate_secret
from layers.local_time import utc_text
from layers.sharing import count_deliveries, deliveries_of, read_webhook, send_again, webhooks_of
from layers.tables import Webhook

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=JsonRoute)
WebhookId = Annotated[int, Path(ge=1, le=2**63 - 1)]
OWN = needs("manage_webhooks")


def owner(caller: CallerDep, db: SystemDb) -> str:
    """Return the account of the caller; a key or token that sees another part than its account is refused."""
    scope = scope_of_account(db, caller.username)
    if scope is None or caller.by_token or caller.scope != scope:
        raise Problem(
            "not-allowed",
            "Webhooks belong to an account with its whole scope: this key or token has another one.",
            "推送属于账户本身：此密钥或令牌的范围与账户不同。",
        )
    return caller.username


Owner = Annotated[str, Depends(owner)]


def webhook_document(db: Session, webhook: Webhook) -> dict[str, Any]:
    """Return a webhook without its secret."""
    return {
        "id": webhook.id,
        "url": webhook.url,
        "types": webhook.types,
        "created_at": utc_text(webhook.created_at),
        "former_secret_until": utc_text(webhook.former_until) if webhook.former_until else None,
        "off_reason": webhook.off_reason,
        "deliveries": count_deliveries(db, webhook.id),
    }


@router.get("", response_model=WebhooksList, dependencies=[OWN])
def list_webhooks(account: Owner, db: SystemDb) -> Response:
    """Return the webhooks of the own account."""
    found = [webhook_document(db, each) for each in webhooks_of(db, account)]
    return json_response({"webhooks": found}, headers={"Cache-Control": PRIVATE})


@router.post("", response_model=WebhookSecret, dependencies=[OWN], status_code=201)
def add_webhook(request: Request, body: WebhookBody, account: Owner, db: SystemDb) -> Response:
    """Add a webhook; the answer has its secret, which is shown this once."""
    key, now = request.app.state.signing_key, dt.datetime.now(dt.UTC)
    allowed = networks(request.app.state.settings.webhook_networks)
    made, secret = create_webhook(db, key, account, body.url, body.types, now, allowed)
    return json_response({"id": made.id, "secret": secret}, status=201)


@router.post("/{webhook_id}/secret", response_model=WebhookSecret, dependencies=[OWN])
def rotate_webhook_secret(request: Request, webhook_id: WebhookId, account: Owner, db: SystemDb) -> Response:
    """Give a webhook a new secret; for 24 hours messages are signed with the former one, too."""
    key, now = request.app.state.signing_key, dt.datetime.now(dt.UTC)
    return json_response({"id": webhook_id, "secret": rotate_secret(db, key, webhook_id, account, now)})


@router.delete("/{webhook_id}", dependencies=[OWN], status_code=204)
def delete_webhook(webhook_id: WebhookId, account: Owner, db: SystemDb) -> Response:
    """Remove a webhook; nothing more is sent to it."""
    remove_webhook(db, webhook_id, account, dt.datetime.now(dt.UTC))
    return Response(status_code=204)


@router.get("/{webhook_id}/deliveries", response_model=DeliveriesList, dependencies=[OWN])
def list_deliveries(
    request: Request,
    webhook_id: WebhookId,
    account: Owner,
    db: SystemDb,
    state: Annotated[DeliveryState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only ids below")] = None,
) -> Response:
    """Return the newest messages to a webhook, with what became of them."""
    read_webhook(db, webhook_id, account)
    found = deliveries_of(db, webhook_id, state, limit + 1, before)
    body = {"deliveries": found[:limit], "links": older_links(request, found, limit)}
    return json_response(body, headers={"Cache-Control": PRIVATE})


@router.post("/{webhook_id}/deliveries/send-again", response_model=SentAgain, dependencies=[OWN])
def send_dead_again(webhook_id: WebhookId, account: Owner, db: SystemDb) -> Response:
    """Send every dead message to a webhook again."""
    read_webhook(db, webhook_id, account)
    return json_response({"waiting": send_again(db, webhook_id, dt.datetime.now(dt.UTC))})


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/send-again", response_model=SentAgain, dependencies=[OWN]
)
def send_one_again(webhook_id: WebhookId, delivery_id: WebhookId, account: Owner, db: SystemDb) -> Response:
    """Send one message to a webhook again."""
    read_webhook(db, webhook_id, account)
    return json_response({"waiting": send_again(db, webhook_id, dt.datetime.now(dt.UTC), delivery_id)})
