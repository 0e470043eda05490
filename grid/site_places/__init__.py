"""Sites without place: listed, proposed a place by the gazetteer, and placed by it, by a file or by a click."""

from __future__ import annotations

from grid.site_places.listing import UnplacedSite, count_matching, read_unplaced
from grid.site_places.placing import find_sites, place_as_batch, place_sites, with_cells
from grid.site_places.proposals import PlaceProposal, accepted, propose_places

__all__ = [
    "PlaceProposal",
    "UnplacedSite",
    "accepted",
    "count_matching",
    "find_sites",
    "place_as_batch",
    "place_sites",
    "propose_places",
    "read_unplaced",
    "with_cells",
]
