"""Assignment of responsibility: place, matter and time give grid, areas, bodies and every step."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import shapely
from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import CallerDep, Db
from geo_api.http.representations import json_response
from geo_api.http.request_bodies import JsonRoute
from geo_api.http.schemas import AssignmentDocument
from geo_api.responsibility.bulk_points import checked_points
from geo_api.responsibility.schemas import AssignBody, AssignManyBody, BriefAssignments, PlaceGeometry
from grid.errors import GridError
from grid.responsibility import Assignment, assign, assign_geometry, assign_many
from layers.codes import to_storage
from layers.imports import transform_geometries
from layers.records import duty_lists

router = APIRouter(prefix="/v1/assign", tags=["assign"], route_class=JsonRoute)


@router.post("", response_model=AssignmentDocument)
def assign_point(body: AssignBody, caller: CallerDep, db: Db) -> Response:
    """Return the responsible grid, areas and bodies of a point, line or polygon, with each step explained."""
    return json_response(_assigned(db, body).as_json())


@router.post("/bulk", response_model=BriefAssignments)
def assign_points(body: AssignManyBody, caller: CallerDep, db: Db) -> Response:
    """Up to 10,000 points at one moment, in their order: codes and bodies; faults by row, the others are answered."""
    points = checked_points(body.points, duty_lists.known_item_codes(db))
    frame = points.frame
    if frame.is_empty():
        return json_response({"assignments": [], "faults": points.faults})
    lon, lat = to_storage(frame["lon"].to_numpy(), frame["lat"].to_numpy(), body.crs)
    placed = frame.with_columns(pl.Series("lon", lon), pl.Series("lat", lat))
    found = assign_many(db, placed, at=body.at or dt.datetime.now(dt.UTC))
    answers = [answer | {"id": points.ids[answer["row"]]} for answer in found.to_dicts()]
    return json_response({"assignments": answers, "faults": points.faults})


def _assigned(db: Session, body: AssignBody) -> Assignment:
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


def _in_storage(geometry: PlaceGeometry, crs: str) -> Any:
    """Return a GeoJSON geometry as a shape in the storage CRS."""
    try:
        shape = shapely.force_2d(shapely.from_geojson(geometry.model_dump_json()))
    except (shapely.errors.GEOSException, ValueError) as error:
        raise GridError(f"geometry: no GeoJSON {geometry.type}", "geometry 不是有效的 GeoJSON") from error
    return transform_geometries(np.array([shape]), crs)[0]
