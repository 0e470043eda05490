"""Who is responsible: a place, a matter and a time, answered with grid, areas, bodies and every step."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import shapely
from fastapi import APIRouter
from sqlalchemy.orm import Session

from geo_api.areas.schemas import AssignPlaceBody, Geometry
from geo_api.auth.access import CallerDep, Db
from geo_api.http.schemas import AssignManyBody
from grid.errors import GridError
from grid.responsibility import Assignment, assign, assign_geometry, assign_many
from layers.codes import to_storage
from layers.imports import transform_geometries

router = APIRouter(prefix="/v1/assign", tags=["assign"])


@router.post("")
def assign_one(body: AssignPlaceBody, caller: CallerDep, db: Db) -> dict[str, Any]:
    """The responsible grid, areas and bodies of one point, line or polygon, with the explanation of each step."""
    return _assigned(db, body).as_json()


@router.post("/bulk")
def assign_bulk(body: AssignManyBody, caller: CallerDep, db: Db) -> dict[str, Any]:
    """Up to 10,000 points at one moment, in their order: area codes and bodies, without the explanation."""
    points = pl.DataFrame([point.model_dump() for point in body.points])
    lon, lat = to_storage(points["lon"].to_numpy(), points["lat"].to_numpy(), body.crs)
    placed = points.with_columns(pl.Series("lon", lon), pl.Series("lat", lat))
    return {"assignments": assign_many(db, placed, at=body.at or dt.datetime.now(dt.UTC)).to_dicts()}


def _assigned(db: Session, body: AssignPlaceBody) -> Assignment:
    when = body.at or dt.datetime.now(dt.UTC)
    if body.geometry is not None:
        return assign_geometry(
            db,
            _in_storage(body.geometry, body.crs),
            item_code=body.item_code,
            at=when,
            enterprise_uscc=body.enterprise_uscc,
            first_filed=body.first_filed,
        )
    lon, lat = to_storage(float(body.lon or 0), float(body.lat or 0), body.crs)
    return assign(
        db,
        lon=float(lon),
        lat=float(lat),
        accuracy_m=body.accuracy_m,
        item_code=body.item_code,
        at=when,
        enterprise_uscc=body.enterprise_uscc,
    )


def _in_storage(geometry: Geometry, crs: str) -> Any:
    """A GeoJSON geometry as a shape in the storage CRS."""
    try:
        shape = shapely.force_2d(shapely.from_geojson(geometry.model_dump_json()))
    except (shapely.errors.GEOSException, ValueError) as error:
        raise GridError(f"geometry: no GeoJSON {geometry.type}", "geometry 不是有效的 GeoJSON") from error
    return transform_geometries(np.array([shape]), crs)[0]
