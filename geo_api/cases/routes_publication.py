"""Publication of decided cases (执法公示), for everybody: GeoJSON, RSS and a page; and the taking down of one."""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime
from typing import Annotated, Any
from xml.etree import ElementTree

import orjson
from fastapi import APIRouter, Query, Request, Response
from starlette.responses import HTMLResponse

from geo_api.auth.access import CallerDep, Db, needs
from geo_api.cases.routes_cases import CaseNumber
from geo_api.cases.schemas import PublishedCases, TakeDownBody
from geo_api.http.representations import GEOJSON, GeoJson, base_url, page
from geo_api.http.request_bodies import JsonRoute
from grid.cases import DECISIONS, read_published, take_down
from layers.city import city_in_force
from layers.local_time import local_zone, utc_text
from layers.records import read_case_file
from layers.tables import DOMAINS
from maps.glossary import glossary

router = APIRouter(tags=["publication"], route_class=JsonRoute)
HEADERS = {"Cache-Control": "no-cache"}
RSS = "application/rss+xml"


Since = Annotated[dt.date | None, Query(description="Decided on this day or later")]
Until = Annotated[dt.date | None, Query(description="Decided on this day or earlier")]
Town = Annotated[str | None, Query(max_length=20, description="Code of the town")]
Domain = Annotated[str | None, Query(pattern=f"^({'|'.join(DOMAINS)})$")]
Limit = Annotated[int, Query(ge=1, le=1_000)]


def _feature(row: dict[str, Any]) -> dict[str, Any]:
    zh, en = DECISIONS[row["decision"]]
    told = {name: row[name] for name in row if name not in ("lon", "lat")}
    return {
        "type": "Feature",
        "id": row["number"],
        "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]},
        "properties": told
        | {
            "decision_zh": zh,
            "decision_en": en,
            "decided_on": row["decided_on"].isoformat(),
            "published_at": utc_text(row["published_at"]),
        },
    }


@router.get("/v1/published-cases", response_model=PublishedCases, response_class=GeoJson)
def list_published(
    db: Db,
    since: Since = None,
    until: Until = None,
    town: Town = None,
    domain: Domain = None,
    limit: Limit = 100,
) -> Response:
    """Return published cases as GeoJSON, the newest decision first; the point is that of the town."""
    rows = read_published(db, limit=limit, since=since, until=until, town=town, domain=domain)
    body = {"type": "FeatureCollection", "features": [_feature(row) for row in rows]}
    return Response(orjson.dumps(body), media_type=GEOJSON, headers=HEADERS)


@router.get(
    "/v1/published-cases.rss",
    response_class=Response,
    responses={200: {"content": {RSS: {"schema": {"type": "string"}}}}},
)
def published_rss(
    request: Request, db: Db, town: Town = None, domain: Domain = None, limit: Limit = 100
) -> Response:
    """Return published cases as RSS 2.0, the newest decision first."""
    rows = read_published(db, limit=limit, town=town, domain=domain)
    rss = ElementTree.Element("rss", version="2.0")
    channel = ElementTree.SubElement(rss, "channel")
    home = f"{base_url(request)}/published"
    _texts(
        channel, title=f"{city_in_force().name_zh} 执法公示", link=home, description="执法公示 decided cases"
    )
    for row in rows:
        zh, en = DECISIONS[row["decision"]]
        item = ElementTree.SubElement(channel, "item")
        day = dt.datetime.combine(row["decided_on"], dt.time(), local_zone())
        told = [row["town"], row["body"], row["enterprise"], f"{zh} {en}"]
        _texts(
            item,
            title=f"{row['matter']} · {row['town']}",
            link=f"{home}#{row['number']}",
            description=" · ".join(each for each in told if each),
            pubDate=format_datetime(day),
        )
        ElementTree.SubElement(item, "guid", isPermaLink="false").text = row["number"]
    text = ElementTree.tostring(rss, encoding="utf-8", xml_declaration=True)
    return Response(text, media_type=RSS, headers=HEADERS)


def _texts(parent: ElementTree.Element, **texts: str) -> None:
    for name, value in texts.items():
        ElementTree.SubElement(parent, name).text = "".join(
            letter for letter in value if letter.isprintable()
        )


@router.get("/published", response_class=HTMLResponse)
def published_page(request: Request, db: Db, town: Town = None, domain: Domain = None) -> HTMLResponse:
    """Return published cases as a page."""
    rows = read_published(db, limit=500, town=town, domain=domain)
    values = {"rows": rows, "decisions": DECISIONS, "domains": glossary()["domain"]["terms"]}
    return HTMLResponse(page("published", request, city=city_in_force(), **values), headers=HEADERS)


@router.post("/v1/cases/{number}/take-down", status_code=204, dependencies=[needs("take_down")])
def take_down_case(number: CaseNumber, body: TakeDownBody, caller: CallerDep, db: Db) -> Response:
    """Take down the publication of a case, with a reason that its chain keeps."""
    read_case_file(db, number)
    now = dt.datetime.now(dt.UTC)
    take_down(db, number, reason=body.reason, actor=caller.username, role=caller.role, at=now)
    return Response(status_code=204)
