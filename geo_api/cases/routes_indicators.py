"""Indicators (行政问效): rates of a period by area, body, matter and stage, and the cases behind each figure."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from geo_api.auth.access import CallerDep, Db, SystemDb, needs
from geo_api.cases.indicator_tables import indicator_document, written_table
from geo_api.cases.kept_reports import KeptReports
from geo_api.cases.schemas import FigureCases, IndicatorTable
from geo_api.http.caching import NOT_MODIFIED, cached_response
from geo_api.http.representations import JSON, json_response
from grid.cases import BREAKDOWNS, cases_of_figure, check_days, facts_version
from layers.exports import TABLE_MEDIA_TYPES
from layers.local_time import start_of_day

router = APIRouter(prefix="/v1/indicators", tags=["indicators"])
By = Annotated[
    str | None, Query(description=f"Breakdown: {', '.join(BREAKDOWNS)}; none: one row", max_length=20)
]
Within = Annotated[str | None, Query(max_length=40, description="Code of an area: cases inside it only")]
Since = Annotated[dt.date, Query(description="First day, in the city")]
Until = Annotated[dt.date, Query(description="Day after the last one")]
FILES: dict[int | str, dict[str, Any]] = {
    200: {"content": {media: {} for media in TABLE_MEDIA_TYPES.values()}}
}


@router.get(
    "", response_model=IndicatorTable, dependencies=[needs("read_cases")], responses={**NOT_MODIFIED, **FILES}
)
def get_indicators(
    request: Request,
    caller: CallerDep,
    db: Db,
    system: SystemDb,
    since: Since,
    until: Until,
    by: By = None,
    within: Within = None,
    f: Annotated[Literal["json", "csv", "xlsx"], Query(description="Form of the answer")] = "json",
) -> Response:
    """Return the indicators of a period, with those of the period before and of the same days a year earlier."""
    check_days(since, until)
    kept: KeptReports = request.app.state.kept_indicators
    key = (caller.scope.key, facts_version(system), since, until, by, within, f)

    def make() -> bytes:
        document = indicator_document(db, since, until, by, within)
        return (
            json.dumps(document, ensure_ascii=False).encode() if f == "json" else written_table(document, f)
        )

    media = JSON if f == "json" else TABLE_MEDIA_TYPES[f]
    name = (
        {}
        if f == "json"
        else {"Content-Disposition": f'attachment; filename="indicators-{since}-{until}.{f}"'}
    )
    return cached_response(request, kept.get(key, make), media, private=True, headers=name)


@router.get("/cases", response_model=FigureCases, dependencies=[needs("read_cases")])
def get_figure_cases(
    db: Db,
    since: Since,
    until: Until,
    figure: Annotated[str, Query(max_length=40, description="Name of the figure")],
    by: By = None,
    key: Annotated[
        str | None, Query(max_length=200, description="Key of the row; none: cases without one")
    ] = None,
    within: Within = None,
    whole: Annotated[bool, Query(description="Cases of the denominator")] = False,
) -> Response:
    """Return the numbers of the cases behind a figure, the newest first, at most 1,000."""
    check_days(since, until)
    first, end = start_of_day(since), start_of_day(until)
    numbers = cases_of_figure(db, first, end, figure, whole=whole, by=by, key=key, within=within)
    return json_response({"cases": numbers})
