"""Who is responsible: a point, a matter and a time, answered with grid, areas, bodies and every step."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
from fastapi import APIRouter
from sqlalchemy.orm import Session

from geo_api.access import CallerDep, Db
from geo_api.schemas import AssignBody, AssignManyBody
from grid.assignment import assign
from grid.bulk_assignment import assign_many
from layers.crs import to_storage

router = APIRouter(prefix="/v1/assign", tags=["assign"])


@router.post("")
def assign_one(body: AssignBody, caller: CallerDep, db: Db) -> dict[str, Any]:
    """The responsible grid, areas and bodies of one point, with the explanation of each step."""
    return _assigned(db, body)


@router.post("/bulk")
def assign_bulk(body: AssignManyBody, caller: CallerDep, db: Db) -> dict[str, Any]:
    """Up to 10,000 points at one moment, in their order: area codes and bodies, without the explanation."""
    points = pl.DataFrame([point.model_dump() for point in body.points])
    lon, lat = to_storage(points["lon"].to_numpy(), points["lat"].to_numpy(), body.crs)
    placed = points.with_columns(pl.Series("lon", lon), pl.Series("lat", lat))
    return {"assignments": assign_many(db, placed, at=body.at or dt.datetime.now(dt.UTC)).to_dicts()}


def _assigned(db: Session, body: AssignBody) -> dict[str, Any]:
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
