"""Tiles on the event loop: from the cache, or from the database in one round trip.

A question (collection and query string) goes through the route once, where its parameters are read and
checked. After that :class:`TileShortcut` answers it for every tile before routing begins.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from geo_api.auth.caller_lookup import COOKIE, NOBODY, known_caller
from geo_api.auth.callers import Caller
from geo_api.features.parameters import may_read
from geo_api.features.tile_cache import RawHeaders, TileAnswer, TileCache
from geo_api.features.tile_sets import MVT
from geo_api.http.errors import known_problem
from layers.collections import Collection, Selection, Tile, TileQueries, check_address
from layers.postgres import PUBLIC, AsyncReader, TileVersions

TEMPLATE = "/collections/{collection_id}/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}"
QUESTIONS = 1_000
"""Questions that are remembered."""
HISTORY_S = 10.0
"""How long a tile of a layer with history holds: a version may begin without any change of the database."""
_PATH = re.compile(r"/collections/(\w+)/tiles/WebMercatorQuad/(\d{1,2})/(\d{1,7})/(\d{1,7})", re.ASCII)
_COOKIE = COOKIE.encode()
_ROUTE = SimpleNamespace(path=TEMPLATE)


@dataclass(frozen=True)
class TileQuestion:
    """Query for the tiles of a layer: its collection and the selection of features."""

    collection: Collection
    selection: Selection
    text: bytes
    queries: dict[int, TileQueries] = field(default_factory=dict, repr=False)

    def of_zoom(self, zoom: int) -> TileQueries:
        """Return the statements for a zoom, compiled when they are first needed."""
        found = self.queries.get(zoom)
        if found is None:
            found = self.queries[zoom] = TileQueries(self.collection, self.selection, zoom)
        return found


class LiveTiles:
    """Answers questions about tiles.

    Parameters
    ----------
    reader : Reader
        Where tiles are read from.
    cache : TileCache
        Where they are kept.
    versions : TileVersions
        Says which of them still hold.
    """

    def __init__(self, reader: AsyncReader, cache: TileCache, versions: TileVersions) -> None:
        self._reader = reader
        self._cache = cache
        self._versions = versions
        self._questions: OrderedDict[tuple[str, bytes], TileQuestion] = OrderedDict()

    def question(self, collection: Collection, selection: Selection, text: bytes) -> TileQuestion:
        """Return a question whose parameters were checked; it is remembered by its text."""
        key = (collection.id, text)
        found = self._questions.get(key)
        if found is None:
            found = self._questions[key] = TileQuestion(collection, selection, text)
            if len(self._questions) > QUESTIONS:
                self._questions.popitem(last=False)
        return found

    def remembered(self, collection_id: str, text: bytes) -> TileQuestion | None:
        """Return a question that was asked before."""
        return self._questions.get((collection_id, text))

    async def answer(
        self, question: TileQuestion, caller: Caller, zoom: int, column: int, row: int
    ) -> TileAnswer:
        """One tile for a caller who may read the collection.

        Raises
        ------
        layers.errors.NotFound
            Outside the tile matrix set.
        layers.errors.DatabaseUnavailable, psycopg.Error
            From the database.
        """
        check_address(zoom, column, row)
        found = question.collection
        scope = (
            caller.scope if found.differs_by_caller else PUBLIC
        )  # rows of a public layer are the same for everyone
        version = self._versions.version(found.id, zoom, column, row)
        key = (found.id, question.text, scope.key, zoom, column, row)

        async def make() -> TileAnswer:
            tile = await question.of_zoom(zoom).read(self._reader, scope, column, row)
            return _answer_of(tile, private=found.differs_by_caller)

        seconds = HISTORY_S if found.history is not None else float("inf")
        return await self._cache.get_or_make(key, version, make, seconds=seconds)


def _answer_of(tile: Tile, *, private: bool) -> TileAnswer:
    counts = {
        "X-Features-Matched": f"{tile.matched}",
        "X-Features-Shown": f"{tile.shown}",
        "X-Features-Truncated": "true" if tile.truncated else "false",
        "X-Features-Aggregated": "true" if tile.aggregated else "false",
    }
    return TileAnswer.of(tile.body, MVT, private=private, headers=counts)


def tile_response(answer: TileAnswer, request: Request) -> Response:
    """Return a tile in the form that the request accepts, or 304."""
    status, said, body = _form_of(answer, request.scope)
    response = Response(status_code=status)
    response.body, response.raw_headers = body, said
    return response


def _form_of(answer: TileAnswer, scope: Scope) -> tuple[int, RawHeaders, bytes]:
    headers = dict(scope["headers"])
    return answer.sent(headers.get(b"accept-encoding", b""), headers.get(b"if-none-match"))


class TileShortcut:
    """Answers tiles of remembered questions; everything else goes on to the routes."""

    def __init__(self, app: ASGIApp, *, tiles: LiveTiles) -> None:
        self._app = app
        self._tiles = tiles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = self._answer_to(scope)
        if answer is None:
            await self._app(scope, receive, send)
            return
        try:
            made = await answer()
        except Exception as error:
            problem = known_problem(Request(scope), error)
            if problem is None:
                raise
            await problem(scope, receive, send)
            return
        status, headers, body = _form_of(made, scope)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer_to(self, scope: Scope) -> Callable[[], Awaitable[TileAnswer]] | None:
        if scope["type"] != "http" or scope["method"] != "GET":
            return None
        match = _PATH.fullmatch(scope["path"])
        if match is None:
            return None
        collection_id, zoom, row, column = match.groups()
        question = self._tiles.remembered(collection_id, scope["query_string"])
        if question is None or int(zoom) > 22:
            return None
        caller = _caller_without_asking(scope)
        if caller is None or not may_read(caller, question.collection):
            return None
        scope["route"] = _ROUTE
        scope["state"]["caller"] = caller
        return partial(self._tiles.answer, question, caller, int(zoom), int(column), int(row))


def _caller_without_asking(scope: Scope) -> Caller | None:
    for name, value in scope["headers"]:
        if name == b"authorization" or (name == b"cookie" and _COOKIE in value):
            return known_caller(scope)
    return NOBODY
