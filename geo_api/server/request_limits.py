"""Limits of a request before its body is parsed: caller first, then size, time and form of the body."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geo_api.auth.access import SAFE_METHODS, current_caller
from geo_api.http.errors import Problem, known_problem
from geo_api.http.json_text import UnfitJson, read_json
from geo_api.http.refused_values import UnfitText, unfit_text_in
from geo_api.http.request_bodies import let_pass, media_type, read_body
from geo_api.server.connection_limits import MAX_HEAD_BYTES
from layers.attachments import MAX_BYTES

KIB = 1024
PASSED_BYTES = 1024 * KIB
"""Of a refused body so much is let pass by, so that a client that still sends reads the answer."""
PASSED_SECONDS = 1.0
OFF_LOOP_BYTES = 64 * KIB
"""Larger JSON is read in a thread, and once: routes get what was read (``JsonRoute``)."""


@dataclass(frozen=True)
class BodyLimit:
    """The limit of a body.

    Attributes
    ----------
    max_bytes : int
        Larger bodies are refused with 413.
    max_s : float
        Time until the body has arrived.
    needs_login : bool
        Nobody else may send a body.
    knows_caller : bool
        Who calls is found out before the body is read.
    """

    max_bytes: int
    max_s: float = 30.0
    needs_login: bool = True
    knows_caller: bool = True


BODY_LIMITS: tuple[tuple[str, BodyLimit], ...] = (
    ("/v1/login", BodyLimit(8 * KIB, needs_login=False, knows_caller=False)),
    ("/v1/account", BodyLimit(8 * KIB, needs_login=False)),  # who must set up a second factor is nobody yet
    ("/v1/logout", BodyLimit(1 * KIB, needs_login=False)),
    ("/open311/", BodyLimit(64 * KIB, needs_login=False)),
    ("/v1/reports", BodyLimit(32 * KIB, needs_login=False)),
    ("/v1/assign/bulk", BodyLimit(2048 * KIB, needs_login=False)),
    ("/v1/assign", BodyLimit(1024 * KIB, needs_login=False)),
    ("/v1/change-sets", BodyLimit(8192 * KIB, max_s=60.0)),
    ("/v1/guide-layers", BodyLimit(16_384 * KIB, max_s=90.0)),
    ("/v1/duty-proposals", BodyLimit(8192 * KIB, max_s=60.0)),
    ("/collections/", BodyLimit(1024 * KIB, max_s=60.0)),
)
"""By the start of the path; the first that fits counts."""
OTHER_BODIES = BodyLimit(64 * KIB)
ATTACHED_FILE = BodyLimit(MAX_BYTES, max_s=90.0)
_ATTACHING = re.compile(r"/v1/cases/[^/]+/attachments")
STREAMED = "/v1/tracks"
"""Bodies under this path are read as they arrive, within limits of their own (``geo_api.tracks.ingest_gate``)."""


def body_limit(path: str) -> BodyLimit:
    """Return the limit of a body under a path.

    Examples
    --------
    >>> body_limit("/v1/login").max_bytes, body_limit("/v1/cases/7/events").max_bytes
    (8192, 65536)
    """
    if _ATTACHING.fullmatch(path):
        return ATTACHED_FILE
    return next((limit for start, limit in BODY_LIMITS if path.startswith(start)), OTHER_BODIES)


class RequestLimits:
    """Refuses what no route should see: heads and bodies that are too large, too slow, or sent by nobody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        if _head_bytes(scope) > MAX_HEAD_BYTES:
            await refuse(request, _too_large_head(), send)
            return
        if not _has_body(scope) or scope["path"].startswith(STREAMED):
            await self._app(scope, receive, send)
            return
        try:
            body = await _checked_body(request)
        except Exception as error:
            await refuse(request, error, send)
            return
        await self._app(scope, _replayed(body, receive), send)


def _head_bytes(scope: Scope) -> int:
    named = sum(len(name) + len(value) for name, value in scope["headers"])
    return named + len(scope.get("raw_path") or b"") + len(scope["query_string"])


def _has_body(scope: Scope) -> bool:
    """Return whether a request has a body that a route would read."""
    if scope["method"] in SAFE_METHODS:
        return False
    for name, value in scope["headers"]:
        if name == b"transfer-encoding" or (name == b"content-length" and value != b"0"):
            return True
    return False


async def _checked_body(request: Request) -> bytes:
    """Return the whole body, of a caller who may send it.

    Raises
    ------
    Problem
    """
    limit = body_limit(request.scope["path"])
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit.max_bytes:
        raise _too_large_body(limit)
    if limit.knows_caller:
        caller = await current_caller(request)
        if limit.needs_login:
            caller.check_login()

    def arrived(size: int) -> None:
        if size > limit.max_bytes:
            raise _too_large_body(limit)

    body = await read_body(request, limit.max_s, arrived)
    if _is_json(media_type(request)):
        try:
            large = len(body) > OFF_LOOP_BYTES
            request.state.json = await run_in_threadpool(read_json, body) if large else read_json(body)
        except UnfitJson as fault:
            raise Problem(
                "bad-request", f"body: {fault.message_en}", f"请求体：{fault.message_zh}"
            ) from fault
        if (unfit := unfit_text_in(body, request.state.json)) is not None:
            raise _unfit_text(unfit)
    return body


def _is_json(media: str) -> bool:
    return media == "application/json" or media.endswith("+json")


def _unfit_text(found: UnfitText) -> Problem:
    fault = {"in": "body", "field": found.field, "reason": found.en, "reason_zh": found.zh}
    return Problem(
        "invalid-body",
        f"{found.field or 'body'}: {found.en}",
        f"{found.field or '请求体'}：{found.zh}",
        extras={"faults": [fault], "faults_found": 1},
    )


def _too_large_body(limit: BodyLimit) -> Problem:
    return Problem(
        "too-large",
        f"A body may have {limit.max_bytes:,} bytes here.",
        f"此处请求体不得超过 {limit.max_bytes:,} 字节。",
    )


def _too_large_head() -> Problem:
    return Problem(
        "head-too-large",
        f"Address and headers may have {MAX_HEAD_BYTES:,} bytes together.",
        f"地址和请求头合计不得超过 {MAX_HEAD_BYTES:,} 字节。",
    )


async def refuse(request: Request, error: Exception, send: Send) -> None:
    """Answer with the problem and close the connection; a little of what still comes is let pass by."""
    response = known_problem(request, error)
    if response is None:
        raise error
    response.headers["Connection"] = "close"
    await let_pass(request, PASSED_BYTES, PASSED_SECONDS)
    await response(request.scope, request.receive, send)


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives a body that was read, and afterwards what comes from the client."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
