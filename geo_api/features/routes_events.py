"""The stream of changes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from geo_api.auth.access import CallerDep
from geo_api.auth.caller_lookup import caller_of, known_caller
from geo_api.auth.callers import Caller
from geo_api.features.change_feed import stream

router = APIRouter(tags=["events"])


class EventStream(StreamingResponse):
    """Names the media type in the description of the API."""

    media_type = "text/event-stream"


@router.get("/v1/events", response_class=EventStream)
@router.get("/events", response_class=EventStream, include_in_schema=False)
async def stream_events(
    request: Request,
    first_caller: CallerDep,  # a key that proves nothing is refused
    last_event_id: Annotated[
        str | None, Header(max_length=40, description="Sent by a browser that comes back")
    ] = None,
    after: Annotated[
        str | None, Query(max_length=40, description="The same, for clients that cannot set a header")
    ] = None,
) -> StreamingResponse:
    """Server-sent events: `event: change`, `data: {"layer", "change", "zoom", "cells", "bbox"}`, a comment every 15 s.

    `cells` are column and row of the touched tiles of zoom 12, `null` when the whole layer may have changed.
    Only changes of rows that the caller may see are told. With `Last-Event-ID` what was missed comes first.
    """
    request.app.state.feed.check_room()

    async def caller() -> Caller:
        known = known_caller(request.scope)
        return await run_in_threadpool(caller_of, request) if known is None else known

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventStream(stream(request.app.state.feed, caller, last_event_id or after), headers=headers)
