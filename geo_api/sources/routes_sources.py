"""Sources: the health of each, deliveries that are held, released or refused, and the lineage of figures.

The database shows them to dispatchers and supervisors of the whole city.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import HTMLResponse

from geo_api.auth.access import CallerDep, Db, SystemDb, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response, next_link
from geo_api.http.request_bodies import JsonRoute
from geo_api.sources.configured import SourcesSetup, sources_setup
from geo_api.sources.delivery_reports import report_csv, report_html
from geo_api.sources.documents import delivery_document, health_document, lineage_document
from geo_api.sources.health import health_of, health_of_source
from geo_api.sources.lineage import lineage_of_batch, lineage_of_row, read_key
from geo_api.sources.schemas import (
    LineageDocument,
    RefusalBody,
    ReleaseBody,
    SourceDeliveriesPage,
    SourceDeliveryReport,
    SourceDeliveryState,
    SourceHealthDocument,
    SourcesList,
)
from layers.batches import read_batch
from layers.collections import read_cursor, write_cursor
from layers.deliveries import decide, deliveries_of, origins_of_alert, read_delivery
from layers.records import alerts

router = APIRouter(prefix="/v1", tags=["sources"], route_class=JsonRoute)
READ, DECIDE = needs("read_sources"), needs("decide_deliveries")
CURSOR = "deliveries"
KEPT = {"Cache-Control": PRIVATE}
DeliveryId = Annotated[int, Path(ge=1, le=2**31 - 1)]


def _setup(request: Request) -> SourcesSetup:
    return sources_setup(request.app.state.settings, request.app.state.url)


@router.get("/sources", response_model=SourcesList, dependencies=[READ])
def list_sources(request: Request, db: Db) -> Response:
    """Return every source of the city with its health."""
    setup = _setup(request)
    body = {"at": setup.clock(), "sources": [health_document(one) for one in health_of(db, setup)]}
    return json_response(body, headers=KEPT)


@router.get("/sources/{name}", response_model=SourceHealthDocument, dependencies=[READ])
def get_source(name: Annotated[str, Path(max_length=80)], request: Request, db: Db) -> Response:
    """Return one source with its health."""
    setup = _setup(request)
    return json_response(health_document(health_of_source(db, setup, setup.source(name))), headers=KEPT)


@router.get("/deliveries", response_model=SourceDeliveriesPage, dependencies=[READ])
def list_deliveries_of_sources(
    request: Request,
    db: Db,
    source: Annotated[str | None, Query(max_length=80)] = None,
    state: Annotated[SourceDeliveryState | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Annotated[str | None, Query(max_length=500, description="From a next link")] = None,
) -> Response:
    """Return what sources delivered, newest first; `state=quarantined`: what is held."""
    key = request.app.state.signing_key
    before = read_cursor(key, CURSOR, cursor)[0] if cursor is not None else None
    found = deliveries_of(db, limit + 1, source=source, state=state, before_id=before)
    links = []
    if len(found) > limit:
        further = write_cursor(key, CURSOR, (found[limit - 1].id,))
        links.append(next_link(request, further))
    body = {"deliveries": [delivery_document(one) for one in found[:limit]], "links": links}
    return json_response(body, headers=KEPT)


@router.get("/deliveries/{delivery_id}", response_model=SourceDeliveryReport, dependencies=[READ])
def get_delivery(delivery_id: DeliveryId, db: Db) -> Response:
    """Return one delivery with what its contract says of it, row by row."""
    return json_response(delivery_document(read_delivery(db, delivery_id), whole=True), headers=KEPT)


@router.get(
    "/deliveries/{delivery_id}/report",
    response_class=HTMLResponse,
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
    dependencies=[READ],
)
def get_delivery_report(
    delivery_id: DeliveryId, db: Db, f: Annotated[Literal["html", "csv"], Query()] = "html"
) -> Response:
    """Return the report for the department: row, field and reason, in Chinese and English."""
    delivery = read_delivery(db, delivery_id)
    if f == "html":
        return HTMLResponse(report_html(delivery), headers=KEPT)
    headers = KEPT | {"Content-Disposition": f'attachment; filename="delivery-{delivery_id}.csv"'}
    return Response(report_csv(delivery), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/deliveries/{delivery_id}/release", response_model=SourceDeliveryReport, dependencies=[DECIDE])
def release_delivery(
    delivery_id: DeliveryId, body: ReleaseBody, request: Request, caller: CallerDep, seen: Db, db: SystemDb
) -> Response:
    """Release a delivery that is held: the worker imports it within a minute."""
    _setup(request).source(read_delivery(seen, delivery_id).source)
    now = dt.datetime.now(dt.UTC)
    decided = decide(db, delivery_id, "released", caller.username, body.reason, now, skip_bad=body.skip_bad)
    return json_response(delivery_document(decided, whole=True))


@router.post("/deliveries/{delivery_id}/refuse", response_model=SourceDeliveryReport, dependencies=[DECIDE])
def refuse_delivery(
    delivery_id: DeliveryId, body: RefusalBody, caller: CallerDep, seen: Db, db: SystemDb
) -> Response:
    """Refuse a delivery that is held; nothing of it is imported."""
    read_delivery(seen, delivery_id)
    decided = decide(db, delivery_id, "refused", caller.username, body.reason, dt.datetime.now(dt.UTC))
    return json_response(delivery_document(decided, whole=True))


@router.get("/lineage/alerts/{alert_id}", response_model=LineageDocument, dependencies=[READ])
def get_lineage_of_alert(alert_id: Annotated[int, Path(ge=1, lt=2**63)], db: Db) -> Response:
    """Return the imports and deliveries of the rows behind an alert."""
    alerts.read_alert(db, alert_id)
    return json_response({"origins": lineage_document(db, origins_of_alert(db, alert_id))}, headers=KEPT)


@router.get("/lineage/imports/{import_id}", response_model=LineageDocument, dependencies=[READ])
def get_lineage_of_import(import_id: DeliveryId, seen: Db, db: SystemDb) -> Response:
    """Return the delivery and the run of an import."""
    batch = read_batch(seen, import_id)
    return json_response({"origins": lineage_of_batch(db, batch)}, headers=KEPT)


@router.get("/lineage/rows/{table}", response_model=LineageDocument, dependencies=[READ])
def get_lineage_of_row(
    table: Annotated[str, Path(max_length=40)],
    key: Annotated[list[str], Query(max_length=8, description="column:value, once for each column")],
    request: Request,
    db: Db,
) -> Response:
    """Return the import, the delivery, the run and the row of the file of a stored row."""
    origins = lineage_of_row(db, _setup(request), table, read_key(key))
    return json_response({"origins": origins}, headers=KEPT)
