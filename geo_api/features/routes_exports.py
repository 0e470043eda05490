"""Whole collections as files, streamed in the caller's scope."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from geo_api.auth.access import CallerDep
from geo_api.features.exports import FORMATS, export_response
from geo_api.features.parameters import CollectionDep, SelectionDep
from geo_api.http.errors import Problem
from geo_api.http.representations import BINARY
from layers.exports import ExportSource
from layers.local_time import local_zone

router = APIRouter(tags=["exports"])
Format = Literal["csv", "geojsonseq", "fgb", "parquet", "gpkg", "xlsx", "pmtiles"]


@router.get(
    "/collections/{collection_id}/export",
    response_class=Response,
    responses={200: {"content": {made.media_type: {"schema": BINARY} for made in FORMATS.values()}}},
)
async def export_collection(
    request: Request,
    found: CollectionDep,
    selection: SelectionDep,
    caller: CallerDep,
    f: Annotated[Format, Query(description="File format")],
    codes: Annotated[
        Literal["plain", "text"],
        Query(description="csv: `text` keeps codes of digits as texts in a spreadsheet"),
    ] = "plain",
    times: Annotated[
        Literal["utc", "local"], Query(description="csv, xlsx: `local` is the city's time, without offset")
    ] = "utc",
) -> Response:
    """Every feature that the same filters give as items, as one file.

    An export that fails ends without its end.
    """
    if (codes == "text" and f != "csv") or (times == "local" and f not in ("csv", "xlsx")):
        raise Problem(
            "invalid-parameter",
            "codes is for f=csv, times for f=csv and f=xlsx.",
            "codes 仅用于 f=csv，times 仅用于 f=csv 与 f=xlsx。",
        )
    source = ExportSource(
        url=request.app.state.url,
        scope=caller.scope,
        collection=found,
        selection=selection,
        timeout_s=request.app.state.settings.export_timeout_s,
        codes_as_text=codes == "text",
        zone=local_zone() if times == "local" else None,
    )
    filename = f"{found.id}-{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}.{f}"
    head = bool(getattr(request.state, "head", False))
    return await export_response(request, source, f, filename, head=head)
