"""JSON for machines, HTML for people: which of the two is asked for, and both from one document."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

import orjson
from fastapi import Query
from jinja2 import Environment, PackageLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from maps.glossary import Language
from maps.reports import Shown

JSON = "application/json"
GEOJSON = "application/geo+json"
SCHEMA_JSON = "application/schema+json"
HTML = "text/html"
AS_HTML: dict[int | str, dict[str, Any]] = {200: {"content": {HTML: {"schema": {"type": "string"}}}}}
"""What a route declares that answers its document as a page too."""
Format = Annotated[
    Literal["json", "html"] | None, Query(alias="f", description="json or html; default by Accept")
]
ReportLanguage = Annotated[
    Language | None,
    Query(alias="lang", description="Language that is shown first; default by Accept-Language"),
]
ReportLanguages = Annotated[
    Shown | None,
    Query(alias="lang", description="Language that is shown, or both; default by Accept-Language"),
]
ItemFormat = Annotated[
    Literal["json", "geojson", "html"] | None, Query(alias="f", description="json or html; default by Accept")
]


PDF = "application/pdf"
BINARY = {"type": "string", "format": "binary"}
"""Schema of bytes."""
PDF_ANSWER: dict[int | str, dict[str, Any]] = {200: {"content": {PDF: {"schema": BINARY}}}}
"""Description of a route that answers with a PDF."""


class GeoJson(JSONResponse):
    """Names the media type of a route's answer in the description of the API."""

    media_type = GEOJSON


class SchemaJson(JSONResponse):
    """Names the media type of a route's answer in the description of the API."""

    media_type = SCHEMA_JSON


def json_response(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Plain data as JSON, written at once; times in UTC end with ``Z``.

    What a route declares as its model is held by the tests, not checked here.
    """
    content = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return Response(content, status_code=status, media_type=JSON, headers=headers)


def wants_html(request: Request, asked: str | None) -> bool:
    """HTML when ``f`` says so, or when ``Accept`` names it and ranks nothing of JSON higher."""
    if asked is not None:
        return asked == "html"
    ranks: dict[str, float] = {}
    for part in request.headers.get("accept", "").split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        ranks[media] = max(ranks.get(media, 0.0), _rank(parameters))
    html = ranks.get(HTML, 0.0)
    others = (rank for media, rank in ranks.items() if media.endswith("json") and media != HTML)
    return html > 0 and html >= max(others, default=0.0)


def page_language(request: Request) -> Language:
    """Return the language that ``Accept-Language`` ranks higher; Chinese when it names neither of the two."""
    ranks: dict[str, float] = {"zh": 0.0, "en": 0.0}
    for part in request.headers.get("accept-language", "").split(","):
        tag, *parameters = (piece.strip().lower() for piece in part.split(";"))
        name = tag.split("-")[0]
        if name in ranks:
            ranks[name] = max(ranks[name], _rank(parameters))
    return "en" if ranks["en"] > ranks["zh"] else "zh"


def _rank(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def base_url(request: Request) -> str:
    """Scheme, host and root path, without a slash at the end."""
    return str(request.base_url).rstrip("/")


def link(rel: str, href: str, media: str, title: str = "", **more: Any) -> dict[str, Any]:
    """One link object."""
    made: dict[str, Any] = {"rel": rel, "href": href, "type": media}
    return made | ({"title": title} if title else {}) | more


def next_url(request: Request, cursor: str, spent: Collection[str] = ("cursor",)) -> str:
    """Return the address of the same question from a cursor on; parameters that are spent are left out."""
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in spent]
    return f"{base_url(request)}{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def next_link(request: Request, cursor: str) -> dict[str, Any]:
    """Return the link to the next page of a list."""
    return link("next", next_url(request, cursor), JSON, "Next page 下一页")


def older_links(request: Request, rows: Sequence[Any], limit: int) -> list[dict[str, Any]]:
    """Return the ``next`` link of a list by id, newest first: none when ``rows`` are no more than the limit.

    Parameters
    ----------
    rows : sequence of objects or mappings with an id
        One more than the limit, when there are older ones.
    """
    if len(rows) <= limit:
        return []
    last = rows[limit - 1]
    before = last["id"] if isinstance(last, Mapping) else last.id
    kept = [(k, v) for k, v in request.query_params.multi_items() if k != "before"]
    href = f"{base_url(request)}{request.url.path}?{urlencode([*kept, ('before', before)])}"
    return [link("next", href, JSON, "Next page 下一页")]


def own_links(request: Request, media: str, *, html: bool) -> list[dict[str, Any]]:
    """``self``, and ``alternate`` in the other representation, with every other parameter kept."""
    other = request.url.include_query_params(f="json" if html else "html")
    here, there = (HTML, media) if html else (media, HTML)
    return [
        link("self", str(request.url), here, "This document"),
        link("alternate", str(other), there, "This document as " + ("JSON" if html else "HTML")),
    ]


def document(
    request: Request,
    body: dict[str, Any],
    *,
    asked: str | None,
    title: str,
    title_zh: str,
    media: str = JSON,
    own: bool = True,
) -> Response:
    """Return a document as JSON or as a page; ``self`` and ``alternate`` links go in front of its links.

    Parameters
    ----------
    body : dict
        What JSON shows; gets ``links``.
    asked : str or None
        ``f``.
    own : bool
        False: the body has no place for links (JSON Schema, a list of classes).
    """
    html = wants_html(request, asked)
    links = [*own_links(request, media, html=html), *body.get("links", [])]
    if own:
        body = body | {"links": links}
    headers = {"Vary": "Accept, Cookie", "Cache-Control": "no-cache"}
    if html:
        shown = {key: value for key, value in body.items() if key != "links"}
        text = page("document", request, title=title, title_zh=title_zh, links=links, body=shown)
        return HTMLResponse(text, headers=headers | {"Vary": "Accept, Accept-Language, Cookie"})
    return Response(orjson.dumps(body), media_type=media, headers=headers)


@lru_cache
def _environment() -> Environment:
    return Environment(loader=PackageLoader("geo_api"), autoescape=select_autoescape(), trim_blocks=True)


def page(name: str, request: Request, **values: Any) -> str:
    """One page as HTML, in the language that the browser asks for."""
    language = page_language(request)

    def say(zh: str, en: str) -> str:
        return zh if language == "zh" else en

    return _environment().get_template(f"{name}.html").render(language=language, say=say, **values)


def whole_page(name: str, **values: Any) -> str:
    """One page as HTML that says everything in both languages and stands without this service."""
    return _environment().get_template(f"{name}.html").render(**values)
