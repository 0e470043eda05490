"""Sheet of a grid: one HTML file on A4 that opens without a network."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse

from geo_api.auth.access import Db, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.errors import Problem
from geo_api.http.representations import ReportLanguage, page_language
from grid.errors import UnknownArea
from grid.responsibility import grid_sheet
from layers.local_time import local_zone
from maps.reports import grid_report

router = APIRouter(prefix="/v1/areas", tags=["change sets"])


@router.get("/{code}/report.html", dependencies=[needs("read_change_sets")], response_class=HTMLResponse)
def get_grid_sheet(
    request: Request,
    code: Annotated[str, Path(max_length=40)],
    db: Db,
    kind: Annotated[Literal["unit_grid", "community", "town"], Query()] = "unit_grid",
    lang: ReportLanguage = None,
) -> HTMLResponse:
    """Return the sheet of a grid: map, border in words by roads and waters, staff on duty, enterprises."""
    try:
        sheet = grid_sheet(db, code, kind)
    except UnknownArea as error:
        raise Problem("not-found", str(error), error.message_zh) from error
    page = grid_report(asdict(sheet), language=lang or page_language(request), time_zone=local_zone().key)
    headers = {
        "Cache-Control": PRIVATE,
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(code, safe='')}.html",
    }
    return HTMLResponse(page, headers=headers)
