"""Features of the published collections as models and as JSON Schema, made from the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from types import GenericAlias
from typing import Annotated, Any

from geojson_pydantic import (
    Feature,
    FeatureCollection,
    LineString,
    MultiLineString,
    MultiPolygon,
    Point,
    Polygon,
)
from pydantic import BaseModel, Field, WithJsonSchema, create_model

from geo_api.http.schemas import Answer, Geometry, Link
from layers.collections import COLLECTIONS, Collection, Property

_TYPES: Mapping[str, dict[str, str]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "time": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "json": {},
}
_HOLDS: Mapping[str | None, dict[str, Any]] = {
    "texts": {"type": "array", "items": {"type": "string"}},
    "object": {"type": "object", "additionalProperties": True},
    None: {},
}
_SHAPES: Mapping[str, Any] = {
    "point": Point,
    "line": LineString | MultiLineString,
    "polygon": Polygon | MultiPolygon,
}


def member_schema(prop: Property) -> dict[str, Any]:
    """JSON Schema of one property; units by the keyword of OGC API Features, part 5."""
    return {
        "title": prop.en,
        "title_zh": prop.zh,
        **_TYPES[prop.type],
        **_HOLDS[prop.json_content],
        **({"enum": list(prop.values)} if prop.values else {}),
        **({"x-ogc-unit": prop.unit} if prop.unit else {}),
    }


def singular(collection_id: str) -> str:
    """Name of one feature, as names of models and operations begin with it.

    Examples
    --------
    >>> singular("areas"), singular("hot_spots")
    ('Area', 'HotSpot')
    """
    return collection_id.title().replace("_", "").removesuffix("s")


def _annotation(prop: Property) -> Any:
    """Type of a member in an answer: what is null is said, and what people read stands in the description."""
    if prop.shape is not None:
        return Annotated[Geometry | None, Field(description=f"{prop.en} · {prop.zh}")]
    schema = member_schema(prop)
    about = f"{schema.pop('title')} · {schema.pop('title_zh')}"
    if prop.nullable:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return Annotated[Any, Field(description=about), WithJsonSchema(schema)]


def _properties_model(found: Collection) -> type[BaseModel]:
    fields: dict[str, Any] = {prop.name: (_annotation(prop), ...) for prop in found.properties}
    name = f"{singular(found.id)}Properties"
    return create_model(name, __base__=Answer, __doc__=f"{found.en} · {found.zh}", **fields)


PROPERTIES: Mapping[str, type[BaseModel]] = {c.id: _properties_model(c) for c in COLLECTIONS.values()}
"""The properties of a feature, by collection."""


def _feature_model(found: Collection) -> type[BaseModel]:
    name = singular(found.id)
    fields: dict[str, Any] = {
        "id": Annotated[
            int, Field(description="Key of the feature; of this version, where there is history")
        ],
        "geometry": Annotated[_SHAPES[found.geometry_type], Field(description="In the CRS of `Content-Crs`")],
        "properties": PROPERTIES[found.id],
        "links": (list[Link], []),
    }
    about = f"One feature of the collection {found.id}."
    return create_model(f"{name}Feature", __base__=Feature, __doc__=about, **fields)


FEATURES: Mapping[str, type[BaseModel]] = {c.id: _feature_model(c) for c in COLLECTIONS.values()}
"""One feature, by collection."""


def _page_model(found: Collection) -> type[BaseModel]:
    name = singular(found.id)
    fields: dict[str, Any] = {
        "features": GenericAlias(list, FEATURES[found.id]),
        "numberReturned": Annotated[int, Field(ge=0, description="Features on this page")],
        "numberMatched": (
            Annotated[int | None, Field(description="All that match, where that is known or `count=exact`")],
            None,
        ),
        "numberEstimated": (Annotated[int | None, Field(description="With `count=estimate`")], None),
        "countTimedOut": (Annotated[bool | None, Field(description="Counting took too long")], None),
        "links": Annotated[list[Link], Field(description="`next` leads to the next page")],
    }
    about = f"One page of the collection {found.id}."
    return create_model(f"{name}Page", __base__=FeatureCollection, __doc__=about, **fields)


PAGES: Mapping[str, type[BaseModel]] = {c.id: _page_model(c) for c in COLLECTIONS.values()}
"""One page of features, by collection."""
