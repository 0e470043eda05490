"""Cache of point indexes per process and database, renewed when an area of their kind changes."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Text, cast, func, literal_column, select
from sqlalchemy.orm import Session

from grid.areas.history import read_areas, time_or_now, valid_at
from grid.areas.point_index import AreaCover
from layers.tables import Area

Version = tuple[int, int, int]
MAX_CACHED = 8
"""Indexes kept in a process: the newest ones by use."""


@dataclass(frozen=True)
class KindPointIndex:
    """Point index over the areas of one kind at one time, with the areas in its order."""

    version: Version
    cover: AreaCover
    ids: NDArray[np.int64]
    areas: gpd.GeoDataFrame

    def locate(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the id of the area of each point, -1 outside all of them."""
        if not len(self.ids):
            return np.full(lon.shape, -1, dtype=np.int64)
        position = self.cover.locate(lon, lat)
        return np.where(position < 0, -1, self.ids[np.maximum(position, 0)])


_cached: OrderedDict[tuple[str, str, Version], KindPointIndex] = OrderedDict()
_lock = threading.Lock()


def load_point_index(db: Session, kind: str, at: dt.datetime | None = None) -> KindPointIndex:
    """Return the point index over the areas of a kind at a time, cached until one of their rows changes."""
    version = _version(db, kind, time_or_now(at))
    key = str(db.connection().engine.url), kind, version
    with _lock:
        kept = _cached.get(key)
        if kept is None:
            areas = read_areas(db, kind=kind, at=at)
            ids = areas["id"].to_numpy(dtype=np.int64)
            kept = _cached[key] = KindPointIndex(
                version, AreaCover.build(areas), ids, areas.drop(columns="geometry")
            )
        _cached.move_to_end(key)
        while len(_cached) > MAX_CACHED:
            _cached.popitem(last=False)
    return kept


def _version(db: Session, kind: str, at: dt.datetime) -> Version:
    """Return a value that changes with any write to an area that is valid at the time.

    ``xmin`` is the transaction that wrote a row.
    """
    written = cast(cast(literal_column("areas.xmin"), Text), BigInteger)
    row = db.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Area.id), 0),
            func.coalesce(func.sum(written), 0),
        ).where(Area.kind == kind, valid_at(at))
    ).one()
    return int(row[0]), int(row[1]), int(row[2])
