"""Officers for a case, suggested; and towns that are short of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict

from fastapi import APIRouter, Response

from geo_api.auth.access import Db, needs
from geo_api.cases.routes_cases import CaseNumber
from geo_api.cases.schemas import ShortTowns, SuggestedOfficers
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response
from grid.responsibility import ENOUGH_OFFICERS, short_towns, suggest_officers

router = APIRouter(tags=["cases"])
HEADERS = {"Cache-Control": PRIVATE}


@router.get(
    "/v1/cases/{number}/officers", response_model=SuggestedOfficers, dependencies=[needs("see_officers")]
)
def list_suggested_officers(number: CaseNumber, db: Db) -> Response:
    """Return the officers of the case's bodies, the suited and nearest first, each with the reasons."""
    found = suggest_officers(db, number, dt.datetime.now(dt.UTC))
    return json_response({"officers": [asdict(one) for one in found]}, headers=HEADERS)


@router.get("/v1/short-towns", response_model=ShortTowns, dependencies=[needs("see_officers")])
def list_short_towns(db: Db) -> Response:
    """Return the towns with fewer than six officers whose certificate is valid today."""
    return json_response(
        {"enough": ENOUGH_OFFICERS, "towns": short_towns(db, dt.datetime.now(dt.UTC))}, headers=HEADERS
    )
