"""One search over areas, grids, companies, cases, alerts, vehicles, places and coordinates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.gazetteer import find_places
from grid.search.coordinates import Box, CoordinateReading, read_coordinates
from grid.search.hits import Group, Hit, grouped
from grid.search.names import find_areas, find_sites
from grid.search.numbers import find_alert, find_cases, find_vehicles
from layers.postgres import Scope

MOST_CHARACTERS = 100
ADMINISTRATIVE = ("city", "county", "town", "community", "functional_zone", "water")
GRIDS = ("unit_grid", "responsibility_grid", "evaluation_grid")
_HAS_LETTERS = re.compile("[a-zA-Z\u3400-\u9fff]{2}")


@dataclass(frozen=True)
class Asked:
    """A search.

    Attributes
    ----------
    written : str
        The text; the first 100 characters are read.
    scope : Scope
        That of the transaction.
    limit : int
        Hits of a group.
    reads : frozenset of str
        Of ``cases``, ``alerts`` and ``vehicles`` those that the caller may search.
    """

    written: str
    scope: Scope
    limit: int = 5
    reads: frozenset[str] = field(default_factory=frozenset)


def find(db: Session, asked: Asked) -> list[Group]:
    """Return what a text may mean to the caller, by groups with their counts; groups without hits are left out.

    A text of two coordinates means these alone.
    """
    written = asked.written[:MOST_CHARACTERS].replace("\x00", " ").strip()
    if not written:
        return []
    if read_coordinates(written):
        readings = read_coordinates(written, _city_box(db))
        return [grouped("coordinates", [_coordinate(each, written) for each in readings], len(readings))]
    groups = [group for group in _groups(db, asked, written) if group.hits]
    places = _places(db, asked, written, {group.name for group in groups})
    return groups + ([places] if places.hits else [])


def _groups(db: Session, asked: Asked, written: str) -> Iterator[Group]:
    limit = asked.limit
    yield find_areas(db, written, "areas", ADMINISTRATIVE, limit)
    yield find_sites(db, written, limit)
    if "cases" in asked.reads:
        yield find_cases(db, written, asked.scope, limit)
    if "alerts" in asked.reads:
        yield find_alert(db, written)
    if "vehicles" in asked.reads:
        yield find_vehicles(db, written, asked.scope, limit)
    yield find_areas(db, written, "grids", GRIDS, limit)


def _coordinate(reading: CoordinateReading, written: str) -> Hit:
    return Hit(
        "coordinate",
        f"{reading.lon:.6f},{reading.lat:.6f}",
        written,
        "coordinates",
        lon=reading.lon,
        lat=reading.lat,
        crs=reading.crs,
        order=reading.order,
        distance_m=reading.distance_m,
    )


def _places(db: Session, asked: Asked, written: str, found: set[str]) -> Group:
    """Return roads, waterways and what an address names, without what the other groups have."""
    if not _HAS_LETTERS.search(written):
        return grouped("places", [], 0)
    (answer,) = find_places(db, [written])
    others = {"site"} if "companies" in found else set()
    others |= set(ADMINISTRATIVE) if "areas" in found else set()
    hits = [
        Hit(
            each.kind,
            f"{each.lon:.6f},{each.lat:.6f}",
            each.name,
            "former_name" if each.former else "address",
            former=each.former,
            lon=each.lon,
            lat=each.lat,
            score=each.score,
        )
        for each in answer.candidates
        if each.kind not in others and each.kind not in GRIDS
    ]
    return grouped("places", hits[: asked.limit], len(hits))


def _city_box(db: Session) -> Box | None:
    row = db.execute(_BOX).one()
    return None if row[0] is None else (row[0], row[1], row[2], row[3])


_BOX = text("""
SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b)
FROM (SELECT ST_Extent(geom) AS b FROM areas WHERE kind = 'city' AND holds_at(valid_from, valid_to)) c
""")
