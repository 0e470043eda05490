"""Query and path parameters: one parser each, and a refusal of names that a path does not know."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query, Request

from geo_api.access import CallerDep
from geo_api.errors import Problem
from layers.catalog import Collection, collection
from layers.features import MAX_LIMIT, Sort, read_cursor
from layers.filters import Box, Interval, Selection, parse_bbox, parse_interval, parse_moment

PAGE_PARAMETERS = ("limit", "offset", "cursor", "bbox", "datetime", "at", "sortby", "count", "f")
DYNAMIC_PATHS = (
    "/collections/{collection_id}/items",
    "/collections/{collection_id}/export",
    "/collections/{collection_id}/tiles/WebMercatorQuad/{tile_matrix}/{tile_row}/{tile_col}",
)
"""Paths on which the collection's own property filters are parameters too."""


def known_parameters(request: Request) -> None:
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


CollectionId = Annotated[str, Path(description="areas, sites, alerts, cases, stays, visits, hot_spots")]


def published_collection(collection_id: CollectionId, caller: CallerDep) -> Collection:
    """The collection of the path; those with rows of an area need a login."""
    found = collection(collection_id)
    if found.login:
        caller.check_login()
    return found


CollectionDep = Annotated[Collection, Depends(published_collection)]


def bbox_parameter(
    bbox: Annotated[
        str | None, Query(description="west,south,east,north in degrees, longitude first")
    ] = None,
) -> Box | None:
    """``bbox``."""
    return None if bbox is None else parse_bbox(bbox)


def datetime_parameter(
    datetime: Annotated[str | None, Query(description="RFC 3339 time or start/end; .. is open")] = None,
) -> Interval | None:
    """``datetime``."""
    return None if datetime is None else parse_interval(datetime)


def at_parameter(
    at: Annotated[str | None, Query(description="As of this time (areas); default now")] = None,
) -> dt.datetime | None:
    """``at``."""
    return None if at is None else parse_moment(at)


def limit_parameter(
    limit: Annotated[
        int, Query(ge=1, description=f"Features a page; more than {MAX_LIMIT} is read as {MAX_LIMIT}")
    ] = 100,
) -> int:
    """``limit``; OGC API Features has too large a limit lowered, not refused."""
    return min(limit, MAX_LIMIT)


def offset_parameter(
    offset: Annotated[
        int, Query(ge=0, le=10_000_000, description="Features to pass over; prefer the next link")
    ] = 0,
) -> int:
    """``offset``."""
    return offset


def sort_parameter(
    sortby: Annotated[str | None, Query(description="A sortable property; -name sorts downwards")] = None,
) -> Sort | None:
    """``sortby``."""
    if not sortby:
        return None
    return Sort(sortby.lstrip("+-"), sortby.startswith("-"))


def _filters(request: Request, found: Collection) -> dict[str, list[str]]:
    """Property filters of the path's collection: ``level=high,warning`` are alternatives."""
    return {
        name: [part for text in request.query_params.getlist(name) for part in text.split(",")]
        for name in found.filterable
        if name in request.query_params
    }


def selection_parameters(
    request: Request,
    found: CollectionDep,
    bbox: Annotated[Box | None, Depends(bbox_parameter)],
    interval: Annotated[Interval | None, Depends(datetime_parameter)],
    at: Annotated[dt.datetime | None, Depends(at_parameter)],
) -> Selection:
    """Everything that chooses features."""
    return Selection(bbox, interval, at, _filters(request, found))


SelectionDep = Annotated[Selection, Depends(selection_parameters)]


def tile_selection(
    request: Request, found: CollectionDep, at: Annotated[dt.datetime | None, Depends(at_parameter)]
) -> Selection:
    """What chooses the features of a tile: property filters and the moment."""
    return Selection(at=at, values=_filters(request, found))


TileSelectionDep = Annotated[Selection, Depends(tile_selection)]


@dataclass(frozen=True)
class Paging:
    """Which page is asked for."""

    limit: int
    offset: int
    sort: Sort | None
    after: tuple[Any, ...] | None
    counted: bool

    @property
    def context(self) -> str:
        """What a cursor is signed for, beside its position and collection."""
        return "" if self.sort is None else f"{'-' if self.sort.descending else ''}{self.sort.name}"


def paging_parameters(
    request: Request,
    found: CollectionDep,
    limit: Annotated[int, Depends(limit_parameter)],
    offset: Annotated[int, Depends(offset_parameter)],
    sort: Annotated[Sort | None, Depends(sort_parameter)],
    cursor: Annotated[str | None, Query(description="From a next link")] = None,
    count: Annotated[Literal["none", "exact"], Query(description="exact adds numberMatched")] = "none",
) -> Paging:
    """Limit, order, and where the page starts."""
    paging = Paging(limit, offset, sort, None, count == "exact")
    if cursor is None:
        return paging
    after = read_cursor(request.app.state.signing_key, f"{found.id}|{paging.context}", cursor)
    return Paging(limit, offset, sort, after, paging.counted)


PagingDep = Annotated[Paging, Depends(paging_parameters)]


def moment_parameter(name: str, text: str | None) -> dt.datetime | None:
    """A time of a query parameter with that name."""
    return None if text is None else parse_moment(text, name)
