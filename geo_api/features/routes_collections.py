"""The published collections: what there is, and what their features are made of."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from geo_api.auth.access import CallerDep, Db
from geo_api.features import descriptions
from geo_api.features.parameters import CollectionDep, may_read
from geo_api.features.schemas import CollectionDescription, Collections, PropertiesSchema
from geo_api.http.representations import AS_HTML, JSON, SCHEMA_JSON, Format, SchemaJson, document, link
from layers.codes import published_uris
from layers.collections import COLLECTIONS, city_box, time_extent

router = APIRouter(tags=["collections"])


@router.get("/collections", response_model=Collections, responses=AS_HTML)
def list_collections(request: Request, caller: CallerDep, db: Db, f: Format = None) -> Response:
    """Every collection that the caller may read."""
    extent = city_box(db)
    shown = []
    for found in COLLECTIONS.values():
        if may_read(caller, found):
            described = descriptions.describe(request, found, extent, time_extent(db, found, caller.scope))
            own = link("self", descriptions.collection_url(request, found), JSON, found.en)
            shown.append(described | {"links": [own, *described["links"]]})
    body = {"collections": shown, "crs": list(published_uris()), "links": []}
    return document(request, body, asked=f, title="Collections", title_zh="数据集")


@router.get("/collections/{collection_id}", response_model=CollectionDescription, responses=AS_HTML)
def get_collection(
    request: Request, found: CollectionDep, caller: CallerDep, db: Db, f: Format = None
) -> Response:
    """One collection, with its properties."""
    body = descriptions.describe(request, found, city_box(db), time_extent(db, found, caller.scope))
    return document(request, body, asked=f, title=found.en, title_zh=found.zh)


@router.get(
    "/collections/{collection_id}/queryables",
    response_model=PropertiesSchema,
    response_class=SchemaJson,
    responses=AS_HTML,
)
def get_queryables(request: Request, found: CollectionDep, f: Format = None) -> Response:
    """Properties that `filter` may name, as JSON Schema."""
    body = descriptions.queryables(request, found)
    return document(
        request, body, asked=f, title="Queryables", title_zh="可查询属性", media=SCHEMA_JSON, own=False
    )


@router.get(
    "/collections/{collection_id}/sortables",
    response_model=PropertiesSchema,
    response_class=SchemaJson,
    responses=AS_HTML,
)
def get_sortables(request: Request, found: CollectionDep, f: Format = None) -> Response:
    """Properties that `sortby` may name, as JSON Schema."""
    body = descriptions.sortables(request, found)
    return document(
        request, body, asked=f, title="Sortables", title_zh="可排序属性", media=SCHEMA_JSON, own=False
    )


@router.get(
    "/collections/{collection_id}/schema",
    response_model=PropertiesSchema,
    response_class=SchemaJson,
    responses=AS_HTML,
)
def get_feature_schema(request: Request, found: CollectionDep, f: Format = None) -> Response:
    """Every property of a feature, as JSON Schema."""
    body = descriptions.schema(request, found)
    return document(request, body, asked=f, title="Schema", title_zh="属性结构", media=SCHEMA_JSON, own=False)
