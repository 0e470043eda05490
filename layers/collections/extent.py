"""Where and when: the box of the city, and the time that a collection spans."""

from __future__ import annotations

import threading
import time
from typing import Any

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from layers.collections.collection import Collection
from layers.postgres import Scope, first_row_within

REMEMBERED_S = 60.0
SPAN_S = 0.5
"""How long the span of a collection is looked for before it is left open."""
REMEMBERED_MOST = 2_000

Interval = list[str | None]


def city_box(db: Session) -> list[float]:
    """Box of the city's areas of today: the same for every collection, so that no row is given away."""
    row = db.execute(
        text(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM"
            " (SELECT ST_Extent(geom) AS e FROM areas WHERE kind IN ('city', 'county') AND valid_to IS NULL) box"
        )
    ).one()
    return [float(v) for v in row] if row[0] is not None else [-180.0, -90.0, 180.0, 90.0]


class _Spans:
    """Spans by database, collection and scope, remembered for a short time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], tuple[float, Interval]] = {}
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str, str]) -> Interval | None:
        with self._lock:
            at, found = self._known.get(key, (0.0, None))
        return found if found is not None and time.monotonic() - at < REMEMBERED_S else None

    def put(self, key: tuple[str, str, str], found: Interval) -> None:
        with self._lock:
            if len(self._known) >= REMEMBERED_MOST:
                self._known.clear()
            self._known[key] = (time.monotonic(), found)


_spans = _Spans()


def time_extent(db: Session, found: Collection, scope: Scope) -> Interval:
    """First start and last end of the features that the caller may see; None is open (RFC 3339, UTC).

    A collection whose span takes too long to find is described as open at both ends, which is never wrong.
    """
    ends = found.history or found.time
    if ends is None:
        return [None, None]
    key = (str(db.get_bind().engine.url), found.id, scope.key)
    if (known := _spans.get(key)) is not None:
        return known
    start, end = ends
    last = case((func.bool_or(end.is_(None)), None), else_=func.max(end))
    row = first_row_within(db, select(func.min(start), last).select_from(found.source), SPAN_S)
    interval: Interval = [None, None] if row is None else _texts(tuple(row))
    _spans.put(key, interval)
    return interval


def _texts(row: tuple[Any, ...]) -> Interval:
    return [None if v is None else f"{v:%Y-%m-%dT%H:%M:%SZ}" for v in row]
