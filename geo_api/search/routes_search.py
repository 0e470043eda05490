"""Search over everything that has a name, a number or a place."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from geo_api.auth.access import CallerDep, Db, mask_plate
from geo_api.auth.callers import Caller
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response
from geo_api.search.schemas import SearchAnswer
from grid.search import Asked, Group, Hit, find

router = APIRouter(prefix="/v1", tags=["search"])
READS = {"cases": "read_cases", "alerts": "read_alerts", "vehicles": "read_tracks"}
"""Permissions that groups of the search need; areas, companies and places are public."""


@router.get("/search", response_model=SearchAnswer)
def search_everything(
    db: Db,
    caller: CallerDep,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=100,
            description="Part of a name, pinyin, initials, number, plate, coordinates",
        ),
    ],
    limit: Annotated[int, Query(ge=1, le=20, description="Hits of a group")] = 5,
) -> Response:
    """Return areas, companies, cases, alerts, vehicles, places and coordinates that a text may mean, by groups.

    Plates are searched from three characters on, for roles that may read tracks.
    """
    reads = frozenset(name for name, needed in READS.items() if caller.logged_in and caller.may(needed))
    groups = find(db, Asked(q, caller.scope, limit, reads))
    body = {"q": q, "groups": [_document(group, caller) for group in groups]}
    return json_response(body, headers={"Cache-Control": PRIVATE})


def _document(group: Group, caller: Caller) -> dict[str, Any]:
    return {
        "group": group.name,
        "count": group.count,
        "more": group.more,
        "hits": [asdict(_masked(hit, caller)) for hit in group.hits],
    }


def _masked(hit: Hit, caller: Caller) -> Hit:
    """Return a vehicle with its plate masked for who may not read plates."""
    if hit.kind != "vehicle" or caller.may("read_plates") or hit.title == hit.key:
        return hit
    return hit.with_title(mask_plate(hit.title) or hit.key)
