"""CORS by configuration: pages of named origins may call, and nobody else's."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from geo_api.settings import Settings

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
        CORSMiddleware,
        allow_origins=["*"] if everybody else sorted(named),
        allow_credentials=not everybody,
        allow_methods=METHODS,
        allow_headers=SENT,
        expose_headers=SHOWN,
        max_age=600,
    )
