"""Extent of a collection: the box of the city, and the time span of the features."""

from __future__ import annotations

import threading
import time
from typing import Any

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from layers.collections.collection import Collection
from layers.postgres import Scope, first_row_within

CACHE_S = 60.0
SPAN_S = 0.5
"""Greatest time to compute the span of a collection, seconds."""
MAX_CACHED = 2_000

Interval = list[str | None]


def city_box(db: Session) -> list[float]:
    """Return the box of the city's present areas: west, south, east, north, degrees.

    It is the same for every collection, so that it reveals no row.
    """
    row = db.execute(
        text(
            "SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM"
            " (SELECT ST_Extent(geom) AS e FROM areas"
            " WHERE kind IN ('city', 'county') AND holds_at(valid_from, valid_to)) box"
        )
    ).one()
    return [float(v) for v in row] if row[0] is not None else [-180.0, -90.0, 180.0, 90.0]


class _SpanCache:
    """Cache of time spans by database, collection and scope."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], tuple[float, Interval]] = {}
        self._lock = threading.Lock()

    def get(self, key: tuple[str, str, str]) -> Interval | None:
        with self._lock:
            at, found = self._known.get(key, (0.0, None))
        return found if found is not None and time.monotonic() - at < CACHE_S else None

    def put(self, key: tuple[str, str, str], found: Interval) -> None:
        with self._lock:
            if len(self._known) >= MAX_CACHED:
                self._known.clear()
            self._known[key] = (time.monotonic(), found)


_spans = _SpanCache()


def time_extent(db: Session, found: Collection, scope: Scope) -> Interval:
    """Return first start and last end of the features visible to the caller (RFC 3339, UTC); None is open.

    A collection whose span takes too long to compute gets two open ends, which is always correct.
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
