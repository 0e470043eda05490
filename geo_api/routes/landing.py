"""Doors for people and machines: landing page, documentation, health, metrics."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.responses import HTMLResponse, JSONResponse

from geo_api.errors import TITLES, TYPE_BASE, Problem
from geo_api.pages import page
from layers.database import PUBLIC, schema_is_current, session

router = APIRouter(tags=["service"])
CONFORMANCE = (
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
)
LINKS = (
    ("map", "map/", "text/html", "Map console", "地图控制台"),
    ("service-doc", "docs", "text/html", "API documentation", "接口文档"),
    (
        "service-desc",
        "openapi.json",
        "application/vnd.oai.openapi+json;version=3.1",
        "API description",
        "接口描述",
    ),
    ("conformance", "conformance", "application/json", "Conformance", "符合性声明"),
    ("data", "collections", "application/json", "Collections", "数据集"),
    ("health", "health/ready", "application/json", "Health", "运行状态"),
)


@router.get("/", response_class=HTMLResponse)
def landing(request: Request) -> Response:
    """The landing page: HTML for people, JSON for ``Accept: application/json``."""
    base = str(request.base_url)
    city = request.app.state.settings.city
    links = [
        {"rel": rel, "href": base + path, "type": media, "title": en, "title_zh": zh}
        for rel, path, media, en, zh in LINKS
    ]
    if "text/html" not in request.headers.get("accept", "text/html").replace("*/*", "text/html"):
        self_link = {"rel": "self", "href": base, "type": "application/json", "title": "This document"}
        return JSONResponse(
            {
                "title": f"网格 wangge · {city}",
                "description": "Where, who, and what became of it.",
                "links": [self_link, *links],
            }
        )
    return HTMLResponse(page("landing", city=city, links=links))


@router.get("/conformance")
def conformance() -> dict[str, list[str]]:
    """Conformance classes that the tests hold this service to."""
    return {"conformsTo": list(CONFORMANCE)}


@router.get("/health/live")
def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/health/ready")
def ready(request: Request) -> dict[str, Any]:
    """The database answers, has the newest schema, and changes are heard."""
    url = request.app.state.url
    with session(PUBLIC, url) as db:
        db.execute(text("SELECT 1 FROM areas LIMIT 1"))
    if not schema_is_current(url):
        raise Problem(
            "not-available", "The schema is not the newest: wangge db migrate.", "数据库结构不是最新版本。"
        )
    return {"status": "ok", "events": request.app.state.feed.connected.is_set()}


@router.get("/metrics", response_class=Response)
def metrics(request: Request) -> Response:
    """Counts and times for Prometheus."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
def docs() -> HTMLResponse:
    """The API documentation, from shipped files."""
    return HTMLResponse(page("docs"))


@router.get("/problems/{kind}", response_class=HTMLResponse)
def problem_kind(kind: str) -> HTMLResponse:
    """What a problem type means."""
    if kind not in TITLES:
        raise Problem("not-found", f"No problem type {kind}.", "没有此类问题。")
    status, en, zh = TITLES[kind]
    return HTMLResponse(page("problem", kind=TYPE_BASE + kind, status=status, en=en, zh=zh))
