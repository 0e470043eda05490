"""Bodies of the partition: operations and change sets, and questions about lines and polygons."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from geo_api.http.schemas import AssignBody, Body, LineString, Merge, Split, aware

Id = Annotated[int, Field(ge=1, lt=2**63)]
Position = Annotated[list[float], Field(min_length=2, max_length=3)]
Reason = Annotated[str, Field(max_length=1000, description="Why the result may have several parts (islands)")]


class MergeParts(Merge):
    """Join unit grids of one community."""

    parts_reason: Reason = ""


class MoveVertex(Body):
    """Move a corner in every unit grid that touches it."""

    op: Literal["move_vertex"]
    area_id: Id
    vertex: Position
    to: Position


class MoveEdge(Body):
    """Move both ends of an edge."""

    op: Literal["move_edge"]
    area_id: Id
    edge: LineString
    to: LineString


class Reshape(Body):
    """Draw the boundary between two unit grids anew."""

    op: Literal["reshape"]
    area_ids: Annotated[list[Id], Field(min_length=2, max_length=2)]
    line: LineString


class Transfer(Body):
    """Give unit grids to a neighbouring community."""

    op: Literal["transfer"]
    area_ids: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    community_id: Id
    parts_reason: Reason = ""


class Reparent(Body):
    """Give a community to another town, or a town to another county."""

    op: Literal["reparent"]
    area_id: Id
    parent_id: Id
    code: Annotated[str | None, Field(max_length=20)] = None
    parts_reason: Reason = ""


Operation = Annotated[
    Split | MergeParts | MoveVertex | MoveEdge | Reshape | Transfer | Reparent, Field(discriminator="op")
]


class ChangeSetBody(Body):
    """Operations that are applied together or not at all, at once or from a date on."""

    operations: Annotated[list[Operation], Field(min_length=1, max_length=100)]
    effective_at: dt.datetime | None = None
    title: Annotated[str, Field(max_length=200)] = ""
    reason: Annotated[str, Field(max_length=4000, description="Why, for whoever approves")] = ""

    _aware = field_validator("effective_at")(aware)

    def plain(self) -> list[dict[str, Any]]:
        """The operations as plain data, without members that were not given."""
        return [operation.model_dump(exclude_defaults=True) for operation in self.operations]


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
