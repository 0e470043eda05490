"""The report of the newest hot spots."""

from __future__ import annotations

import json
from typing import Annotated, Any

import geopandas as gpd
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session
from starlette.responses import HTMLResponse

from geo_api.auth.access import CallerDep, Db
from geo_api.cases.kept_reports import KeptReports
from geo_api.http.caching import cached_response
from geo_api.http.representations import HTML, ReportLanguage, page_language
from layers.collections import COLLECTIONS, MAX_LIMIT, Selection, read_page
from layers.errors import NotFound
from layers.tables import ModelRun
from maps.glossary import Language
from maps.reports import hotspot_report

router = APIRouter(prefix="/v1/hot-spots", tags=["hot spots"])


@router.get("/report.html", response_class=HTMLResponse)
def get_hot_spot_report(
    request: Request,
    caller: CallerDep,
    db: Db,
    run_id: Annotated[int | None, Query(ge=1, lt=2**63, description="Default: the newest run")] = None,
    lang: ReportLanguage = None,
) -> Response:
    """Return the hot spots of one run as one HTML file that opens without a network."""
    newest = read_page(db, COLLECTIONS["hot_spots"], Selection(values=_of_run(run_id)), limit=1).features
    if not newest:
        raise NotFound("no hot spots: run wangge analyse first", "尚无热点：请先运行 wangge analyse")
    run, language = int(json.loads(newest[0])["properties"]["run_id"]), lang or page_language(request)
    kept: KeptReports = request.app.state.kept_reports
    report = kept.get(("hot spots", run, language, caller.scope.key), lambda: _report(db, run, language))
    return cached_response(
        request, report, HTML, private=caller.logged_in, headers={"Vary": "Accept-Encoding, Accept-Language"}
    )


def _of_run(run_id: int | None) -> dict[str, list[str]]:
    return {} if run_id is None else {"run_id": [str(run_id)]}


def _report(db: Session, run_id: int, language: Language) -> bytes:
    cells = gpd.GeoDataFrame.from_features(_features(db, "hot_spots", _of_run(run_id)), crs=4326)
    run = db.get_one(ModelRun, run_id)
    about = {
        "model": run.model,
        "version": run.version,
        "at": run.at,
        "parameters": run.parameters,
    }
    over_time = _features(db, "emerging_hot_spots", _of_run(run_id))
    found = gpd.GeoDataFrame.from_features(over_time, crs=4326) if over_time else None
    counties = {"type": "FeatureCollection", "features": _features(db, "areas", {"kind": ["county"]})}
    return hotspot_report(cells, about, over_time=found, areas=counties, language=language).encode()


def _features(db: Session, collection_id: str, values: dict[str, list[str]]) -> list[dict[str, Any]]:
    """All features, in pages; hot spots are at most some ten thousand cells a run."""
    found: list[dict[str, Any]] = []
    after: tuple[Any, ...] | None = None
    while True:
        page = read_page(
            db, COLLECTIONS[collection_id], Selection(values=values), limit=MAX_LIMIT, after=after
        )
        found.extend(json.loads(feature) for feature in page.features)
        if page.last is None:
            return found
        after = page.last
