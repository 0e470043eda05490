"""Published cases."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from geojson_pydantic import Point
from pydantic import Field

from geo_api.http.schemas import Answer, Body


class TakeDownBody(Body):
    """Reason for which a publication is taken down."""

    reason: Annotated[str, Field(min_length=1, max_length=500)]


class PublishedProperties(Answer):
    """A decided case as the public may know it."""

    number: str
    item_code: str
    matter: str
    matter_en: str | None
    domain: str
    town_code: str
    town: str
    body: Annotated[str | None, Field(description="Body that led the case")]
    enterprise: Annotated[str | None, Field(description="Registered enterprises only")]
    decision: Annotated[str, Field(description="Code of the decision")]
    decision_zh: str
    decision_en: str
    decided_on: dt.date
    published_at: dt.datetime


class PublishedFeature(Answer):
    """A published case; the point is that of its town."""

    type: str
    id: str
    geometry: Point
    properties: PublishedProperties


class PublishedCases(Answer):
    """Published cases as a GeoJSON feature collection."""

    type: str
    features: list[PublishedFeature]
