"""The duty list, the runs of the models, and what a page needs to know about this installation."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator

from geo_api.areas import routes_balance as areas
from geo_api.auth.access import CallerDep, Db, needs
from geo_api.http.parameters import limit_parameter
from geo_api.http.representations import JSON, json_response, link, older_links
from geo_api.http.settings import installed_version
from geo_api.responsibility.schemas import ConsoleSettings, DutyLines, ModelRuns, StyleDocument
from grid.cases import RULES
from grid.responsibility import day_of
from layers.city import city_in_force
from layers.records import newest_runs, valid_duties
from maps.printing import can_print
from maps.style import style_document

router = APIRouter(prefix="/v1", tags=["reference"])
router.include_router(areas.router)
Limit = Annotated[int, Depends(limit_parameter)]


def _written(day: object) -> object:
    if not isinstance(day, str) or re.fullmatch(r"\d{4}-\d{2}-\d{2}", day, re.ASCII) is None:
        raise ValueError("a day is written YYYY-MM-DD")
    return day


Day = Annotated[dt.date, BeforeValidator(_written)]
"""A day as text: pydantic would read a number as seconds since 1970, and a time at midnight as its day."""
DUTY_FIELDS = (
    "item_code",
    "item",
    "domain",
    "legal_basis",
    "kind",
    "body",
    "level",
    "area_code",
    "role",
    "valid_from",
    "valid_to",
)


@router.get("/duty-items", response_model=DutyLines)
def list_duty_items(
    request: Request,
    db: Db,
    limit: Limit,
    item_code: Annotated[str | None, Query(max_length=100)] = None,
    q: Annotated[
        str | None, Query(max_length=100, description="Part of the item's name or of a body")
    ] = None,
    area_code: Annotated[str | None, Query(max_length=100, description="Where the body may act")] = None,
    level: Annotated[Literal["city", "county", "town"] | None, Query()] = None,
    on: Annotated[Day | None, Query(description="A day; default today")] = None,
    offset: Annotated[int, Query(ge=0, le=10_000_000, description="Lines to pass over")] = 0,
) -> Response:
    """Lines of the duty list (权责清单) that are valid on a day.

    `level=town` are the items given to towns.
    """
    rows, count = valid_duties(
        db,
        on or day_of(dt.datetime.now(dt.UTC)),
        item_code=item_code,
        words=q,
        area_code=area_code,
        level=level,
        limit=limit,
        offset=offset,
    )
    items = [{name: getattr(row, name) for name in DUTY_FIELDS} for row in rows]
    links = [link("self", str(request.url), JSON)]
    if offset + len(items) < count:
        further = request.url.include_query_params(offset=offset + len(items), limit=limit)
        links.append(link("next", str(further), JSON, "The next lines"))
    return json_response({"items": items, "numberMatched": count, "links": links})


@router.get("/runs", response_model=ModelRuns, dependencies=[needs("read_alerts")])
def list_runs(
    request: Request,
    caller: CallerDep,
    db: Db,
    limit: Limit,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="Only ids below")] = None,
) -> Response:
    """Return runs of the models, newest first.

    Their counts are of the whole city: told to those who see all of it.
    """
    fields = ["id", "model", "version", "at", "parameters", "finished_at"]
    if caller.scope.city_wide and not caller.scope.domains:
        fields.append("counts")
    rows = newest_runs(db, limit + 1, before)
    shown = [{name: getattr(row, name) for name in fields} for row in rows[:limit]]
    return json_response({"runs": shown, "links": older_links(request, rows, limit)})


@router.get("/settings", response_model=ConsoleSettings)
def get_settings(request: Request) -> Response:
    """Read what the console needs to know: base maps, version, city, its time zone and languages."""
    city = city_in_force()
    shown = {
        "base_maps": request.app.state.base_maps.documents,
        "version": installed_version(),
        "city": city.name,
        "city_zh": city.name_zh,
        "city_en": city.name_en,
        "city_code": city.code,
        "time_zone": city.time_zone,
        "languages": list(city.languages),
        "pdf": can_print(request.app.state.settings.chromium),
    }
    return json_response(shown)


@router.get("/style", response_model=StyleDocument)
def get_style() -> Response:
    """Colours and legends, as the reports use them, and the names of the steps of a case."""
    steps = {action: {"zh": r.zh, "en": r.en, "needs_note": r.needs_note} for action, r in RULES.items()}
    return json_response({**style_document(), "case_actions": steps})
