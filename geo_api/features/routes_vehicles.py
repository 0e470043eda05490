"""Tracks of vehicles: for those who are logged in, and only the part inside their area."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from geo_api.auth.access import Db, needs
from geo_api.features.schemas import VehicleTrack
from geo_api.http.caching import PRIVATE
from geo_api.http.errors import Problem
from geo_api.http.parameters import moment_parameter
from geo_api.http.representations import json_response
from layers.records import vehicle_track

router = APIRouter(prefix="/v1/vehicles", tags=["vehicles"])
MAX_DAYS = 31


@router.get("/{vehicle_id}/track", response_model=VehicleTrack, dependencies=[needs("read_tracks")])
def get_vehicle_track(
    vehicle_id: Annotated[str, Path(max_length=200)],
    db: Db,
    start: Annotated[
        str | None, Query(alias="from", description="RFC 3339; default 24 h before the end")
    ] = None,
    until: Annotated[str | None, Query(alias="to", description="RFC 3339; default the last fix")] = None,
) -> Response:
    """Return the way of one vehicle: a MultiLineString cut at gaps of more than 15 min, and each gap as a line."""
    first, last = moment_parameter("from", start), moment_parameter("to", until)
    if first and last and not dt.timedelta(0) < last - first <= dt.timedelta(days=MAX_DAYS):
        raise Problem(
            "invalid-parameter",
            f"from must be before to, by {MAX_DAYS} days at most.",
            f"时间段须在 {MAX_DAYS} 天以内。",
        )
    if first and not last:
        last = first + dt.timedelta(days=MAX_DAYS)
    found = vehicle_track(db, vehicle_id, start=first, until=last)
    return json_response(found, headers={"Cache-Control": PRIVATE})
