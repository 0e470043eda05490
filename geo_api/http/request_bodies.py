"""Bodies of requests while they arrive: read within a time, or let pass by when they are refused."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from geo_api.http.errors import Problem


class ReadRequest(Request):
    """A request whose JSON was read before (``geo_api.server.request_limits``)."""

    async def json(self) -> Any:
        """Return the JSON of the body."""
        return self.state.json if hasattr(self.state, "json") else await super().json()


class JsonRoute(APIRoute):
    """A route that does not read JSON a second time."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route, given a :class:`ReadRequest`."""
        handle = super().get_route_handler()

        async def handle_read(request: Request) -> Response:
            return await handle(ReadRequest(request.scope, request.receive))

        return handle_read


def media_type(request: Request) -> str:
    """Return the media type of the body in lower case, without parameters; empty when it is not said."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, max_s: float, arrived: Callable[[int], None]) -> bytes:
    """Return the whole body, if it arrives in time.

    Parameters
    ----------
    max_s : float
        Time until the body has arrived.
    arrived : callable
        Told the bytes so far after each block; it refuses by raising.

    Raises
    ------
    Problem
        The time is over.
    """
    blocks: list[bytes] = []
    size = 0
    with anyio.move_on_after(max_s) as in_time:
        async for block in request.stream():
            size += len(block)
            arrived(size)
            blocks.append(block)
    if in_time.cancelled_caught:
        raise Problem(
            "too-slow-body",
            f"The body took more than {max_s:g} s.",
            f"请求体超过 {max_s:g} 秒未传完。",
        )
    return b"".join(blocks)


async def let_pass(request: Request, max_bytes: int, max_s: float) -> None:
    """Let the rest of a refused body pass by.

    A client that still sends would see a broken connection, not the answer.

    Nothing is kept. A client that asked first (``Expect: 100-continue``) does not send it at all.
    """
    if request.headers.get("expect", "").lower() == "100-continue":
        return
    passed = 0
    with anyio.move_on_after(max_s), contextlib.suppress(ClientDisconnect, RuntimeError):
        async for block in request.stream():  # RuntimeError: it has been read to its end
            passed += len(block)
            if passed > max_bytes:
                return
