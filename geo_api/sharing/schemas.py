"""Bodies and answers of webhooks."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from geo_api.http.schemas import Answer, Body, Choice, Link
from layers.tables import DELIVERY_STATES

DeliveryState = Annotated[str, Choice("DeliveryState", DELIVERY_STATES)]


class WebhookBody(Body):
    """A webhook to add."""

    url: Annotated[str, Field(min_length=1, max_length=2_000, description="`https://host/path`")]
    types: Annotated[
        list[str],
        Field(max_length=50, description="As `case.close`, `case.*`, `alert.raised`; empty: everything"),
    ] = []


class WebhookDocument(Answer):
    """A webhook of the own account."""

    id: int
    url: str
    types: list[str]
    created_at: dt.datetime
    former_secret_until: Annotated[dt.datetime | None, Field(description="Both secrets sign until then")]
    off_reason: Annotated[str | None, Field(description="Why nothing is sent; a new secret switches it on")]
    deliveries: Annotated[dict[str, int], Field(description="Number of messages by state")]


class WebhooksList(Answer):
    """The webhooks of the own account."""

    webhooks: list[WebhookDocument]


class WebhookSecret(Answer):
    """The secret of a webhook: it is shown this once."""

    id: int
    secret: Annotated[str, Field(description="`whsec_…`, as Standard Webhooks writes it")]


class Delivery(Answer):
    """A message to a webhook."""

    id: int
    state: DeliveryState
    type: str
    at: Annotated[dt.datetime, Field(description="When it happened")]
    tries: int
    next_at: Annotated[dt.datetime, Field(description="When the next try is due")]
    tried_at: dt.datetime | None
    status: Annotated[int | None, Field(description="Status of the last answer")]
    fault: Annotated[str | None, Field(description="Why the last try failed")]


class DeliveriesList(Answer):
    """The newest messages to a webhook."""

    deliveries: list[Delivery]
    links: Annotated[list[Link], Field(description="`next` leads to older ones")]


class SentAgain(Answer):
    """Number of messages that wait again."""

    waiting: int
