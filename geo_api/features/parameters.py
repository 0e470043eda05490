"""Query and path parameters of collections, one parser each.

The parsers are coroutines: a plain function would cost a change of threads each.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool

from geo_api.auth.access import Caller, CallerDep
from geo_api.http.parameters import limit_parameter
from layers.codes import CRS84, ReferenceSystem, box_outline, reference_system
from layers.collections import (
    COLLECTIONS,
    Box,
    Collection,
    Filter,
    Interval,
    Language,
    Selection,
    Sort,
    parse_bbox,
    parse_box_numbers,
    parse_filter,
    parse_interval,
    parse_moment,
    read_cursor,
)
from layers.collections.catalog import collection

CollectionId = Annotated[
    str, Path(description="Name of a collection", json_schema_extra={"enum": list(COLLECTIONS)})
]


async def published_collection(collection_id: CollectionId, caller: CallerDep) -> Collection:
    """Return the collection of the path; those with rows of an area need a login."""
    found = collection(collection_id)
    if found.login:
        caller.check_login()
    if found.permission:
        caller.check(found.permission)
    return found


def may_read(caller: Caller, found: Collection) -> bool:
    """Return whether the caller may read a collection at all; the database decides on its rows."""
    if found.permission:
        return caller.logged_in and caller.may(found.permission)
    return caller.logged_in or not found.login


CollectionDep = Annotated[Collection, Depends(published_collection)]


async def bbox_parameter(
    bbox: Annotated[
        str | None,
        Query(
            description="Least and greatest coordinates in the axis order of bbox-crs: west,south,east,north",
            examples=["104.5,34.8,105.2,35.3"],
        ),
    ] = None,
    bbox_crs: Annotated[str, Query(alias="bbox-crs", description="CRS of bbox")] = CRS84.uri,
) -> tuple[Box | None, bytes | None]:
    """``bbox`` as a box in degrees, or as an outline when ``bbox-crs`` is no plain longitude and latitude."""
    system = reference_system(bbox_crs, "bbox-crs")
    if bbox is None:
        return None, None
    if not system.matches_storage:
        return None, box_outline(parse_box_numbers(bbox), system)
    if not system.north_first:
        return parse_bbox(bbox), None
    south, west, north, east = parse_box_numbers(bbox)
    return parse_bbox(f"{west},{south},{east},{north}"), None


async def crs_parameter(
    crs: Annotated[
        str, Query(description="CRS of the coordinates: a URI of the collection's crs, gcj02 or bd09")
    ] = CRS84.uri,
) -> ReferenceSystem:
    """``crs``."""
    return reference_system(crs)


CrsDep = Annotated[ReferenceSystem, Depends(crs_parameter)]


async def datetime_parameter(
    datetime: Annotated[str | None, Query(description="RFC 3339 time or start/end; .. is open")] = None,
) -> Interval | None:
    """``datetime``."""
    return None if datetime is None else parse_interval(datetime)


async def at_parameter(
    at: Annotated[str | None, Query(description="As of this time (areas); default now")] = None,
) -> dt.datetime | None:
    """``at``."""
    return None if at is None else parse_moment(at)


async def offset_parameter(
    offset: Annotated[
        int, Query(ge=0, le=10_000_000, description="Features to pass over; prefer the next link")
    ] = 0,
) -> int:
    """``offset``."""
    return offset


async def sort_parameter(
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


async def filter_parameter(
    found: CollectionDep,
    text: Annotated[
        str | None,
        Query(alias="filter", description="CQL2", examples=["S_INTERSECTS(geometry, POINT(121 32))"]),
    ] = None,
    language: Annotated[Language, Query(alias="filter-lang", description="How it is written")] = "cql2-text",
    filter_crs: Annotated[
        str, Query(alias="filter-crs", description="CRS of the geometries in it")
    ] = CRS84.uri,
) -> Filter | None:
    """``filter``."""
    system = reference_system(filter_crs, "filter-crs")
    if text is None:
        return None
    return await run_in_threadpool(parse_filter, found, text, language, system)


FilterDep = Annotated[Filter | None, Depends(filter_parameter)]


async def selection_parameters(
    request: Request,
    found: CollectionDep,
    place: Annotated[tuple[Box | None, bytes | None], Depends(bbox_parameter)],
    interval: Annotated[Interval | None, Depends(datetime_parameter)],
    at: Annotated[dt.datetime | None, Depends(at_parameter)],
    chosen: FilterDep,
) -> Selection:
    """Everything that chooses features, whoever asks: a question is remembered for all callers."""
    condition = None if chosen is None else chosen.condition
    names = frozenset() if chosen is None else chosen.names
    return Selection(place[0], interval, at, _filters(request, found), place[1], condition, names)


SelectionDep = Annotated[Selection, Depends(selection_parameters)]


async def tile_selection(
    request: Request,
    found: CollectionDep,
    at: Annotated[dt.datetime | None, Depends(at_parameter)],
    interval: Annotated[Interval | None, Depends(datetime_parameter)],
    chosen: FilterDep,
) -> Selection:
    """Return the selection of a tile's features: filters and the time."""
    if chosen is None:
        return Selection(interval=interval, at=at, values=_filters(request, found))
    return Selection(None, interval, at, _filters(request, found), None, chosen.condition, chosen.names)


TileSelectionDep = Annotated[Selection, Depends(tile_selection)]


Counting = Literal["none", "exact", "estimate"]


@dataclass(frozen=True)
class Paging:
    """Requested page."""

    limit: int
    offset: int
    sort: Sort | None
    after: tuple[Any, ...] | None
    counting: Counting

    @property
    def context(self) -> str:
        """Return the context that a cursor is signed for, beside its position and collection."""
        return "" if self.sort is None else f"{'-' if self.sort.descending else ''}{self.sort.name}"


async def paging_parameters(
    request: Request,
    found: CollectionDep,
    limit: Annotated[int, Depends(limit_parameter)],
    offset: Annotated[int, Depends(offset_parameter)],
    sort: Annotated[Sort | None, Depends(sort_parameter)],
    cursor: Annotated[str | None, Query(description="From a next link")] = None,
    count: Annotated[
        Counting,
        Query(description="exact adds numberMatched unless it takes too long; estimate numberEstimated"),
    ] = "none",
) -> Paging:
    """Limit, order, and where the page starts."""
    paging = Paging(limit, offset, sort, None, count)
    if cursor is None:
        return paging
    after = read_cursor(request.app.state.signing_key, f"{found.id}|{paging.context}", cursor)
    return Paging(limit, offset, sort, after, count)


PagingDep = Annotated[Paging, Depends(paging_parameters)]
