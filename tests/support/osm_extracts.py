"""Extracts of OpenStreetMap, written by pyosmium."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from osmium import SimpleWriter
from osmium.osm.mutable import Node, Way

Tags = Mapping[str, str]
Corners = Sequence[tuple[float, float]]


def write_extract(path: Path, ways: Mapping[int, tuple[Tags, Corners]]) -> Path:
    """Write ways by id with their tags and places (lon, lat); ``path`` ends in ``.osm.pbf`` or ``.osm``."""
    places: dict[tuple[float, float], int] = {}
    for _, corners in ways.values():
        for place in corners:
            places.setdefault(place, len(places) + 1)
    with SimpleWriter(str(path)) as writer:
        for place, number in places.items():
            writer.add_node(Node(id=number, location=place, version=1))
        for number, (tags, corners) in sorted(ways.items()):
            nodes = [places[place] for place in corners]
            writer.add_way(Way(id=number, nodes=nodes, tags=dict(tags), version=1))
    return path
