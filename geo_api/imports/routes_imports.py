"""Imports: where rows came from, and the undo of one.

The database shows every import to dispatchers and supervisors of the whole city, and to others what they
sent.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from geo_api.auth.access import CallerDep, Db, SystemDb, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response, next_link
from geo_api.imports.documents import batch_document
from geo_api.imports.schemas import ImportDocument, ImportKind, ImportsPage, ImportState
from layers.batches import newest_batches, read_batch, rows_of_batch, undo_batch
from layers.collections import read_cursor, write_cursor
from layers.tables import Batch

router = APIRouter(prefix="/v1/imports", tags=["imports"])
CURSOR = "imports"


@router.get("", response_model=ImportsPage, dependencies=[needs("read_imports")])
def list_imports(
    request: Request,
    db: Db,
    kind: Annotated[ImportKind | None, Query()] = None,
    state: Annotated[ImportState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(max_length=500, description="From a next link")] = None,
) -> Response:
    """Return imports that the caller may see, newest first."""
    key = request.app.state.signing_key
    before = read_cursor(key, CURSOR, cursor)[0] if cursor is not None else None
    found = newest_batches(db, limit + 1, before_id=before, kind=kind, state=state)
    links = []
    if len(found) > limit:
        further = write_cursor(key, CURSOR, (found[limit - 1].id,))
        links.append(next_link(request, further))
    body = {"imports": [batch_document(batch) for batch in found[:limit]], "links": links}
    return json_response(body, headers={"Cache-Control": PRIVATE})


def visible_import(db: Db, import_id: Annotated[int, Path(ge=1, le=2**31 - 1)]) -> Batch:
    """Return the import of the path, when the caller may see it; 404 else."""
    return read_batch(db, import_id)


VisibleImport = Annotated[Batch, Depends(visible_import)]


@router.get("/{import_id}", response_model=ImportDocument, dependencies=[needs("read_imports")])
def get_import(batch: VisibleImport, db: SystemDb) -> Response:
    """One import, with what stands of it table by table."""
    body = batch_document(batch, rows_of_batch(db, batch))
    return json_response(body, headers={"Cache-Control": PRIVATE})


@router.post("/{import_id}/undo", response_model=ImportDocument, dependencies=[needs("undo_imports")])
def undo_import(batch: VisibleImport, caller: CallerDep, db: SystemDb) -> Response:
    """Take back exactly what an import wrote; 409 names what rests on it, and nothing is changed then."""
    if "proposal" in batch.options:  # an approved duty list
        caller.check("approve_duties")
    scope, now = caller.scope, dt.datetime.now(dt.UTC)
    name_all = scope.city_wide and not scope.domains
    undone = undo_batch(db, batch.id, by=caller.username, now=now, name_all=name_all)
    return json_response(batch_document(undone, rows_of_batch(db, undone)))
