"""Features of a collection: pages of them, and one."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from geo_api.auth.access import Caller, CallerDep, Db, known_caller, scoped_session
from geo_api.features.descriptions import collection_url
from geo_api.features.parameters import CollectionDep, CrsDep, Paging, PagingDep, SelectionDep, may_read
from geo_api.http.caching import NOT_MODIFIED, cached_response
from geo_api.http.database_slots import database_slot
from geo_api.http.representations import (
    AS_HTML,
    GEOJSON,
    HTML,
    JSON,
    GeoJson,
    ItemFormat,
    link,
    next_url,
    own_links,
    wants_html,
)
from geo_api.http.representations import page as html_page
from layers.codes import ReferenceSystem
from layers.collections import (
    Collection,
    NarrowScope,
    Page,
    Selection,
    count_features,
    estimate_count,
    fetch_page,
    read_cursor,
    read_feature,
    read_version,
    write_cursor,
)

ANSWERS = AS_HTML | NOT_MODIFIED
"""Beside GeoJSON, whose model is that of the collection (``geo_api.server.openapi``)."""
SMALL_PAGE = 200
"""Features whose page is put together on the event loop; a larger one would keep the others waiting."""
_CURSOR = re.compile(rb"(?:((?:(?!cursor=)[^&]+&)*(?!cursor=)[^&]+)&)?cursor=([A-Za-z0-9_-]+)")
QUESTIONS = 1_000
"""Questions that are remembered."""
FeatureId = Annotated[int, Path(ge=-(2**63), lt=2**63)]


@dataclass(frozen=True)
class PageQuestion:
    """Requested page of a collection, with checked parameters."""

    collection: Collection
    selection: Selection
    paging: Paging
    system: ReferenceSystem
    form: Literal["json", "geojson", "html"] | None


def remember(request: Request, question: PageQuestion) -> None:
    """Keep a question under its address; who asks it again need not have its parameters read again."""
    kept = _questions(request)
    kept[request.scope["path"], request.scope["query_string"]] = question
    if len(kept) > QUESTIONS:
        kept.popitem(last=False)


def _questions(request: Request) -> OrderedDict[tuple[str, bytes], PageQuestion]:
    state = request.app.state
    if not hasattr(state, "page_questions"):
        state.page_questions = OrderedDict()
    found: OrderedDict[tuple[str, bytes], PageQuestion] = state.page_questions
    return found


def _remembered(request: Request) -> tuple[PageQuestion | None, str | None]:
    """Return a question that was asked before, and the cursor of a next link where there is one."""
    text = request.scope["query_string"]
    match = _CURSOR.fullmatch(text)
    if match is None:
        return _questions(request).get((request.scope["path"], text)), None
    return _questions(request).get((request.scope["path"], match[1] or b"")), match[2].decode()


def _continued(request: Request, question: PageQuestion, cursor: str) -> PageQuestion:
    context = f"{question.collection.id}|{question.paging.context}"
    after = read_cursor(request.app.state.signing_key, context, cursor)
    return replace(question, paging=replace(question.paging, after=after))


class RememberingRoute(APIRoute):
    """Answers remembered questions of known callers at once; who is known is looked at each time."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler of the route, behind what is remembered."""
        read_and_answer = super().get_route_handler()

        async def answer(request: Request) -> Response:
            question, cursor = _remembered(request)
            caller = None if question is None else known_caller(request.scope)
            if question is None or caller is None or not may_read(caller, question.collection):
                return await read_and_answer(request)
            request.state.caller = caller
            if cursor is not None:
                question = _continued(request, question, cursor)
            return await answer_page(request, question, caller)

        return answer


router = APIRouter(tags=["collections"], route_class=RememberingRoute)


@router.get("/collections/{collection_id}/items", response_class=GeoJson, responses=ANSWERS)
async def list_items(
    request: Request,
    found: CollectionDep,
    selection: SelectionDep,
    paging: PagingDep,
    system: CrsDep,
    caller: CallerDep,
    f: ItemFormat = None,
) -> Response:
    """Return a page of features; the collection's filterable properties are parameters too."""
    question = PageQuestion(found, selection, paging, system, f)
    if paging.after is None:
        remember(request, question)
    return await answer_page(request, question, caller)


async def answer_page(request: Request, question: PageQuestion, caller: Caller) -> Response:
    """One page for a caller who may read the collection."""
    found, paging = question.collection, question.paging
    selection = replace(question.selection, narrow=_narrow(caller))
    page = await fetch_page(
        request.app.state.reader,
        caller.scope,
        found,
        selection,
        limit=paging.limit,
        after=paging.after,
        offset=paging.offset,
        sort=paging.sort,
        system=question.system,
    )
    counts = await _counts(request, found, selection, page, paging, caller)
    html = wants_html(request, question.form)
    links = [*own_links(request, GEOJSON, html=html), *_page_links(request, found, page, paging)]
    if html:
        return await run_in_threadpool(_page_html, request, found, page, links, counts)
    answer = partial(_page_json, request, found, page, links, counts, question.system)
    return answer() if len(page.features) <= SMALL_PAGE else await run_in_threadpool(answer)


def _narrow(caller: Caller) -> NarrowScope | None:
    scope = caller.scope
    return None if scope.city_wide else NarrowScope(scope.area_ids, scope.body_id)


@router.get("/collections/{collection_id}/items/{feature_id}", response_class=GeoJson, responses=ANSWERS)
def get_item(
    request: Request,
    found: CollectionDep,
    feature_id: FeatureId,
    system: CrsDep,
    db: Db,
    f: ItemFormat = None,
) -> Response:
    """One feature; its ETag is what `If-Match` needs where the collection is editable."""
    feature = read_feature(db, found, feature_id, system)
    here = collection_url(request, found)
    html = wants_html(request, f)
    links = [*own_links(request, GEOJSON, html=html), link("collection", here, JSON, found.en)]
    if html:
        read = orjson.loads(feature)
        shown = {"id": read["id"], **read["properties"], "geometry": _short(read["geometry"])}
        body = html_page(
            "document", request, title=found.en, title_zh=found.zh, links=links, body=shown
        ).encode()
        return cached_response(request, body, HTML, private=found.differs_by_caller)
    body = f'{feature.rstrip().removesuffix("}")},"links":{orjson.dumps(links).decode()}}}'.encode()
    version = read_version(db, found, feature_id) if found.editable else None
    return cached_response(
        request, body, GEOJSON, private=found.differs_by_caller, headers=content_crs(system), version=version
    )


def content_crs(system: ReferenceSystem) -> dict[str, str]:
    """Return the header that names the CRS of the coordinates."""
    return {"Content-Crs": f"<{system.uri}>"}


def _short(geometry: dict[str, Any] | None) -> Any:
    small = geometry is None or geometry["type"] == "Point"
    return geometry if small or geometry is None else geometry["type"]


async def _counts(
    request: Request, found: Collection, selection: Selection, page: Page, paging: Paging, caller: Caller
) -> dict[str, int | bool]:
    """``numberMatched`` when it is exact: counted, or known because everything is on this page."""
    whole = paging.after is None and page.last is None and (paging.offset == 0 or page.features)
    if whole:
        return {"numberMatched": paging.offset + len(page.features)}
    if paging.counting == "none":
        return {}
    async with asynccontextmanager(database_slot)(request):
        return await run_in_threadpool(_counted, request, found, selection, paging, caller)


def _counted(
    request: Request, found: Collection, selection: Selection, paging: Paging, caller: Caller
) -> dict[str, int | bool]:
    """Return the number that is asked for.

    A planner's estimate is made from all rows; callers who see some of them only get a count instead.
    """
    sees_all = caller.scope.city_wide and not caller.scope.domains
    with contextmanager(scoped_session)(request, caller, None) as db:
        if paging.counting == "estimate" and (not found.differs_by_caller or sees_all):
            return {"numberEstimated": estimate_count(db, found, selection)}
        matched = count_features(db, found, selection)
    return {"countTimedOut": True} if matched is None else {"numberMatched": matched}


def _page_json(
    request: Request,
    found: Collection,
    page: Page,
    links: list[dict[str, Any]],
    counts: dict[str, int | bool],
    system: ReferenceSystem,
) -> Response:
    body = _page_body(page, links, counts)
    return cached_response(
        request, body, GEOJSON, private=found.differs_by_caller, headers=content_crs(system)
    )


def _page_body(page: Page, links: list[dict[str, Any]], counts: dict[str, int | bool]) -> bytes:
    """Return the feature collection: features as the database wrote them, links and counts around."""
    around = {
        "type": "FeatureCollection",
        "numberReturned": len(page.features),
        **counts,
        "links": links,
    }
    head = orjson.dumps(around).decode().removesuffix("}")
    return f'{head},"features":[{",".join(page.features)}]}}'.encode()


def _page_html(
    request: Request,
    found: Collection,
    page: Page,
    links: list[dict[str, Any]],
    counts: dict[str, int | bool],
) -> Response:
    text = html_page(
        "items",
        request,
        title=found.en,
        title_zh=found.zh,
        links=links,
        properties=found.properties,
        features=[orjson.loads(feature) for feature in page.features],
        matched=counts.get("numberMatched"),
        items_url=f"{collection_url(request, found)}/items",
    )
    return cached_response(request, text.encode(), HTML, private=found.differs_by_caller)


def _page_links(request: Request, found: Collection, page: Page, paging: Paging) -> list[dict[str, Any]]:
    links = [link("collection", collection_url(request, found), JSON, found.en)]
    if page.last is not None:
        links.append(link("next", _next_url(request, found, page, paging), GEOJSON, "Next page 下一页"))
    return links


def _next_url(request: Request, found: Collection, page: Page, paging: Paging) -> str:
    """Return the same question from the next position: every parameter stays, ``offset`` is spent."""
    assert page.last is not None
    cursor = write_cursor(request.app.state.signing_key, f"{found.id}|{paging.context}", page.last)
    return next_url(request, cursor, spent=("cursor", "offset"))
