"""Reports of the public: a form without an account, and what became of a report by its query code."""

from __future__ import annotations

import datetime as dt

from fastapi import APIRouter, Request, Response
from starlette.responses import HTMLResponse

from geo_api.auth.access import SystemDb
from geo_api.http.representations import json_response, page
from geo_api.http.request_bodies import JsonRoute
from geo_api.intake.documents import report_status, shown_code
from geo_api.intake.schemas import ReceivedReport, ReportBody, ReportStatus, StatusBody
from grid.intake import ClueFacts, find_by_code, new_query_code, receive_clue
from layers.local_time import local_zone

router = APIRouter(tags=["public reports"], route_class=JsonRoute)
NOT_KEPT = {"Cache-Control": "no-store"}


@router.get("/report", include_in_schema=False)
def show_report_page(request: Request) -> HTMLResponse:
    """Return the page on which anybody reports something, or asks what became of a report."""
    return HTMLResponse(page("report", request, zone=str(local_zone())), headers=NOT_KEPT)


@router.post("/v1/reports", response_model=ReceivedReport, status_code=201)
def add_report(body: ReportBody, db: SystemDb) -> Response:
    """Report something without an account; the answer has a query code, which is shown this once."""
    facts = ClueFacts(
        source="public",
        text=body.text,
        address=body.address,
        lon=body.lon,
        lat=body.lat,
        reporter_name=body.name,
        phone=body.phone,
    )
    code = new_query_code()
    receive_clue(db, facts, at=dt.datetime.now(dt.UTC), query_code=code)
    return json_response({"code": shown_code(code)}, status=201, headers=NOT_KEPT)


@router.post("/v1/reports/status", response_model=ReportStatus)
def get_report_status(body: StatusBody, db: SystemDb) -> Response:
    """Return what became of a report: states, steps in plain words and the body that leads; no name."""
    return json_response(report_status(db, find_by_code(db, body.code)), headers=NOT_KEPT)
