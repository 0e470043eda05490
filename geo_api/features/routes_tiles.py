"""Vector tiles of a collection, and what describes them."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from geo_api.auth.access import CallerDep, Db
from geo_api.features.live_tiles import TEMPLATE, LiveTiles, tile_response
from geo_api.features.parameters import CollectionDep, TileSelectionDep
from geo_api.features.schemas import TileJson, TileMatrixSet, TileMatrixSets, TileSet, TileSets
from geo_api.features.tile_sets import (
    MVT,
    SCHEME,
    tile_json,
    tile_matrix_set,
    tile_set,
    tile_set_item,
)
from geo_api.http.caching import NOT_MODIFIED
from geo_api.http.errors import Problem
from geo_api.http.representations import (
    AS_HTML,
    BINARY,
    JSON,
    Format,
    base_url,
    document,
    json_response,
    link,
)
from layers.collections import city_box

router = APIRouter(tags=["tiles"])
Matrix = Annotated[int, Path(alias="tileMatrix", ge=0, le=22, description="Zoom")]
Row = Annotated[int, Path(alias="tileRow", ge=0, lt=2**22, description="From the north")]
Column = Annotated[int, Path(alias="tileCol", ge=0, lt=2**22, description="From the west")]


@router.get("/tileMatrixSets", response_model=TileMatrixSets, responses=AS_HTML)
def list_tile_matrix_sets(request: Request, f: Format = None) -> Response:
    """Return the tile matrix sets that tiles are made for."""
    here = f"{base_url(request)}/tileMatrixSets/WebMercatorQuad"
    listed = {
        "id": "WebMercatorQuad",
        "title": "Google Maps Compatible for the World",
        "uri": SCHEME,
        "links": [link("self", here, JSON, "WebMercatorQuad")],
    }
    body = {"tileMatrixSets": [listed], "links": []}
    return document(request, body, asked=f, title="Tile matrix sets", title_zh="瓦片矩阵集")


@router.get("/tileMatrixSets/{tile_matrix_set_id}", response_model=TileMatrixSet, responses=AS_HTML)
def get_tile_matrix_set(request: Request, tile_matrix_set_id: str, f: Format = None) -> Response:
    """WebMercatorQuad: scales, origin and size of each matrix."""
    if tile_matrix_set_id != "WebMercatorQuad":
        raise Problem(
            "not-found", "There is one tile matrix set: WebMercatorQuad.", "仅提供 WebMercatorQuad。"
        )
    return document(request, tile_matrix_set(), asked=f, title="WebMercatorQuad", title_zh="瓦片矩阵集")


@router.get("/collections/{collection_id}/tiles", response_model=TileSets, responses=AS_HTML)
def list_tile_sets(request: Request, found: CollectionDep, f: Format = None) -> Response:
    """Return the tile sets of a collection."""
    body = {"tilesets": [tile_set_item(request, found)], "links": []}
    return document(request, body, asked=f, title=f"Tiles: {found.en}", title_zh=f"瓦片：{found.zh}")


@router.get(
    "/collections/{collection_id}/tiles/WebMercatorQuad",
    response_model=TileSet | TileJson,
    responses=AS_HTML,
)
def get_tile_set(
    request: Request,
    found: CollectionDep,
    db: Db,
    f: Annotated[
        Literal["json", "html", "tilejson"] | None, Query(description="tilejson: TileJSON 3.0")
    ] = None,
) -> Response:
    """Return a tile set: its layers, its box, the template of its addresses."""
    box = city_box(db)
    if f == "tilejson":
        return json_response(tile_json(request, found, box))
    body = tile_set(request, found, box)
    return document(request, body, asked=f, title=f"Tiles: {found.en}", title_zh=f"瓦片：{found.zh}")


@router.get(
    TEMPLATE,
    response_class=Response,
    responses={200: {"content": {MVT: {"schema": BINARY}}}, **NOT_MODIFIED},
)
async def get_tile(
    request: Request,
    found: CollectionDep,
    selection: TileSelectionDep,
    caller: CallerDep,
    tile_matrix: Matrix,
    tile_row: Row,
    tile_col: Column,
    f: Annotated[Literal["mvt"], Query(description="mvt")] = "mvt",
) -> Response:
    """One tile: layer `<id>`, and `<id>_labels` where there are label points. Row before column.

    `X-Features-Matched` and `X-Features-Shown` count; `X-Features-Truncated: true` says that the cap was met.
    `X-Features-Aggregated: true`: too many points for one by one; the layer holds cells with a `count`.
    """
    tiles: LiveTiles = request.app.state.live_tiles
    question = tiles.question(found, selection, request.scope["query_string"])
    return tile_response(await tiles.answer(question, caller, tile_matrix, tile_col, tile_row), request)
