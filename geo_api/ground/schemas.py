"""Answers on base maps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from geo_api.http.schemas import Answer


class BaseMapName(Answer):
    """Name in both languages."""

    zh: str
    en: str


class BaseMapDocument(Answer):
    """A base map that the page offers beside the roads."""

    id: str
    kind: Annotated[
        Literal["vector", "raster", "tiles"],
        Field(
            description="vector, raster: a PMTiles file of this service; tiles: pictures by column and row"
        ),
    ]
    name: BaseMapName
    url: Annotated[str, Field(description="Of a file below the service's root; of tiles the template")]
    datum: Annotated[Literal["wgs84", "cgcs2000", "gcj02"], Field(description="What the tiles are drawn in")]
    attribution: str
    max_zoom: int
