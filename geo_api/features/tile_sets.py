"""Tile sets as data: the tile matrix set WebMercatorQuad, tile set metadata, TileJSON."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from geo_api.features.descriptions import TILING_SCHEME, collection_url
from geo_api.http.representations import JSON, base_url, link
from layers.codes import CRS84
from layers.collections import MAX_ZOOM, WORLD_WIDTH_M, Collection

MVT = "application/vnd.mapbox-vector-tile"
TILEJSON = "application/json"
WEB_MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
SCHEME = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
TILE_PIXELS = 256
PIXEL_M = 0.00028
"""Size of a pixel on the screen that scale denominators are defined by."""
_MIN_MAX_LAT = 85.05112877980659


def tile_matrix_set() -> dict[str, Any]:
    """WebMercatorQuad as OGC two-dimensional tile matrix set 2.0."""
    half = WORLD_WIDTH_M / 2
    matrices = [
        {
            "id": str(zoom),
            "scaleDenominator": WORLD_WIDTH_M / TILE_PIXELS / 2**zoom / PIXEL_M,
            "cellSize": WORLD_WIDTH_M / TILE_PIXELS / 2**zoom,
            "cornerOfOrigin": "topLeft",
            "pointOfOrigin": [-half, half],
            "tileWidth": TILE_PIXELS,
            "tileHeight": TILE_PIXELS,
            "matrixWidth": 2**zoom,
            "matrixHeight": 2**zoom,
        }
        for zoom in range(MAX_ZOOM + 1)
    ]
    return {
        "id": "WebMercatorQuad",
        "title": "Google Maps Compatible for the World",
        "uri": SCHEME,
        "crs": WEB_MERCATOR,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": matrices,
    }


def tile_template(request: Request, found: Collection) -> str:
    """Address of a tile with the variables of the standard."""
    return f"{collection_url(request, found)}/tiles/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"


def tile_set_item(request: Request, found: Collection) -> dict[str, Any]:
    """Return a tile set in a list of them."""
    here = f"{collection_url(request, found)}/tiles/WebMercatorQuad"
    return {
        "title": found.en,
        "dataType": "vector",
        "crs": WEB_MERCATOR,
        "tileMatrixSetURI": SCHEME,
        "links": [
            link("self", here, JSON, "Tile set"),
            link(
                TILING_SCHEME, f"{base_url(request)}/tileMatrixSets/WebMercatorQuad", JSON, "Tile matrix set"
            ),
            link("item", tile_template(request, found), MVT, "Tiles", templated=True),
        ],
    }


def tile_set(request: Request, found: Collection, box: list[float]) -> dict[str, Any]:
    """Metadata of a tile set."""
    listed = tile_set_item(request, found)
    here = f"{collection_url(request, found)}/tiles/WebMercatorQuad"
    return listed | {
        "title_zh": found.zh,
        "tileMatrixSetLimits": [],
        "boundingBox": {"lowerLeft": box[:2], "upperRight": box[2:], "crs": CRS84.uri},
        "layers": [
            {"id": name, "title": found.en, "dataType": "vector", "geometryDimension": dimension}
            for name, dimension in _layers(found)
        ],
        "links": [
            *listed["links"][1:],
            link("describedby", f"{here}?f=tilejson", TILEJSON, "TileJSON"),
            link("collection", collection_url(request, found), JSON, found.en),
        ],
    }


def _layers(found: Collection) -> list[tuple[str, int]]:
    dimension = {"point": 0, "line": 1, "polygon": 2}[found.geometry_type]
    labels = [] if found.labels is None else [(f"{found.id}_labels", 0)]
    return [(found.id, dimension), *labels]


def tile_json(request: Request, found: Collection, box: list[float]) -> dict[str, Any]:
    """TileJSON 3.0."""
    address = tile_template(request, found).format(tileMatrix="{z}", tileRow="{y}", tileCol="{x}")
    fields = {p.name: p.type for p in found.properties if p.tile}
    west, south, east, north = box
    return {
        "tilejson": "3.0.0",
        "name": found.id,
        "description": found.about_en,
        "scheme": "xyz",
        "tiles": [address],
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "bounds": [west, max(south, -_MIN_MAX_LAT), east, min(north, _MIN_MAX_LAT)],
        "vector_layers": [
            {"id": name, "fields": fields, "minzoom": 0, "maxzoom": MAX_ZOOM} for name, _ in _layers(found)
        ],
    }
