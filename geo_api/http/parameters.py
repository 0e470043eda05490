"""Parameters that many paths share, and a refusal of names that a path does not know."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import Depends, Query, Request

from geo_api.http.errors import Problem
from geo_api.http.settings import Settings
from layers.collections import MAX_LIMIT, parse_moment
from layers.collections.catalog import collection

DYNAMIC_PATHS = (
    "/collections/{collection_id}/items",
    "/collections/{collection_id}/export",
    "/collections/{collection_id}/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}",
)
"""Paths on which the collection's own property filters are parameters too."""


async def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the path does not declare: a misspelt filter must not answer with all rows."""
    path = request.scope["route"].path
    known = _declared(request).get((path, "get" if request.method == "HEAD" else request.method.lower()))
    if known is None:
        return
    if path in DYNAMIC_PATHS:
        known = known | set(collection(request.path_params["collection_id"]).filterable)
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise Problem(
            "unknown-parameter",
            f"{', '.join(unknown)}: this path knows {', '.join(sorted(known)) or 'no parameter'}.",
            f"未知参数：{'、'.join(unknown)}。",
        )


def _declared(request: Request) -> dict[tuple[str, str], set[str]]:
    state = request.app.state
    if not hasattr(state, "declared_parameters"):
        state.declared_parameters = {
            (path, method): {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
            for path, operations in request.app.openapi()["paths"].items()
            for method, operation in operations.items()
        }
    found: dict[tuple[str, str], set[str]] = state.declared_parameters
    return found


async def limit_parameter(
    limit: Annotated[
        int, Query(ge=1, description=f"Features a page; more than {MAX_LIMIT} is read as {MAX_LIMIT}")
    ] = 100,
) -> int:
    """``limit``; OGC API Features has too large a limit lowered, not refused."""
    return min(limit, MAX_LIMIT)


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


SettingsDep = Annotated[Settings, Depends(_settings)]
"""Settings of the application that answers."""


def moment_parameter(name: str, text: str | None) -> dt.datetime | None:
    """A time of a query parameter with that name."""
    return None if text is None else parse_moment(text, name)
