"""Base maps of an installation: the roads, a local PMTiles file, tiles of other hosts with their datum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from geo_api.http.settings import Settings
from layers.errors import InputError
from layers.ground import BaseMapFile, check_base_map

FILE_PATH = "v1/base-map.pmtiles"


@dataclass(frozen=True)
class BaseMaps:
    """Base maps on offer; ``problem`` says why a local file is not among them."""

    file: BaseMapFile | None
    documents: tuple[dict[str, Any], ...]
    origins: tuple[str, ...]
    problem: str = ""


def base_maps_of(settings: Settings) -> BaseMaps:
    """Look at the local file and list what the page may offer; a file that cannot be served is left out."""
    path, found, problem = settings.base_map_path(), None, ""
    if path is not None:
        try:
            found = check_base_map(path)
        except InputError as error:
            problem = str(error)
    sources = settings.base_map_sources()
    documents = [_file_document(found)] if found else []
    documents += [
        {
            "id": f"tiles-{number}",
            "kind": "tiles",
            "name": {"zh": source.name_zh, "en": source.name_en or source.name_zh},
            "url": source.url,
            "datum": source.datum,
            "attribution": source.attribution,
            "max_zoom": source.max_zoom,
        }
        for number, source in enumerate(sources, 1)
    ]
    origins = dict.fromkeys(f"{p.scheme}://{p.netloc}" for p in (urlsplit(s.url) for s in sources))
    return BaseMaps(found, tuple(documents), tuple(origins), problem)


def _file_document(found: BaseMapFile) -> dict[str, Any]:
    return {
        "id": "file",
        "kind": found.tiles,
        "name": {"zh": "本地底图", "en": "Local base map"},
        "url": FILE_PATH,
        "datum": "wgs84",
        "attribution": found.attribution or found.name,
        "max_zoom": found.max_zoom,
    }
