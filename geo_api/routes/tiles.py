"""Vector tiles of a collection."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from geo_api.access import Db
from geo_api.caching import cached_response
from geo_api.parameters import CollectionDep, TileSelectionDep
from layers.tiles import read_tile

MVT = "application/vnd.mapbox-vector-tile"
router = APIRouter(tags=["tiles"])
Matrix = Annotated[int, Path(ge=0, le=22, description="Zoom")]
Place = Annotated[int, Path(ge=0, lt=2**22)]


@router.get(
    "/collections/{collection_id}/tiles/WebMercatorQuad/{tile_matrix}/{tile_row}/{tile_col}",
    response_class=Response,
)
def tile(
    request: Request,
    found: CollectionDep,
    selection: TileSelectionDep,
    tile_matrix: Matrix,
    tile_row: Place,
    tile_col: Place,
    db: Db,
) -> Response:
    """One tile: layer ``<id>``, and ``<id>_labels`` where there are label points. Row before column.

    ``X-Features-Matched`` and ``X-Features-Shown`` count; ``X-Features-Truncated: true`` says that the cap was met.
    """
    made = read_tile(db, found, selection, zoom=tile_matrix, column=tile_col, row=tile_row)
    counts = {
        "X-Features-Matched": f"{made.matched}",
        "X-Features-Shown": f"{made.shown}",
        "X-Features-Truncated": "true" if made.truncated else "false",
    }
    return cached_response(request, made.body, MVT, private=found.login, headers=counts)
