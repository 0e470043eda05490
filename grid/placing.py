"""Where fixes lie: their H3 cell and the community that answers for the place.

The index of the communities is made once a process and database, and made anew when an area changed.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import BigInteger, Text, cast, func, literal_column, select
from sqlalchemy.orm import Session

from grid.areas import moment, read_areas, valid_at
from grid.cells import cells_of
from grid.cover import AreaCover
from layers.tables import Area

Version = tuple[int, int, int]
KEPT_DATABASES = 4
H3_RES = 9


@dataclass(frozen=True)
class CommunityCover:
    """The index of the communities of one moment, and their ids in its order."""

    version: Version
    cover: AreaCover
    ids: NDArray[np.int64]

    def locate(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Id of the community of each point, -1 outside all of them."""
        if not len(self.ids):
            return np.full(lon.shape, -1, dtype=np.int64)
        position = self.cover.locate(lon, lat)
        return np.where(position < 0, -1, self.ids[np.maximum(position, 0)])

    def place(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add ``h3_9`` and ``area_id`` (null outside all communities) to rows with ``lon`` and ``lat``."""
        lon, lat = frame["lon"].to_numpy(), frame["lat"].to_numpy()
        found = pl.Series(self.locate(lon, lat))
        return frame.with_columns(
            h3_9=pl.Series(cells_of(lon, lat, H3_RES).astype(np.int64)),
            area_id=pl.select(pl.when(found >= 0).then(found)).to_series(),
        )


_kept: OrderedDict[str, CommunityCover] = OrderedDict()
_lock = threading.Lock()


def community_cover(db: Session) -> CommunityCover:
    """The index of the communities that hold now; a kept one is used while no row of them changed."""
    version = _version(db)
    name = str(db.connection().engine.url)
    with _lock:
        kept = _kept.get(name)
        if kept is None or kept.version != version:
            areas = read_areas(db, kind="community")
            kept = CommunityCover(version, AreaCover.build(areas), areas["id"].to_numpy(dtype=np.int64))
            _kept[name] = kept
        _kept.move_to_end(name)
        while len(_kept) > KEPT_DATABASES:
            _kept.popitem(last=False)
    return kept


def _version(db: Session) -> Version:
    """Another value after any write to a community that holds now: ``xmin`` is the transaction that wrote a row."""
    written = cast(cast(literal_column("areas.xmin"), Text), BigInteger)
    row = db.execute(
        select(
            func.count(),
            func.coalesce(func.sum(Area.id), 0),
            func.coalesce(func.sum(written), 0),
        ).where(Area.kind == "community", valid_at(moment(None)))
    ).one()
    return int(row[0]), int(row[1]), int(row[2])


def place_fixes(db: Session, frame: pl.DataFrame) -> pl.DataFrame:
    """Add ``h3_9`` and ``area_id`` (the community of today, null outside all) to rows with ``lon`` and ``lat``."""
    return community_cover(db).place(frame)
