"""The stream of changes."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from geo_api.access import caller_of
from geo_api.events import stream

router = APIRouter(prefix="/v1", tags=["events"])


@router.get("/events", response_class=StreamingResponse)
async def events(request: Request) -> StreamingResponse:
    """Server-sent events: ``event: change``, ``data: {"layer": "areas"}``; a comment every 15 s."""

    async def logged_in() -> bool:
        return (await run_in_threadpool(caller_of, request)).logged_in

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        stream(request.app.state.feed, logged_in), media_type="text/event-stream", headers=headers
    )
