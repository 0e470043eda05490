"""The gazetteer (地名库): names of areas, roads, waterways and sites, and places for the text of an address."""

from __future__ import annotations

from grid.gazetteer.refreshing import SourceState, refresh_place_names, source_states
from grid.gazetteer.searching import FoundPlaces, PlaceCandidate, find_places

__all__ = [
    "FoundPlaces",
    "PlaceCandidate",
    "SourceState",
    "find_places",
    "refresh_place_names",
    "source_states",
]
