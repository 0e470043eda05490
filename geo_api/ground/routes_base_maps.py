"""The local base map, by ranges of bytes."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from geo_api.ground.base_maps import FILE_PATH, BaseMaps
from geo_api.http.errors import Problem
from geo_api.http.representations import BINARY

router = APIRouter(tags=["base maps"])
PMTILES = "application/vnd.pmtiles"


_FILE = {"content": {PMTILES: {"schema": BINARY}}}
_BEYOND = {
    "description": "A range beyond the file",
    "content": {"text/plain": {"schema": {"type": "string"}}},
}


@router.get(f"/{FILE_PATH}", response_class=Response, responses={200: _FILE, 206: _FILE, 416: _BEYOND})
def get_base_map(request: Request) -> Response:
    """Return the PMTiles file of this installation, whole or in ranges of bytes."""
    maps: BaseMaps = request.app.state.base_maps
    if maps.file is None or not maps.file.path.is_file():
        raise Problem("not-found", "There is no local base map.", "未配置本地底图。")
    # Ranges are of the file's own bytes: nothing may compress them on the way.
    headers = {"Cache-Control": "public, max-age=3600", "Content-Encoding": "identity"}
    return FileResponse(maps.file.path, media_type=PMTILES, headers=headers)
