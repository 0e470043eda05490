"""Hits and groups of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

MOST_COUNTED = 100
"""A group with more hits says that there are more, not how many."""
MOST_LOOKED_AT = 1_000
"""Rows of one key that are ranked."""


@dataclass(frozen=True)
class Hit:
    """A thing that a text may mean.

    Attributes
    ----------
    kind : str
        A kind of area, ``site``, ``case``, ``alert``, ``vehicle``, ``road``, ``waterway`` or ``coordinate``.
    key : str
        Code, number of the site, case, alert or vehicle, or ``lon,lat``.
    title : str
        Name; of a vehicle its plate as it is stored.
    matched_by : str
        Why it was found: ``name``, ``former_name``, ``pinyin``, ``initials``, ``code``, ``uscc``, ``site_id``,
        ``number``, ``plate``, ``vehicle_id``, ``address`` or ``coordinates``.
    id : int or None
        Key of its row.
    lon, lat : float or None
        Degrees, EPSG:4326.
    bbox : tuple of four float, or None
        West, south, east, north of an area, in degrees.
    distance_m : float or None
        Of a coordinate: from the reading that was taken.
    """

    kind: str
    key: str
    title: str
    matched_by: str
    title_en: str | None = None
    id: int | None = None
    former: bool = False
    state: str | None = None
    within: tuple[str, ...] = ()
    lon: float | None = None
    lat: float | None = None
    bbox: tuple[float, ...] | None = None
    crs: str | None = None
    order: str | None = None
    distance_m: float | None = None
    score: float | None = None

    def with_title(self, title: str) -> Hit:
        """Return the hit under another title."""
        return replace(self, title=title)


@dataclass(frozen=True)
class Group:
    """Hits of one sort.

    Attributes
    ----------
    count : int
        How many there are, ``MOST_COUNTED`` at most.
    more : bool
        There are more than were counted.
    """

    name: str
    hits: tuple[Hit, ...]
    count: int
    more: bool


def grouped(name: str, hits: Sequence[Hit], count: int) -> Group:
    """Return a group.

    Examples
    --------
    >>> grouped("cases", [], 101).more, grouped("cases", [], 101).count, grouped("cases", [], 3).count
    (True, 100, 3)
    """
    return Group(name, tuple(hits), min(count, MOST_COUNTED), count > MOST_COUNTED)


def group_of_rows(name: str, rows: Sequence[Mapping[Any, Any]]) -> Group:
    """Return a group of rows whose columns are attributes of hits, and ``n_found``."""
    hits = [_hit(row) for row in rows]
    return grouped(name, hits, rows[0]["n_found"] if rows else 0)


def _hit(row: Mapping[Any, Any]) -> Hit:
    values: dict[str, Any] = {
        str(key): tuple(value) if isinstance(value, list) else value
        for key, value in row.items()
        if key != "n_found"
    }
    return Hit(**values)
