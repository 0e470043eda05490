"""Where fixes lie: their H3 cell and the community that answers for the place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from grid.areas.cells import cells_of
from grid.areas.point_index_cache import KindCover, cover_of

H3_RES = 9


@dataclass(frozen=True)
class CommunityCover:
    """The index of the communities of one moment."""

    index: KindCover

    @property
    def ids(self) -> NDArray[np.int64]:
        """Ids of the communities, in the order of the index."""
        return self.index.ids

    def locate(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
        """Id of the community of each point, -1 outside all of them."""
        return self.index.locate(lon, lat)

    def place(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add ``h3_9`` and ``area_id`` (null outside all communities) to rows with ``lon`` and ``lat``."""
        lon, lat = frame["lon"].to_numpy(), frame["lat"].to_numpy()
        found = pl.Series(self.locate(lon, lat))
        return frame.with_columns(
            h3_9=pl.Series(cells_of(lon, lat, H3_RES).astype(np.int64)),
            area_id=pl.select(pl.when(found >= 0).then(found)).to_series(),
        )


def community_cover(db: Session) -> CommunityCover:
    """The index of the communities that hold now; a kept one is used while no row of them changed."""
    return CommunityCover(cover_of(db, "community"))


def place_fixes(db: Session, frame: pl.DataFrame) -> pl.DataFrame:
    """Add ``h3_9`` and ``area_id`` (the community of today, null outside all) to rows with ``lon`` and ``lat``."""
    return community_cover(db).place(frame)
