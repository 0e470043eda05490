"""Descriptions of collections: links, reference systems, and properties as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import Request

from geo_api.features.exports import FORMATS
from geo_api.http.feature_schemas import member_schema
from geo_api.http.representations import GEOJSON, HTML, JSON, SCHEMA_JSON, base_url, link
from layers.codes import CRS84, published_uris
from layers.collections import GEOMETRY, Collection, Property, queryable_kinds

OGC = "http://www.opengis.net/def/rel/ogc/1.0/"
QUERYABLES, SORTABLES, SCHEMA = f"{OGC}queryables", f"{OGC}sortables", f"{OGC}schema"
TILESETS, TILING_SCHEMES, TILING_SCHEME = (
    f"{OGC}tilesets-vector",
    f"{OGC}tiling-schemes",
    f"{OGC}tiling-scheme",
)
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def collection_url(request: Request, found: Collection) -> str:
    """Address of a collection."""
    return f"{base_url(request)}/collections/{found.id}"


def describe(
    request: Request, found: Collection, extent: list[float], interval: list[str | None]
) -> dict[str, Any]:
    """Return a collection as ``/collections`` shows it, without ``self`` and ``alternate``."""
    box: dict[str, Any] = {"spatial": {"bbox": [extent], "crs": CRS84.uri}}
    if found.time is not None or found.history is not None:
        box["temporal"] = {"interval": [interval], "trs": GREGORIAN}
    return {
        "id": found.id,
        "title": found.en,
        "title_zh": found.zh,
        "description": found.about_en,
        "description_zh": found.about_zh,
        "itemType": "feature",
        "crs": list(published_uris()),
        "storageCrs": CRS84.uri,
        "login": found.login,
        "editable": found.editable,
        "extent": box,
        "properties": {p.name: {"type": p.type, "title": p.en, "title_zh": p.zh} for p in found.properties},
        "filterable": list(found.filterable),
        "sortable": list(found.sortable),
        "links": collection_links(request, found),
    }


def collection_links(request: Request, found: Collection) -> list[dict[str, Any]]:
    """Links from a collection to what belongs to it."""
    here = collection_url(request, found)
    return [
        link("items", f"{here}/items?f=html", HTML, "Features as HTML"),
        link("items", f"{here}/items", GEOJSON, "Features"),
        link(QUERYABLES, f"{here}/queryables", SCHEMA_JSON, "What a filter may name"),
        link(SORTABLES, f"{here}/sortables", SCHEMA_JSON, "What the order may name"),
        link(SCHEMA, f"{here}/schema", SCHEMA_JSON, "Properties of a feature"),
        link(TILESETS, f"{here}/tiles", JSON, "Vector tiles"),
        link("monitor", f"{here}/changes", JSON, "Rows that changed"),
        *(
            link("enclosure", f"{here}/export?f={name}", made.media_type, f"Everything as one file ({name})")
            for name, made in FORMATS.items()
        ),
    ]


def queryables(request: Request, found: Collection) -> dict[str, Any]:
    """Return the properties that ``filter`` may name."""
    names = queryable_kinds(found)
    properties = _schemas(p for p in found.properties if p.name in names)
    geometry = {GEOMETRY: _geometry_schema(found)}
    return _schema(f"{collection_url(request, found)}/queryables", found, geometry | properties)


def sortables(request: Request, found: Collection) -> dict[str, Any]:
    """Return the properties that ``sortby`` may name."""
    properties = _schemas(p for p in found.properties if p.sortable)
    return _schema(f"{collection_url(request, found)}/sortables", found, properties)


def schema(request: Request, found: Collection) -> dict[str, Any]:
    """Every property of a feature."""
    geometry = {GEOMETRY: _geometry_schema(found) | {"x-ogc-role": "primary-geometry"}}
    key = {"id": {"type": "integer", "readOnly": True, "x-ogc-role": "id"}}
    properties = key | geometry | _schemas(found.properties)
    return _schema(f"{collection_url(request, found)}/schema", found, properties)


def _schema(address: str, found: Collection, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "$schema": DIALECT,
        "$id": address,
        "type": "object",
        "title": found.en,
        "title_zh": found.zh,
        "properties": properties,
        "additionalProperties": False,
    }


def _schemas(properties: Iterable[Property]) -> dict[str, Any]:
    return {p.name: member_schema(p) for p in properties}


def _geometry_schema(found: Collection) -> dict[str, Any]:
    kind = {"point": "point", "line": "linestring", "polygon": "multipolygon"}[found.geometry_type]
    return {"title": "Geometry", "title_zh": "几何", "format": f"geometry-{kind}"}
