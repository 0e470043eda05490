"""Fixes of vehicles in: batches of services, and single fixes of devices (OsmAnd protocol)."""

from __future__ import annotations

import datetime as dt
import functools
import io
from typing import Annotated, Any, Literal

import anyio.to_thread
from fastapi import APIRouter, Query, Request, Response

from geo_api.auth.access import Caller, needs, row_of_call
from geo_api.http.errors import Problem
from geo_api.http.representations import BINARY, JSON, json_response
from geo_api.http.request_bodies import let_pass, media_type, read_body
from geo_api.tracks.ingest import IngestReport, Terms, ingest, one_fix
from geo_api.tracks.ingest_gate import BatchBytes, IngestGate
from geo_api.tracks.osmand import location_values, osmand_fix
from geo_api.tracks.schemas import BatchReport
from layers.batches import BatchOrigin
from layers.codes import normalise_crs_name
from layers.errors import InputError, UnknownCrs
from layers.imports import FIX_READERS, read_fix_parts

router = APIRouter(prefix="/v1/tracks", tags=["tracks"])
Writer = Annotated[Caller, needs("write_tracks")]
BODY_SECONDS = 60
"""A body that takes longer to arrive would hold its place in the gate for ever."""
DRAIN_SECONDS = 10
FORM = "application/x-www-form-urlencoded"
DEVICE_BYTES = 8_192
"""Size of the body with which a device sends one fix."""


@router.post(
    "",
    response_model=BatchReport,
    openapi_extra={
        "requestBody": {"required": True, "content": {media: {"schema": BINARY} for media in FIX_READERS}}
    },
)
async def post_fixes(
    request: Request,
    caller: Writer,
    crs: Annotated[str | None, Query(description="wgs84|cgcs2000|gcj02|bd09|EPSG:n; no default")] = None,
) -> Response:
    """Return a batch of fixes: good rows are committed before the answer, bad ones told.

    Sent again it changes nothing.
    """
    media = media_type(request)
    if media not in FIX_READERS or request.headers.get("content-encoding", "identity") != "identity":
        raise Problem(
            "unsupported-media-type",
            f"Send one of {', '.join(FIX_READERS)} without Content-Encoding.",
            f"仅支持 {'、'.join(FIX_READERS)}，不得使用 Content-Encoding。",
        )
    if not crs:
        raise UnknownCrs("crs: name it, ?crs=wgs84|cgcs2000|gcj02|bd09|EPSG:n (bulk has no default)")
    terms = terms_of(request, caller, crs)
    gate: IngestGate = request.app.state.ingest_gate
    try:
        with gate.batch() as held:
            body = await _read(request, held)
            report = await _take(gate, lambda: read_fix_parts(io.BytesIO(body), media), terms)
    except Problem:
        await let_pass(request, gate.max_body_bytes, DRAIN_SECONDS)
        raise
    if report.rejected and not (report.accepted or report.duplicate):
        raise Problem("rejected", "Every row was rejected.", "所有行均被拒绝。", extras=report.as_dict())
    return json_response(report.as_dict())


def terms_of(request: Request, caller: Caller, crs: str, source: Literal["api", "device"] = "api") -> Terms:
    """Return the terms of this installation for this caller."""
    settings = request.app.state.settings
    origin = BatchOrigin(
        "tracks", source, caller.username, api_key=caller.key_name, options={"crs": normalise_crs_name(crs)}
    )
    return Terms(
        url=request.app.state.url,
        crs=normalise_crs_name(crs),
        scope=caller.scope,
        max_age_days=settings.ingest_max_age_days,
        timeout_s=settings.statement_timeout_s,
        origin=origin,
        call=row_of_call(request.scope, 200, caller=caller),
    )


async def _take(gate: IngestGate, parts: Any, terms: Terms) -> IngestReport:
    return await anyio.to_thread.run_sync(functools.partial(ingest, parts, terms), limiter=gate.limiter)


async def _read(request: Request, held: BatchBytes) -> bytes:
    """Read the body; what it says of its length is held at once, what it does not say as it arrives."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit():
        held.reserve(int(declared))
    return await read_body(request, BODY_SECONDS, held.reserve)


Text = Annotated[str | None, Query(max_length=200)]


@router.get("/osmand", response_model=BatchReport)
@router.post(
    "/osmand",
    name="post_osmand_fix",
    response_model=BatchReport,
)
async def send_osmand_fix(
    request: Request,
    caller: Writer,
    id: Annotated[str | None, Query(max_length=200, description="Vehicle; also deviceid")] = None,
    deviceid: Text = None,
    lat: Annotated[str | None, Query(max_length=200, description="Degrees, WGS-84")] = None,
    lon: Annotated[str | None, Query(max_length=200, description="Degrees, WGS-84")] = None,
    location: Annotated[str | None, Query(max_length=200, description="lat,lon")] = None,
    timestamp: Annotated[
        str | None, Query(max_length=200, description="Unix seconds or milliseconds, or ISO 8601")
    ] = None,
    speed: Annotated[
        str | None, Query(max_length=200, description="Knots, unless speed_unit says else")
    ] = None,
    speed_unit: Annotated[str | None, Query(max_length=3, description="kn, ms or kmh; default kn")] = None,
    bearing: Annotated[str | None, Query(max_length=200, description="Degrees; also heading")] = None,
    heading: Text = None,
    valid: Text = None,
    key: Annotated[
        str | None, Query(max_length=200, description="API key, for devices that send no header")
    ] = None,
) -> Response:
    """One fix of a device by the OsmAnd protocol; needs an API key. A fix that is rejected is told with 200.

    A client that gets an error sends the same fix for ever, so only a request that cannot be understood is
    one. Parameters that nobody here reads (``sat``, ``ignition``, ``alarm`` …) are passed over.
    """
    if not caller.by_key:
        raise Problem("login-required", "Send an API key: ?key=wk_… or a Bearer header.", "请提供 API 密钥。")
    sent = {k: v for k, v in request.query_params.items() if v}
    try:
        values = sent | await _sent_values(request)
        fix = osmand_fix(values, dt.datetime.now(dt.UTC))
    except InputError as error:
        raise Problem("invalid-parameter", str(error)) from error
    if values.get("valid", "true").lower() in ("false", "0"):
        refused = {"row": 1, "field": "valid", "reason": "the device says that it is not valid"}
        return json_response(IngestReport(rejected=1).as_dict() | {"reasons": [refused]})
    gate: IngestGate = request.app.state.ingest_gate
    with gate.batch():
        report = await _take(gate, one_fix(fix), terms_of(request, caller, "wgs84", "device"))
    return json_response(report.as_dict())


async def _sent_values(request: Request) -> dict[str, str]:
    """Parameters of the body of a POST: a form, or the JSON of clients that send a location object."""
    media = media_type(request)
    if media not in (FORM, JSON):
        return {}
    declared = request.headers.get("content-length", "")
    if not declared.isdigit() or int(declared) > DEVICE_BYTES:
        raise Problem(
            "too-large",
            f"One fix may have {DEVICE_BYTES:,} bytes, with a Content-Length.",
            f"单个定位点不得超过 {DEVICE_BYTES:,} 字节，并须给出 Content-Length。",
        )
    if media == JSON:
        return location_values(await request.body())
    return {name: str(value) for name, value in (await request.form()).items()}
