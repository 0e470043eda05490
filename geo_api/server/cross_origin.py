"""CORS by configuration: pages of named origins may call, and nobody else's."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from geo_api.http.errors import unforeseen
from geo_api.http.settings import Settings

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
SENT = (
    "Authorization",
    "Content-Type",
    "Content-Crs",
    "If-Match",
    "If-None-Match",
    "X-CSRF-Token",
    "X-Request-Id",
)
SHOWN = (
    "Content-Crs",
    "ETag",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-Features-Aggregated",
    "X-Features-Matched",
    "X-Features-Shown",
    "X-Features-Truncated",
    "X-Request-Id",
)


class NamedOrigins(CORSMiddleware):
    """CORS that tells origins which are not named nothing at all, and that named ones can read every answer.

    Every answer varies by origin, also one to nobody's page: a shared cache would else hand it to a named
    one. An error that nobody foresaw is answered here, for outside of here its number could not be read.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        origin = Headers(scope=scope).get("origin")
        if origin is not None and self.is_allowed_origin(origin):
            await super().__call__(scope, receive, send)
            return

        async def varied(message: Message) -> None:
            if message["type"] == "http.response.start" and not self.allow_all_origins:
                MutableHeaders(scope=message).add_vary_header("Origin")
            await send(message)

        await self.app(scope, receive, varied)

    async def simple_response(
        self, scope: Scope, receive: Receive, send: Send, request_headers: Headers
    ) -> None:
        """Answer a named origin, errors included."""
        started = False

        async def seen(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await self.send(message, send=send, request_headers=request_headers)

        try:
            await self.app(scope, receive, seen)
        except Exception as error:
            if started:
                raise
            await unforeseen(Request(scope), error)(scope, receive, seen)


def allow_origins(app: FastAPI, settings: Settings) -> None:
    """Add CORS for the origins of ``WANGGE_CORS_ORIGINS``; ``*`` never goes with cookies.

    Raises
    ------
    ValueError
        ``*`` beside named origins, or something that is no origin.
    """
    named = settings.allowed_origins()
    everybody = "*" in (part.strip() for part in settings.cors_origins.split(","))
    if not named and not everybody:
        return
    if named and everybody:
        raise ValueError("WANGGE_CORS_ORIGINS: * or names, not both")
    for origin in named:
        scheme, _, rest = origin.partition("://")
        if scheme not in ("http", "https") or not rest or "/" in rest or "*" in rest:
            raise ValueError(f"WANGGE_CORS_ORIGINS: {origin!r} is not scheme://host[:port]")
    app.add_middleware(
        NamedOrigins,
        allow_origins=["*"] if everybody else sorted(named),
        allow_credentials=not everybody,
        allow_methods=METHODS,
        allow_headers=SENT,
        expose_headers=SHOWN,
        max_age=600,
    )
