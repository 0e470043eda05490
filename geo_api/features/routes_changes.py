"""Rows of a collection that changed, for programs that keep a copy."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from geo_api.auth.access import Db
from geo_api.features.descriptions import collection_url
from geo_api.features.parameters import CollectionDep
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import JSON, json_response, link
from geo_api.http.schemas import Answer, Link
from layers.collections import ChangesPage, read_changes

router = APIRouter(tags=["collections"])


class RowChanged(Answer):
    """One feature that changed."""

    id: Annotated[int, Field(description="Id of the feature")]
    deleted: Annotated[
        bool, Field(description="Not shown to the caller any more: deleted, ended, or out of the own scope")
    ]
    updated_at: Annotated[dt.datetime, Field(description="When its newest change was committed, UTC")]


class RowChanges(Answer):
    """Changes of a collection after a position."""

    changes: list[RowChanged]
    everything: Annotated[
        bool, Field(description="Other features may have changed, too: read the collection")
    ]
    next: Annotated[str, Field(description="Position after these changes, for `after`")]
    more: Annotated[bool, Field(description="There are more changes at once")]
    links: list[Link]


@router.get("/collections/{collection_id}/changes", response_model=RowChanges)
def list_changes(
    request: Request,
    found: CollectionDep,
    db: Db,
    after: Annotated[
        str | None,
        Query(max_length=64, description="`next` of the answer before; without it: the position of now"),
    ] = None,
    limit: Annotated[
        int, Query(ge=1, le=1000, description="Entries of the log; each names up to 1,000 rows")
    ] = 1000,
) -> Response:
    """Return the features that changed after a position, each once; without one, the position of now."""
    now = dt.datetime.now(dt.UTC)
    page = read_changes(db, found, after, now, limit=limit)
    here = f"{collection_url(request, found)}/changes"
    links = [link("next", f"{here}?after={page.next}&limit={limit}", JSON, "Changes after these")]
    return json_response(changes_document(page) | {"links": links}, headers={"Cache-Control": PRIVATE})


def changes_document(page: ChangesPage) -> dict[str, Any]:
    """Return a page of changes as JSON shows it."""
    return {
        "changes": [
            {
                "id": one.id,
                "deleted": one.deleted,
                "updated_at": one.at.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            }
            for one in page.changes
        ],
        "everything": page.everything,
        "next": page.next,
        "more": page.more,
    }
