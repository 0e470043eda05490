"""Location of fixes: their H3 cell and their community."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from grid.areas.cells import cells_of
from grid.areas.point_index_cache import KindPointIndex, load_point_index

H3_RES = 9


@dataclass(frozen=True)
class CommunityPointIndex:
    """Point index over the communities of one time."""

    index: KindPointIndex

    @property
    def ids(self) -> NDArray[np.int64]:
        """Ids of the communities, in the order of the index."""
        return self.index.ids

    def locate(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the id of the community of each point, -1 outside all of them."""
        return self.index.locate(lon, lat)

    def locate_rows(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add ``h3_9`` and ``area_id`` (null outside all communities) to rows with ``lon`` and ``lat``."""
        lon, lat = frame["lon"].to_numpy(), frame["lat"].to_numpy()
        found = pl.Series(self.locate(lon, lat))
        return frame.with_columns(
            h3_9=pl.Series(cells_of(lon, lat, H3_RES).astype(np.int64)),
            area_id=pl.select(pl.when(found >= 0).then(found)).to_series(),
        )


def load_community_index(db: Session) -> CommunityPointIndex:
    """Return the point index over the present communities, cached until one of their rows changes."""
    return CommunityPointIndex(load_point_index(db, "community"))


def locate_fixes(db: Session, frame: pl.DataFrame) -> pl.DataFrame:
    """Add ``h3_9`` and ``area_id`` to rows with ``lon`` and ``lat``.

    ``area_id`` is the present community, null outside all.
    """
    return load_community_index(db).locate_rows(frame)
