"""Guide layers that a person draws by, and their difference to the partition."""

from __future__ import annotations

from typing import Annotated, Literal

from geojson_pydantic import Feature as GeoJsonFeature
from geojson_pydantic import FeatureCollection as GeoJsonFeatureCollection
from geojson_pydantic import MultiPolygon, Polygon
from pydantic import Field

from geo_api.http.schemas import Answer, Body, Geometry

ComparedKind = Literal["unit_grid", "community", "town"]


class GuideProperties(Answer):
    """Name of a shape of a guide file."""

    name: str


class GuideFeature(GeoJsonFeature[Geometry, GuideProperties]):
    """A shape of a guide file."""

    properties: GuideProperties


class GuideFeatures(GeoJsonFeatureCollection[GuideFeature]):
    """Shapes of a guide file, EPSG:4326."""


class GuideLayerAnswer(Answer):
    """A guide file as it was read; nothing of it is stored."""

    name: Annotated[str, Field(description="Name of the file")]
    crs: Annotated[str, Field(description="In which it was read")]
    notes: Annotated[list[str], Field(description="What a person should know: encodings, what was left out")]
    features: GuideFeatures


class GuideDifferenceBody(Body):
    """Polygons that are compared with the areas of a kind that hold now."""

    kind: ComparedKind = "unit_grid"
    polygons: Annotated[list[Polygon | MultiPolygon], Field(min_length=1, max_length=2_000)]


class GuideDifferenceRow(Answer):
    """A polygon against the area with which it has most land in common."""

    number: Annotated[int, Field(description="Position among the polygons, from 1")]
    state: Literal["same", "differs", "no_area"]
    code: str | None
    name: str | None
    common_m2: float
    only_guide_m2: Annotated[float, Field(description="Land of the polygon that is not the area's")]
    only_area_m2: Annotated[float, Field(description="Land of the area that is not the polygon's")]
    place: Annotated[Polygon | MultiPolygon | None, Field(description="The largest piece of the difference")]


class GuideDifference(Answer):
    """Difference of a guide layer to the partition, one row a polygon."""

    rows: list[GuideDifferenceRow]
