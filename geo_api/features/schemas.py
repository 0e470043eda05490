"""Answers and bodies of collections, tiles, edits of features and tracks, by OGC API Common, Features and Tiles."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from geojson_pydantic import (
    Feature,
    FeatureCollection,
    LineString,
    MultiLineString,
    MultiPolygon,
    Point,
    Polygon,
)
from pydantic import BaseModel, Field

from geo_api.http.schemas import Answer, Choice, Link, SiteKind
from layers.imports import PLACE_KINDS

PlaceKind = Annotated[str, Choice("PlaceKind", PLACE_KINDS)]
Box = Annotated[list[float], Field(min_length=4, max_length=4, description="West, south, east, north")]


class SpatialExtent(Answer):
    """Spatial extent of the features."""

    bbox: list[Box]
    crs: str


class TemporalExtent(Answer):
    """Time interval of the features; null is open."""

    interval: Annotated[
        list[Annotated[list[str | None], Field(min_length=2, max_length=2)]],
        Field(description="First and last time, RFC 3339"),
    ]
    trs: str


class Extent(Answer):
    """Spatial and temporal extent."""

    spatial: SpatialExtent
    temporal: TemporalExtent | None = None


class CollectionProperty(Answer):
    """A property of the features of a collection."""

    type: Literal["text", "integer", "number", "boolean", "time", "date", "json"]
    title: str
    title_zh: str


class CollectionDescription(Answer):
    """One collection."""

    id: str
    title: str
    title_zh: str
    description: str
    description_zh: str
    itemType: Literal["feature"]
    crs: Annotated[list[str], Field(description="CRSs that `crs` takes")]
    storageCrs: str
    login: Annotated[bool, Field(description="Read by those who are logged in only")]
    editable: Annotated[bool, Field(description="Features are created, replaced, changed and deleted")]
    extent: Extent
    properties: dict[str, CollectionProperty]
    filterable: Annotated[list[str], Field(description="Properties that are query parameters too")]
    sortable: Annotated[list[str], Field(description="Properties that `sortby` takes")]
    links: list[Link]


class Collections(Answer):
    """The collections that the caller may read."""

    collections: list[CollectionDescription]
    crs: list[str]
    links: list[Link]


class PropertiesSchema(Answer):
    """Properties of features as a JSON Schema (draft 2020-12)."""

    dialect: Annotated[str, Field(alias="$schema")]
    address: Annotated[str, Field(alias="$id")]
    type: Literal["object"]
    title: str
    title_zh: str
    properties: Annotated[dict[str, dict[str, Any]], Field(description="A JSON Schema each")]
    additionalProperties: bool


class TileMatrix(Answer):
    """One zoom of a tile matrix set."""

    id: str
    scaleDenominator: float
    cellSize: Annotated[float, Field(description="Metres a pixel")]
    cornerOfOrigin: Literal["topLeft"]
    pointOfOrigin: Annotated[list[float], Field(min_length=2, max_length=2)]
    tileWidth: int
    tileHeight: int
    matrixWidth: int
    matrixHeight: int


class TileMatrixSet(Answer):
    """A tile matrix set (OGC 17-083r4)."""

    id: str
    title: str
    uri: str
    crs: str
    orderedAxes: list[str]
    wellKnownScaleSet: str
    tileMatrices: list[TileMatrix]
    links: list[Link]


class TileMatrixSetItem(Answer):
    """A tile matrix set in a list."""

    id: str
    title: str
    uri: str
    links: list[Link]


class TileMatrixSets(Answer):
    """The tile matrix sets that tiles are made for."""

    tileMatrixSets: list[TileMatrixSetItem]
    links: list[Link]


class TileSetItem(Answer):
    """A tile set in a list."""

    title: str
    dataType: Literal["vector"]
    crs: str
    tileMatrixSetURI: str
    links: list[Link]


class TileSets(Answer):
    """The tile sets of a collection."""

    tilesets: list[TileSetItem]
    links: list[Link]


class TileBox(Answer):
    """The box of a tile set."""

    lowerLeft: Annotated[list[float], Field(min_length=2, max_length=2)]
    upperRight: Annotated[list[float], Field(min_length=2, max_length=2)]
    crs: str


class TileLayer(Answer):
    """A layer of the tiles of a tile set."""

    id: str
    title: str
    dataType: Literal["vector"]
    geometryDimension: Annotated[int, Field(ge=0, le=2, description="0 points, 1 lines, 2 polygons")]


class TileSet(TileSetItem):
    """Metadata of a tile set."""

    title_zh: str
    tileMatrixSetLimits: list[dict[str, Any]]
    boundingBox: TileBox
    layers: list[TileLayer]


class TileJsonLayer(Answer):
    """A layer by TileJSON."""

    id: str
    fields: Annotated[dict[str, str], Field(description="Type of each property")]
    minzoom: int
    maxzoom: int


class TileJson(Answer):
    """A tile set by TileJSON 3.0."""

    tilejson: Literal["3.0.0"]
    name: str
    description: str
    scheme: Literal["xyz"]
    tiles: list[str]
    minzoom: int
    maxzoom: int
    bounds: Box
    vector_layers: list[TileJsonLayer]


class SiteInputProperties(BaseModel):
    """Properties of a site as they are sent; its other properties are accepted and have no effect."""

    site_id: Annotated[str, Field(min_length=1, max_length=200, description="Yours, unique")]
    kind: SiteKind
    uscc: Annotated[str, Field(description="Of an enterprise that is registered")]
    boundary: Polygon | MultiPolygon | None = None


class SiteInput(BaseModel):
    """A site as a GeoJSON feature."""

    type: Literal["Feature"]
    geometry: Point
    properties: SiteInputProperties


class SitePropertiesPatch(BaseModel):
    """Properties of a site that change."""

    site_id: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    kind: SiteKind | None = None
    uscc: str | None = None
    boundary: Polygon | MultiPolygon | None = None


class SitePatch(BaseModel):
    """Members of a site that change (RFC 7396)."""

    geometry: Point | None = None
    properties: SitePropertiesPatch | None = None


class PlaceInputProperties(BaseModel):
    """Properties of a place as they are sent."""

    kind: PlaceKind
    radius_m: Annotated[float, Field(ge=1, le=5000)]


class PlaceInput(BaseModel):
    """A place as a GeoJSON feature."""

    type: Literal["Feature"]
    geometry: Point
    properties: PlaceInputProperties


class PlacePropertiesPatch(BaseModel):
    """Properties of a place that change."""

    kind: PlaceKind | None = None
    radius_m: Annotated[float | None, Field(ge=1, le=5000)] = None


class PlacePatch(BaseModel):
    """Members of a place that change (RFC 7396)."""

    geometry: Point | None = None
    properties: PlacePropertiesPatch | None = None


INPUTS: Mapping[str, type[BaseModel]] = {"sites": SiteInput, "places": PlaceInput}
"""What creates or replaces a feature, by editable collection."""
PATCHES: Mapping[str, type[BaseModel]] = {"sites": SitePatch, "places": PlacePatch}
"""What changes a feature, by editable collection."""


class DrivenPart(Answer):
    """A stretch without a gap."""

    start: Annotated[dt.datetime, Field(alias="from")]
    until: Annotated[dt.datetime, Field(alias="to")]
    n_fixes: int


class DrivenProperties(Answer):
    """The way that was driven."""

    kind: Literal["track"]
    vehicle_id: str
    n_fixes: int
    parts: Annotated[list[DrivenPart], Field(description="One for each line of the geometry")]


class GapProperties(Answer):
    """A time without signal."""

    kind: Literal["gap"]
    gap_s: float
    start: Annotated[dt.datetime, Field(alias="from")]
    until: Annotated[dt.datetime, Field(alias="to")]


class DrivenFeature(Feature[MultiLineString, DrivenProperties]):
    """The way that was driven; no geometry without two fixes."""

    id: Annotated[None, Field(exclude=True)] = None
    properties: DrivenProperties


class GapFeature(Feature[LineString, GapProperties]):
    """From the last fix before a gap to the first after it."""

    id: Annotated[None, Field(exclude=True)] = None
    geometry: LineString
    properties: GapProperties


class VehicleTrack(FeatureCollection[DrivenFeature | GapFeature]):
    """The track of one vehicle, then its gaps."""

    fix_count: int
    start: Annotated[dt.datetime, Field(alias="from")]
    until: Annotated[dt.datetime, Field(alias="to")]
