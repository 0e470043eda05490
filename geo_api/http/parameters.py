"""Parameters that many paths share, and a refusal of names that a path does not know."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any, get_args

from fastapi import Depends, Query, Request, params
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from geo_api.http.errors import Problem
from geo_api.http.settings import Settings
from layers.collections import MAX_LIMIT, parse_moment, plain_integer, plain_number
from layers.collections.catalog import collection

DYNAMIC_PATHS = (
    "/collections/{collection_id}/items",
    "/collections/{collection_id}/export",
    "/collections/{collection_id}/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}",
)
"""Paths on which the collection's own property filters are parameters too."""
ITEMS = "/collections/{collection_id}/items"
EDITS = {"POST", "PUT", "PATCH", "DELETE"}
FREE_PATHS = ("/v1/tracks/osmand",)
"""Paths on which devices send parameters of their own, which nobody here reads."""


async def known_parameters(request: Request) -> None:
    """Refuse a query parameter that the path does not declare.

    A misspelt filter must not answer with all rows.

    Numbers must be written plainly: the validation would read ``1_0`` as 10.
    """
    route = request.scope["route"]
    if request.method in EDITS and route.path.startswith(ITEMS):
        if not collection(request.path_params["collection_id"]).editable:
            return  # the route answers 405, whatever the parameters
    if route.path in FREE_PATHS:
        return
    _check_numbers(request, route)
    for name, sent in (*request.path_params.items(), *request.query_params.multi_items()):
        if "\0" in f"{name}{sent}":
            name = name.replace("\0", "")
            raise Problem("invalid-parameter", f"{name}: it has a zero byte", f"{name}：含有空字符（U+0000）")
    known = _declared(route)
    if route.path in DYNAMIC_PATHS:
        known = known | set(collection(request.path_params["collection_id"]).filterable)
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        raise Problem(
            "unknown-parameter",
            f"{', '.join(unknown)}: this path knows {', '.join(sorted(known)) or 'no parameter'}.",
            f"未知参数：{'、'.join(unknown)}。",
        )


def _check_numbers(request: Request, route: APIRoute) -> None:
    for name, (read, in_path) in _numbers(route).items():
        sent = [request.path_params[name]] if in_path else request.query_params.getlist(name)
        for text in sent:
            try:
                read(str(text))
            except ValueError as error:
                raise Problem(
                    "invalid-parameter", f"{name}: {error}", f"{name}：不是有效的数值 {str(text)[:50]!r}"
                ) from error


_numbers_by: dict[Callable[..., Any], dict[str, tuple[Callable[[str], object], bool]]] = {}


def _numbers(route: APIRoute) -> dict[str, tuple[Callable[[str], object], bool]]:
    """Reader of each parameter of a route that is a number, and whether it stands in the path."""
    found = _numbers_by.get(route.endpoint)
    if found is None:
        found = {}
        for field in get_flat_params(route.dependant):
            info, kinds = field.field_info, _kinds(field.field_info.annotation)
            if isinstance(info, params.Query | params.Path) and kinds & {int, float}:
                read = plain_number if float in kinds else plain_integer
                found[field.alias] = (read, isinstance(info, params.Path))
        _numbers_by[route.endpoint] = found
    return found


def _kinds(annotation: Any) -> set[Any]:
    """Return the types of a union, or the one type."""
    return set(get_args(annotation)) or {annotation}


_declared_by: dict[Callable[..., Any], frozenset[str]] = {}


def _declared(route: APIRoute) -> frozenset[str]:
    """Names of the query parameters of a route and of all that it depends on."""
    found = _declared_by.get(route.endpoint)
    if found is None:
        fields = get_flat_params(route.dependant)
        found = frozenset(field.alias for field in fields if isinstance(field.field_info, params.Query))
        _declared_by[route.endpoint] = found
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
    """Return a time of a query parameter with that name."""
    return None if text is None else parse_moment(text, name)
