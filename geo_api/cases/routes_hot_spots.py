"""The report of the newest hot spots."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import HTMLResponse

from geo_api.auth.access import CallerDep, Db, needs
from geo_api.cases.kept_reports import KeptReports
from geo_api.cases.reports import hot_spot_page, newest_hot_spot_run
from geo_api.http.caching import cached_response
from geo_api.http.representations import HTML, PDF, PDF_ANSWER, ReportLanguages, page_language
from maps.printing import find_chromium, print_pdf

router = APIRouter(prefix="/v1/hot-spots", tags=["hot spots"])
RunId = Annotated[int | None, Query(ge=1, lt=2**63, description="Default: the newest run")]
VARY = {"Vary": "Accept-Encoding, Accept-Language"}


@router.get("/report.html", response_class=HTMLResponse)
def get_hot_spot_report(
    request: Request, caller: CallerDep, db: Db, run_id: RunId = None, lang: ReportLanguages = None
) -> Response:
    """Return the hot spots of one run as one HTML file that opens without a network."""
    run, language = newest_hot_spot_run(db, run_id), lang or page_language(request)
    kept: KeptReports = request.app.state.kept_reports
    key = ("hot spots", run, language, caller.scope.key)
    report = kept.get(key, lambda: hot_spot_page(db, run, language).encode())
    return cached_response(request, report, HTML, private=caller.logged_in, headers=VARY)


@router.get("/report.pdf", dependencies=[needs("read_cases")], response_class=Response, responses=PDF_ANSWER)
def get_hot_spot_report_as_pdf(
    request: Request, caller: CallerDep, db: Db, run_id: RunId = None, lang: ReportLanguages = None
) -> Response:
    """Return the hot spots of one run as PDF on A4. 503 where the installation has no Chromium."""
    chromium = find_chromium(request.app.state.settings.chromium)
    run, language = newest_hot_spot_run(db, run_id), lang or page_language(request)
    kept: KeptReports = request.app.state.kept_reports
    key = ("hot spots as pdf", run, language, caller.scope.key)
    report = kept.get(key, lambda: print_pdf(hot_spot_page(db, run, language), chromium))
    return cached_response(request, report, PDF, private=caller.logged_in, headers=VARY)
