"""Bodies and answers about sites without place."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import Field

from geo_api.http.schemas import Answer, AreaName, Body, Choice, Crs, Link, Share, SiteKind
from layers.imports import HAZARDS, STATUSES

Hazard = Annotated[str, Choice("Hazard", HAZARDS)]
SiteStatus = Annotated[str, Choice("SiteStatus", STATUSES)]


class PlaceProposal(Answer):
    """Best place of the gazetteer for an address; nothing is placed by it until somebody accepts it."""

    name: Annotated[str, Field(description="Of the place; a road stands for a point at half its length")]
    kind: str
    lon: Annotated[float, Field(description="Degrees, WGS-84")]
    lat: Annotated[float, Field(description="Degrees, WGS-84")]
    score: Share
    matched: Annotated[str, Field(description="Part of the address that has its name")]


class UnplacedSite(Answer):
    """Site of which an address is known and no coordinates."""

    site_id: str
    kind: SiteKind
    uscc: str
    enterprise_name: str
    hazard: Hazard
    status: SiteStatus
    address: str | None
    area: Annotated[AreaName | None, Field(description="Town, else county, that the address names")]
    import_id: Annotated[int | None, Field(description="Import that brought it")]
    proposal: Annotated[PlaceProposal | None, Field(description="None: the gazetteer has no place for it")]


class StaleNames(Answer):
    """Table that changed since the names of places were made from it (`wangge places refresh`)."""

    source: str
    refreshed_at: dt.datetime | None


class UnplacedSitesPage(Answer):
    """Sites without place, by their id."""

    sites: list[UnplacedSite]
    numberMatched: int
    stale: Annotated[list[StaleNames], Field(description="Of the gazetteer: what it does not know yet")]
    links: Annotated[list[Link], Field(description="`next` leads to further ones")]


class SitePlaceBody(Body):
    """Place of a site, as a person showed it."""

    lon: Annotated[float, Field(description="In `crs`, degrees", ge=-180, le=180)]
    lat: Annotated[float, Field(description="In `crs`, degrees", ge=-90, le=90)]
    crs: Crs = "wgs84"


class AcceptProposals(Body):
    """Score from which proposals of the gazetteer are taken; there is no default."""

    accept_above: Annotated[float, Field(gt=0, le=1)]
    site_ids: Annotated[
        list[str] | None,
        Field(max_length=1_000, description="Only these; all that the caller sees when left out"),
    ] = None


class NotPlaced(Answer):
    """Site that was not placed, with the reason."""

    site_id: str
    reason: str
    reason_zh: str


class PlacedSites(Answer):
    """Sites that got a place, as one import that can be undone."""

    import_id: Annotated[int | None, Field(description="To undo it; None: no site was placed")]
    placed: list[str]
    refused: Annotated[list[NotPlaced], Field(description="Of the named and of the accepted ones")]
    left: Annotated[int, Field(description="Sites without place that the caller sees after it")]
