"""Who is responsible: a point, a matter and a time, answered with grid, areas, bodies and every step."""

from __future__ import annotations

import datetime as dt
from typing import Any

from fastapi import APIRouter
from grid.assignment import assign

from geo_api.access import CallerDep, Db
from geo_api.schemas import AssignBody, AssignManyBody
from layers.crs import to_storage

router = APIRouter(prefix="/v1/assign", tags=["assign"])


@router.post("")
def assign_one(body: AssignBody, caller: CallerDep, db: Db) -> dict[str, Any]:
    """The responsible grid, areas and bodies of one point, with the explanation of each step."""
    return _assigned(db, body)


@router.post("/bulk")
def assign_bulk(body: AssignManyBody, caller: CallerDep, db: Db) -> dict[str, Any]:
    """The same for up to 10,000 points, in their order."""
    return {"assignments": [_assigned(db, point) for point in body.points]}


def _assigned(db: Db, body: AssignBody) -> dict[str, Any]:
    lon, lat = to_storage(body.lon, body.lat, body.crs)
    answer: dict[str, Any] = assign(
        db,
        lon=float(lon),
        lat=float(lat),
        accuracy_m=body.accuracy_m,
        item_code=body.item_code,
        at=body.at or dt.datetime.now(dt.UTC),
        enterprise_uscc=body.enterprise_uscc,
    ).as_dict()
    return answer
