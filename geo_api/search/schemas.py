"""Answers of the search."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from geo_api.http.schemas import Answer

GroupName = Literal["areas", "companies", "cases", "alerts", "vehicles", "grids", "places", "coordinates"]
Reason = Literal[
    "name",
    "former_name",
    "pinyin",
    "initials",
    "code",
    "uscc",
    "site_id",
    "number",
    "plate",
    "vehicle_id",
    "address",
    "coordinates",
]


class SearchHit(Answer):
    """A thing that the text may mean."""

    kind: Annotated[
        str,
        Field(
            description="A kind of area, `site`, `case`, `alert`, `vehicle`, `road`, `waterway` or `coordinate`"
        ),
    ]
    key: Annotated[str, Field(description="Code, number of the site, case, alert or vehicle, or `lon,lat`")]
    id: Annotated[int | None, Field(description="Key of the feature in its collection")]
    title: Annotated[str, Field(description="Name or number; the plate of a vehicle is masked by role")]
    title_en: str | None
    matched_by: Annotated[Reason, Field(description="Why it was found")]
    former: Annotated[bool, Field(description="A name of before")]
    state: Annotated[
        str | None, Field(description="Of a case, alert or site its state; of a vehicle its kind")
    ]
    within: Annotated[list[str], Field(description="Names of the areas that hold it, the largest first")]
    lon: Annotated[float | None, Field(description="Degrees, EPSG:4326")]
    lat: Annotated[float | None, Field(description="Degrees, EPSG:4326")]
    bbox: Annotated[list[float] | None, Field(description="West, south, east, north of an area")]
    crs: Annotated[
        Literal["wgs84", "gcj02", "bd09"] | None, Field(description="Of a coordinate: as it was read")
    ]
    order: Annotated[
        Literal["lon_lat", "lat_lon"] | None, Field(description="Of a coordinate: as it was read")
    ]
    distance_m: Annotated[
        float | None,
        Field(ge=0, description="Of a coordinate: from the reading that is taken, the first one"),
    ]
    score: Annotated[float | None, Field(ge=0, le=1, description="Of a place that an address names")]


class SearchGroup(Answer):
    """Hits of one sort, the best first."""

    group: GroupName
    count: Annotated[int, Field(ge=0, le=100, description="How many the caller may see, 100 at most")]
    more: Annotated[bool, Field(description="There are more than 100")]
    hits: list[SearchHit]


class SearchAnswer(Answer):
    """Groups of hits, as far as the caller may see them; groups without hits are left out."""

    q: str
    groups: list[SearchGroup]
