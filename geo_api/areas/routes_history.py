"""History of the partition: codes old and new of a change set, the story of an area, the difference of two days."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from geo_api.areas.history_schemas import AreaStory, PartitionDifference
from geo_api.areas.schemas import CodeTable
from geo_api.areas.written_codes import CodesForm, written_codes
from geo_api.auth.access import Db, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.errors import Problem
from geo_api.http.representations import ReportLanguage, json_response, page_language
from grid.change_sets.history import codes_of_change_set, difference_of_days, story_of_area
from grid.errors import UnknownArea
from layers.exports import TABLE_MEDIA_TYPES
from layers.local_time import local_zone, start_of_day
from layers.records import read_change_set
from maps.reports import codes_report

router = APIRouter(prefix="/v1", tags=["change sets"])
READING = [needs("read_change_sets")]
HEADERS = {"Cache-Control": PRIVATE}
StoryKind = Literal["unit_grid", "community", "town", "county"]


@router.get(
    "/change-sets/{change_set_id}/codes",
    response_model=CodeTable,
    responses={200: {"content": {media: {} for media in (*TABLE_MEDIA_TYPES.values(), "text/html")}}},
    dependencies=READING,
)
def get_code_table(
    request: Request,
    change_set_id: Annotated[int, Path(ge=1, lt=2**63)],
    db: Db,
    f: Annotated[CodesForm, Query(description="Form of the answer; html is a page to print")] = "json",
    lang: ReportLanguage = None,
) -> Response:
    """Return the codes old and new of a change set (变更对照表): as they came, or as planned while it waits."""
    row = read_change_set(db, change_set_id)
    rows = codes_of_change_set(db, row)
    facts = {
        "change_set_id": row.id,
        "title": row.title,
        "status": row.status,
        "effective_at": row.applied_at or row.effective_at,
    }
    if f == "html":
        page = codes_report(
            facts,
            [asdict(one) for one in rows],
            language=lang or page_language(request),
            time_zone=local_zone().key,
        )
        return Response(page, media_type="text/html", headers=HEADERS)
    if f == "json":
        return json_response(facts | {"rows": [asdict(one) for one in rows]}, headers=HEADERS)
    name = {"Content-Disposition": f'attachment; filename="codes-{row.id}.{f}"'}
    return Response(written_codes(rows, f), media_type=TABLE_MEDIA_TYPES[f], headers=HEADERS | name)


@router.get("/areas/{code}/story", response_model=AreaStory, dependencies=READING)
def get_story(
    code: Annotated[str, Path(max_length=40, description="Code of the area, of any time")],
    db: Db,
    kind: Annotated[StoryKind, Query(description="Kind of the area")] = "unit_grid",
) -> Response:
    """Return all that became of an area: versions, those before and after it, who changed them, when and why."""
    try:
        story = story_of_area(db, code, kind)
    except UnknownArea as error:
        raise Problem("not-found", str(error), error.message_zh) from error
    return json_response(asdict(story), headers=HEADERS)


@router.get("/areas/difference", response_model=PartitionDifference, dependencies=READING)
def get_difference(
    db: Db,
    since: Annotated[dt.date, Query(description="The earlier day")],
    until: Annotated[dt.date, Query(description="The later day")],
    area: Annotated[
        str | None, Query(max_length=40, description="Code of an area; none: the whole city")
    ] = None,
) -> Response:
    """Return the unit grids that differ between the ends of two days: ended, begun, or with another border."""
    ends = [start_of_day(day + dt.timedelta(days=1)) for day in (since, until)]
    return json_response(asdict(difference_of_days(db, ends[0], ends[1], area)), headers=HEADERS)
