"""Bodies of the partition: operations and change sets, and questions about lines and polygons."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from geo_api.http.schemas import AssignBody, Body, aware
from grid.change_sets import AnyOperation


class ChangeSetBody(Body):
    """Operations that are applied together or not at all, at once or from a date on."""

    operations: Annotated[list[AnyOperation], Field(min_length=1, max_length=100)]
    effective_at: dt.datetime | None = None
    title: Annotated[str, Field(max_length=200)] = ""
    reason: Annotated[str, Field(max_length=4000, description="Why, for whoever approves")] = ""

    _aware = field_validator("effective_at")(aware)


class RejectBody(Body):
    """Why a change set is turned down."""

    reason: Annotated[str, Field(max_length=4000)] = ""


class Geometry(BaseModel):
    """A GeoJSON geometry, in the CRS that the body names."""

    type: Literal["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"]
    coordinates: Annotated[list[Any], Field(min_length=1, max_length=10_000)]


class AssignPlaceBody(AssignBody):
    """Where (a point as lon and lat, or a geometry), what and when."""

    lon: Annotated[float | None, Field(strict=True, ge=-180, le=180, allow_inf_nan=False)] = None  # type: ignore[assignment]
    lat: Annotated[float | None, Field(strict=True, ge=-90, le=90, allow_inf_nan=False)] = None  # type: ignore[assignment]
    geometry: Annotated[Geometry | None, Field(validate_default=True)] = None
    first_filed: Annotated[
        str | None,
        Field(
            max_length=20, description="Code of the town that filed first, for a geometry over several towns"
        ),
    ] = None

    @field_validator("geometry")
    @classmethod
    def _one_place(cls, geometry: Geometry | None, info: ValidationInfo) -> Geometry | None:
        wrong = not {"lon", "lat"} <= info.data.keys()  # told by their own fault
        point = info.data.get("lon") is not None and info.data.get("lat") is not None
        if not wrong and point == (geometry is not None):
            raise ValueError("give lon and lat, or a geometry")
        return geometry
