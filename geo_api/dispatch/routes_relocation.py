"""Change of the place of a case: what it would be there, and the step."""

from __future__ import annotations

import datetime as dt

from fastapi import APIRouter, Response

from geo_api.auth.access import CallerDep, Db, needs
from geo_api.cases.documents import case_document
from geo_api.cases.routes_cases import CaseNumber, KnownHashes
from geo_api.cases.schemas import CaseDocument
from geo_api.dispatch.schemas import RelocationBody, RelocationPlace, RelocationPreview
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import json_response
from geo_api.http.request_bodies import JsonRoute
from grid.dispatch import Who, preview_relocation, relocate_case
from layers.records import read_case_file

router = APIRouter(prefix="/v1/cases/{number}/relocation", tags=["cases"], route_class=JsonRoute)
RELOCATE = needs("send_officers")


@router.post("/preview", name="preview_relocation", response_model=RelocationPreview, dependencies=[RELOCATE])
def preview_another_place(number: CaseNumber, body: RelocationPlace, caller: CallerDep, db: Db) -> Response:
    """Return the areas and bodies that a case would have at another place; nothing is written."""
    now = dt.datetime.now(dt.UTC)
    found = preview_relocation(db, number, body.lon, body.lat, now, caller.areas_in_reach)
    answer = {
        "outcome": found.outcome,
        "lead_body": found.lead_body,
        "co_handlers": found.co_handlers,
        "areas": [{"kind": kind, "before": old, "after": new} for kind, (old, new) in found.areas.items()],
        "bodies_change": found.bodies_change,
        "assignment": found.assignment.as_json(),
    }
    return json_response(answer, headers={"Cache-Control": PRIVATE})


@router.post("", name="relocate_case", response_model=CaseDocument, dependencies=[RELOCATE], status_code=201)
def change_place(
    number: CaseNumber, body: RelocationBody, known: KnownHashes, caller: CallerDep, db: Db
) -> Response:
    """Change the place of a case, with the reason: areas and bodies are those of the new place from now on."""
    who = Who(caller.username, caller.role, caller.scope.body)
    now, reach = dt.datetime.now(dt.UTC), caller.areas_in_reach
    relocate_case(
        db, number, body.lon, body.lat, who, at=now, reason=body.reason, reach=reach, if_match=known
    )
    found = read_case_file(db, number)
    headers = {"Cache-Control": PRIVATE, "ETag": f'"{found.events[-1].hash}"'}
    return json_response(case_document(db, found, caller), status=201, headers=headers)
