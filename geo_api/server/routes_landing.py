"""Doors for people and machines: landing page, documentation, health, metrics."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import HTMLResponse, PlainTextResponse

from geo_api.features.descriptions import TILING_SCHEMES
from geo_api.http.errors import TITLES, TYPE_BASE, Problem
from geo_api.http.representations import (
    AS_HTML,
    JSON,
    Format,
    document,
    json_response,
    link,
    own_links,
    page,
    wants_html,
)
from geo_api.server.middleware import exposition
from geo_api.server.schemas import ConformanceClasses, DatabaseHealth, Health, LandingPage
from layers.city import city_in_force
from layers.private_server import Cluster

router = APIRouter(tags=["service"])
_SPEC = "http://www.opengis.net/spec"
CONFORMANCE = tuple(
    f"{_SPEC}/{name}"
    for standard, classes in (
        ("ogcapi-common-1/1.0/conf", ("core", "landing-page", "json", "html")),
        ("ogcapi-common-2/1.0/conf", ("collections", "json", "html")),
        ("ogcapi-features-1/1.0/conf", ("core", "geojson", "html")),
        ("ogcapi-features-2/1.0/conf", ("crs",)),
        ("ogcapi-features-3/1.0/conf", ("queryables", "filter", "features-filter")),
        (
            "ogcapi-features-4/1.0/conf",
            ("create-replace-delete", "update", "optimistic-locking-etags", "features"),
        ),
        (
            "cql2/1.0/conf",
            (
                "cql2-text",
                "cql2-json",
                "basic-cql2",
                "advanced-comparison-operators",
                "case-insensitive-comparison",
                "basic-spatial-functions",
                "basic-spatial-functions-plus",
                "spatial-functions",
                "temporal-functions",
                "property-property",
                "arithmetic",
            ),
        ),
        ("ogcapi-tiles-1/1.0/conf", ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt")),
        ("tms/2.0/conf", ("tilematrixset", "json-tilematrixset")),
    )
    for name in (f"{standard}/{one}" for one in classes)
)
LINKS = (
    ("map", "map/", "text/html", "Map console", "地图控制台"),
    ("service-doc", "docs", "text/html", "API documentation", "接口文档"),
    (
        "service-desc",
        "openapi.json",
        "application/json",
        "API description",
        "接口描述",
    ),
    ("conformance", "conformance", "application/json", "Conformance", "符合性声明"),
    ("data", "collections", "application/json", "Collections", "数据集"),
    (TILING_SCHEMES, "tileMatrixSets", "application/json", "Tile matrix sets", "瓦片矩阵集"),
    ("health", "health/ready", "application/json", "Health", "运行状态"),
)


@router.get("/", response_model=LandingPage, responses=AS_HTML)
def get_landing_page(request: Request, f: Format = None) -> Response:
    """Return the landing page: HTML where `Accept` names it or with `f=html`, else JSON."""
    base = str(request.base_url)
    city = city_in_force().name
    links = [link(rel, base + path, media, en, title_zh=zh) for rel, path, media, en, zh in LINKS]
    if not wants_html(request, f):
        body = {
            "title": f"网格 wangge · {city}",
            "description": "Where, who, and what became of it.",
            "links": [*own_links(request, JSON, html=False), *links],
        }
        return json_response(body, headers={"Vary": "Accept"})
    text = page("landing", request, city=city, links=links)
    return HTMLResponse(text, headers={"Vary": "Accept, Accept-Language"})


@router.get("/conformance", response_model=ConformanceClasses, responses=AS_HTML)
def get_conformance(request: Request, f: Format = None) -> Response:
    """Conformance classes that the tests hold this service to."""
    body = {"conformsTo": list(CONFORMANCE)}
    return document(request, body, asked=f, title="Conformance", title_zh="符合性声明", own=False)


@router.get("/health/live", response_model=Health)
def get_health(request: Request) -> Response:
    """Say that the process answers; ``database``: its private database runs, or is being started again."""
    cluster: Cluster | None = request.app.state.private_server
    if cluster is None:
        database = "external"
    else:
        database = "running" if cluster.accepts_sessions else "starting"
    return json_response({"status": "ok", "database": database})


@router.get("/health/ready", response_model=DatabaseHealth)
async def get_readiness(request: Request) -> Response:
    """Say whether the database answers within 3 s and has the newest schema, else 503.

    ``events``: changes are heard.
    """
    if fault := await request.app.state.readiness.fault():
        raise Problem(
            "not-available",
            f"The database cannot be used: {fault}.",
            f"数据库不可用：{fault}。",
            headers={"Retry-After": "5"},
        )
    return json_response({"status": "ok", "events": request.app.state.feed.connected.is_set()})


@router.get("/metrics", response_class=PlainTextResponse)
def get_metrics(request: Request) -> Response:
    """Return counts and times for Prometheus."""
    return Response(exposition(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)


@router.get("/docs", response_class=HTMLResponse, include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """Return the API documentation, from shipped files."""
    return HTMLResponse(page("docs", request), headers={"Vary": "Accept-Language"})


@router.get("/problems/{kind}", response_class=HTMLResponse)
def get_problem_type(request: Request, kind: str) -> HTMLResponse:
    """Meaning of a problem type."""
    if kind not in TITLES:
        raise Problem("not-found", f"No problem type {kind}.", "没有此类问题。")
    status, en, zh = TITLES[kind]
    text = page("problem", request, kind=TYPE_BASE + kind, status=status, en=en, zh=zh)
    return HTMLResponse(text, headers={"Vary": "Accept-Language"})
