"""Strict-Transport-Security for whoever came by https: the browser then never asks by http again."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

YEAR_S = 31_536_000


class TransportSecurity:
    """Adds the header to every answer over https, which a trusted proxy may have ended (``X-Forwarded-Proto``)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope.get("scheme") != "https":
            await self._app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_S}")
            await send(message)

        await self._app(scope, receive, secured)
