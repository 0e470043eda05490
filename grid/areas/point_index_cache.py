"""Indexes of the partition, kept a process and database and made anew when an area of their kind changed."""

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

from grid.areas.history import moment, read_areas, valid_at
from grid.areas.point_index import AreaCover
from layers.tables import Area

Version = tuple[int, int, int]
KEPT = 8
"""Indexes kept in a process: the newest ones by use."""


@dataclass(frozen=True)
class KindCover:
    """The index of the areas of one kind at one moment, and the areas in its order."""

    version: Version
    cover: AreaCover
    ids: NDArray[np.int64]
    areas: gpd.GeoDataFrame

    def locate(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Id of the area of each point, -1 outside all of them."""
        if not len(self.ids):
            return np.full(lon.shape, -1, dtype=np.int64)
        position = self.cover.locate(lon, lat)
        return np.where(position < 0, -1, self.ids[np.maximum(position, 0)])


_kept: OrderedDict[tuple[str, str, Version], KindCover] = OrderedDict()
_lock = threading.Lock()


def cover_of(db: Session, kind: str, at: dt.datetime | None = None) -> KindCover:
    """The index of the areas of a kind at a moment; a kept one is used while no row of them changed."""
    version = _version(db, kind, moment(at))
    key = str(db.connection().engine.url), kind, version
    with _lock:
        kept = _kept.get(key)
        if kept is None:
            areas = read_areas(db, kind=kind, at=at)
            ids = areas["id"].to_numpy(dtype=np.int64)
            kept = _kept[key] = KindCover(
                version, AreaCover.build(areas), ids, areas.drop(columns="geometry")
            )
        _kept.move_to_end(key)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
    return kept


def _version(db: Session, kind: str, at: dt.datetime) -> Version:
    """Another value after any write to an area that holds then: ``xmin`` is the transaction that wrote a row."""
    written = cast(cast(literal_column("areas.xmin"), Text), BigInteger)
    row = db.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Area.id), 0),
            func.coalesce(func.sum(written), 0),
        ).where(Area.kind == kind, valid_at(at))
    ).one()
    return int(row[0]), int(row[1]), int(row[2])
