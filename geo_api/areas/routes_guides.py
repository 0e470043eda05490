"""Guide layers (参考图层): files that a grid manager draws by, read and given back, never stored."""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import shapely
from fastapi import APIRouter, Depends, Query, Request, Response

from geo_api.areas.guide_schemas import GuideDifference, GuideDifferenceBody, GuideLayerAnswer
from geo_api.auth.access import Db, needs
from geo_api.http.caching import PRIVATE
from geo_api.http.representations import BINARY, json_response
from grid.change_sets.history import guide_difference
from layers.imports import read_guide_file
from layers.imports.guide_files import GUIDE_DRIVERS

router = APIRouter(prefix="/v1/guide-layers", tags=["change sets"])
EDITING = [needs("edit_areas")]
HEADERS = {"Cache-Control": PRIVATE}
_PLAIN = re.compile(r"[\w(（][\w .()（）-]{0,99}")
"""Names of files that are used as they are, so that messages have them."""
FILE: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": BINARY}}}
}
FileName = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        description=f"Name of the file; its ending says the format: {', '.join(GUIDE_DRIVERS)}",
    ),
]
CrsName = Annotated[
    str,
    Query(
        min_length=1, max_length=20, description="wgs84, cgcs2000, gcj02, bd09, EPSG:n, or file: as it states"
    ),
]


async def sent_file(request: Request) -> bytes:
    """Return the body; its size was limited before."""
    return await request.body()


@router.post("", response_model=GuideLayerAnswer, dependencies=EDITING, openapi_extra=FILE)
def read_guide_layer(
    content: Annotated[bytes, Depends(sent_file)],
    name: FileName,
    crs: CrsName,
    ignore_file_crs: Annotated[
        bool, Query(description="What the file states of its system is wrong: read it as crs says")
    ] = False,
) -> Response:
    """Read a file of lines, polygons or points as GeoJSON in WGS-84: the body is the file. Nothing of it is stored."""
    plain = Path(name.replace("\\", "/")).name
    with tempfile.TemporaryDirectory(prefix="guide-") as folder:
        path = Path(folder) / (plain if _PLAIN.fullmatch(plain) else f"guide{Path(plain).suffix.lower()}")
        path.write_bytes(content)
        found = read_guide_file(path, crs, ignore_own_crs=ignore_file_crs)
    features = [
        {"type": "Feature", "properties": {"name": title}, "geometry": json.loads(shape)}
        for title, shape in zip(found.names, shapely.to_geojson(found.shapes), strict=True)
    ]
    collection = {"type": "FeatureCollection", "features": features}
    return json_response(
        {"name": plain, "crs": found.crs, "notes": found.notes, "features": collection}, headers=HEADERS
    )


@router.post("/difference", response_model=GuideDifference, dependencies=EDITING)
def get_guide_difference(body: GuideDifferenceBody, db: Db) -> Response:
    """Compare polygons with the areas of a kind that hold now, each with the one that has most of its land."""
    shapes = [shapely.from_geojson(polygon.model_dump_json()) for polygon in body.polygons]
    rows = guide_difference(db, shapes, body.kind)
    shown = [
        asdict(row) | {"place": None if row.place is None else json.loads(shapely.to_geojson(row.place))}
        for row in rows
    ]
    return json_response({"rows": shown}, headers=HEADERS)
