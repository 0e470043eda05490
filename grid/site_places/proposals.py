"""Places that the gazetteer proposes for addresses, with their scores; none is taken unless somebody says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy.orm import Session

from grid.gazetteer import find_places
from grid.site_places.listing import UnplacedSite

AT_ONCE = 200
"""Addresses that are looked up together."""


@dataclass(frozen=True)
class PlaceProposal:
    """The best place of the gazetteer for the address of a site.

    Attributes
    ----------
    name, kind : str
        Of the place: a road, a site, a village; a road stands for a point at half its length.
    lon, lat : float
        EPSG:4326, degrees.
    score : float
        0 to 1.
    matched : str
        Part of the address that has its name.
    """

    name: str
    kind: str
    lon: float
    lat: float
    score: float
    matched: str


def propose_places(db: Session, sites: Sequence[UnplacedSite]) -> dict[str, PlaceProposal]:
    """Return the best place for each site by its id; none where the gazetteer finds nothing, or another city.

    Sites of one address get one place.
    """
    addresses = sorted({site.address for site in sites if site.address})
    best: dict[str, PlaceProposal] = {}
    for first in range(0, len(addresses), AT_ONCE):
        for found in find_places(db, addresses[first : first + AT_ONCE], most=1):
            for one in found.candidates:
                best[found.address] = PlaceProposal(
                    one.name, one.kind, one.lon, one.lat, one.score, one.matched
                )
    return {site.site_id: best[site.address] for site in sites if site.address in best}


def accepted(proposals: Mapping[str, PlaceProposal], above: float) -> pl.DataFrame:
    """Return the proposals with at least a score, as `grid.site_places.place_sites` takes them.

    Examples
    --------
    >>> found = {"S-1": PlaceProposal("大洋港路", "road", 121.0, 32.0, 0.95, "大洋港路"),
    ...          "S-2": PlaceProposal("吕四港镇", "town", 121.1, 32.1, 0.7, "吕四港镇")}
    >>> accepted(found, 0.9).select("site_id", "place_score").rows()
    [('S-1', 0.95)]
    """
    rows = [
        (site_id, one.lon, one.lat, "gazetteer", one.score, one.name)
        for site_id, one in proposals.items()
        if one.score >= above
    ]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row")


_SCHEMA = {
    "site_id": pl.Utf8,
    "lon": pl.Float64,
    "lat": pl.Float64,
    "place_source": pl.Utf8,
    "place_score": pl.Float64,
    "place_name": pl.Utf8,
}
