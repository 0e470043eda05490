"""Sites without place: which there are, what the gazetteer proposes, and a place by a click or a proposal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Path, Query, Request, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import CallerDep, Db, SystemDb, needs
from geo_api.auth.callers import Caller
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response, next_link
from geo_api.http.request_bodies import JsonRoute
from geo_api.site_places.schemas import AcceptProposals, PlacedSites, SitePlaceBody, UnplacedSitesPage
from grid.gazetteer import source_states
from grid.site_places import (
    UnplacedSite,
    accepted,
    count_matching,
    place_as_batch,
    propose_places,
    read_unplaced,
)
from layers.codes import to_storage
from layers.collections import check_writable, read_cursor, write_cursor
from layers.errors import InputError, NotFound, OutOfScope

router = APIRouter(prefix="/v1/sites/unplaced", tags=["imports"], route_class=JsonRoute)
CURSOR = "unplaced"
MOST_ACCEPTED = 10_000
"""Sites that one request looks at; the command line has no limit."""
SiteId = Annotated[str, Path(min_length=1, max_length=200)]


@router.get("", response_model=UnplacedSitesPage, dependencies=[needs("read_imports")])
def list_unplaced_sites(
    request: Request,
    db: Db,
    q: Annotated[
        str | None, Query(max_length=100, description="Part of an id, a name, a code or the address")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=500, description="From a next link")] = None,
) -> Response:
    """Return sites that have an address and no place, each with the best place of the gazetteer."""
    key = request.app.state.signing_key
    after = str(read_cursor(key, CURSOR, cursor)[0]) if cursor is not None else None
    found = read_unplaced(db, limit + 1, after=after, words=q)
    shown = found[:limit]
    proposals = propose_places(db, shown)
    stale = [
        {"source": state.source, "refreshed_at": state.refreshed_at}
        for state in source_states(db)
        if state.stale
    ]
    body = {
        "sites": [_document(site) | {"proposal": _plain(proposals.get(site.site_id))} for site in shown],
        "numberMatched": count_matching(db, q),
        "stale": stale,
        "links": [next_link(request, write_cursor(key, CURSOR, (shown[-1].site_id,)))]
        if len(found) > limit
        else [],
    }
    return json_response(body, headers={"Cache-Control": PRIVATE})


@router.post("/accept", response_model=PlacedSites, dependencies=[needs("edit_sites")])
def accept_proposals(body: AcceptProposals, caller: CallerDep, db: Db, system: SystemDb) -> Response:
    """Place the sites whose proposal has at least the named score and lies where the caller may write."""
    sites = read_unplaced(db, MOST_ACCEPTED, site_ids=body.site_ids)
    proposals = propose_places(db, sites)
    frame = accepted(proposals, body.accept_above)
    known = {site.site_id for site in sites}
    refused = [_refused(name, *_UNKNOWN) for name in body.site_ids or () if name not in known]
    if body.site_ids is not None:
        low = known - set(frame["site_id"].to_list())
        refused += [_refused(name, *_TOO_LOW) for name in sorted(low)]
    options = {"place_source": "gazetteer", "accept_above": body.accept_above}
    return _placed(db, system, caller, frame, refused, options)


@router.post("/{site_id}/place", response_model=PlacedSites, dependencies=[needs("edit_sites")])
def place_site(site_id: SiteId, body: SitePlaceBody, caller: CallerDep, db: Db, system: SystemDb) -> Response:
    """Place a site where a person clicked; refused outside of the areas in which the caller may write."""
    if not read_unplaced(db, 1, site_ids=[site_id]):
        raise NotFound(f"no site without place {site_id}", f"没有未定位的场所 {site_id}")
    lon, lat = (float(values[0]) for values in to_storage([body.lon], [body.lat], body.crs))
    check_writable(db, lon, lat)
    frame = pl.DataFrame({"site_id": [site_id], "lon": [lon], "lat": [lat], "place_source": ["map"]})
    return _placed(db, system, caller, frame, [], {"place_source": "map"})


_UNKNOWN = ("no site without place", "没有该未定位场所")
_TOO_LOW = ("no proposal with that score", "没有达到该分值的候选位置")


def _placed(
    db: Session,
    system: Session,
    caller: Caller,
    frame: pl.DataFrame,
    refused: list[dict[str, str]],
    options: dict[str, Any],
) -> Response:
    outside = _not_writable(db, frame.select("site_id", "lon", "lat").rows())
    refused = refused + [_refused(name, *reason) for name, reason in outside.items()]
    frame = frame.filter(~pl.col("site_id").is_in(list(outside)))
    left = count_matching(db) - frame.height
    batch_id = None
    if frame.height:
        batch_id = place_as_batch(
            system, frame, caller.username, dt.datetime.now(dt.UTC), api_key=caller.key_name, **options
        )
    return json_response(
        {"import_id": batch_id, "placed": frame["site_id"].to_list(), "refused": refused, "left": left}
    )


def _not_writable(db: Session, rows: Sequence[tuple[Any, ...]]) -> dict[str, tuple[str, str]]:
    """Return the sites whose place lies where the caller may not write, with the reason."""
    found: dict[str, tuple[str, str]] = {}
    for site_id, lon, lat in rows:
        try:
            check_writable(db, lon, lat)
        except OutOfScope:
            found[site_id] = ("outside your area", "位置不在您的辖区内")
        except InputError:
            found[site_id] = ("far outside the city", "位置远离本市")
    return found


def _refused(site_id: str, reason: str, reason_zh: str) -> dict[str, str]:
    return {"site_id": site_id, "reason": reason, "reason_zh": reason_zh}


def _document(site: UnplacedSite) -> dict[str, Any]:
    facts = asdict(site)
    code, name = facts.pop("area_code"), facts.pop("area_name")
    return {
        **{key: value for key, value in facts.items() if key != "batch_id"},
        "area": {"code": code, "name": name} if code else None,
        "import_id": site.batch_id,
    }


def _plain(proposal: Any) -> dict[str, Any] | None:
    return None if proposal is None else asdict(proposal)
