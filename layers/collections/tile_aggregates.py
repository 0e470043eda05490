"""Cell counts of tiles that are kept up to date on write, so that a low zoom reads no points.

The triggers of ``layers/schema/tile_cells.sql`` update ``<collection>_cells`` in the transaction that writes
the points. It has settled rows, one per zoom and cell, and fresh rows appended since, at the finest zoom.
Their sum equals a count of the points, for every reader at every time and under the same row-level security.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    Float,
    FromClause,
    Integer,
    Select,
    Subquery,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.orm import Session

from layers.collections.catalog import Collection, Expression
from layers.collections.filters import Selection, selection_conditions
from layers.postgres import Scope
from layers.tables import CELL_TABLES

COLLECTIONS_WITH_CELLS = tuple(CELL_TABLES)
"""Collections with stored cells; their visible rows depend on no other table."""
FINEST_ZOOM = 10
"""Greatest zoom of stored cells; at higher zooms points are counted on request."""
CELL_BITS = 7
"""Binary logarithm of the cells per side of a tile."""


def has_stored_cells(collection: Collection, selection: Selection, zoom: int) -> bool:
    """Return whether the cell counts of a tile are stored: only for a whole collection, without a filter.

    Cells count what has a place, so that the condition of sites on their place is none of theirs.

    Raises
    ------
    layers.errors.InvalidFilter
        The selection does not fit the collection.
    """
    if collection.id not in COLLECTIONS_WITH_CELLS or zoom > FINEST_ZOOM:
        return False
    return all(each is collection.current for each in selection_conditions(collection, selection))


def counts_of_areas(collection: Collection, scope: Scope) -> bool:
    """Return whether stored counts are all that the caller sees: they know areas and domains, not parties of cases."""
    return collection.id != "cases" or scope.body_id is None or scope.sees_every_case


def stored_cells(
    collection: Collection, zoom: int, tile_column: Expression, tile_row: Expression, min_points: int
) -> Subquery:
    """Select the stored cells of a tile, with their counts and centres.

    Columns: ``cell`` (row * 128 + column in the tile), ``count``, ``x``, ``y``.

    Parameters
    ----------
    collection : Collection
    zoom : int
        Zoom of the tile, at most ``FINEST_ZOOM``.
    tile_column, tile_row : expression
        Position of the tile.
    min_points : int
        Cells are read only if the tile has more points than this.

    Returns
    -------
    Subquery
        x, y in metres of EPSG:3857, to half a millimetre.
    """
    tile = _Tile(_cells_of(collection), zoom, tile_column, tile_row)
    crowded = tile.points().scalar_subquery() > _number(min_points)
    both = tile.settled(zoom).where(crowded).union_all(tile.fresh().where(crowded)).subquery("both")
    points = cast(func.sum(both.c.points), BigInteger)
    side = _number(2**CELL_BITS - 1)
    return (
        select(
            both.c.y.op("&")(side).op("<<")(_number(CELL_BITS)).op("|")(both.c.x.op("&")(side)).label("cell"),
            points.label("count"),
            _mean_m(both.c.x_mm, points).label("x"),
            _mean_m(both.c.y_mm, points).label("y"),
        )
        .group_by(both.c.x, both.c.y)
        .having(func.sum(both.c.points) > _number(0))
        .subquery("points")
    )


def _cells_of(collection: Collection) -> FromClause:
    names = ("settled", "zoom", "x", "y", "tile_x", "tile_y", "points", "x_mm", "y_mm")
    return table(f"{collection.id}_cells", *(column(name, Integer) for name in names)).alias("c")


def _number(value: int) -> Expression:
    """Return a constant inside the statement, so that the plan knows it."""
    return literal_column(str(value), Integer)


@dataclass(frozen=True)
class _Tile:
    """Rows of stored cells of one tile."""

    rows: FromClause
    zoom: int
    column: Expression
    row: Expression

    def settled(self, zoom: int) -> Select[*tuple[Any, ...]]:
        """Select the settled rows of the tile's cells at that zoom, with their positions."""
        c, part, tile = self.rows.c, self.zoom - zoom, CELL_BITS - (self.zoom - zoom)
        found = select(c.x, c.y, c.points, c.x_mm, c.y_mm).where(c.settled, c.zoom == _number(zoom))
        for at, above, place in ((c.x, c.tile_x, self.column), (c.y, c.tile_y, self.row)):
            if part:
                found = found.where(at.op(">>")(_number(tile)) == place)
                place = place.op(">>")(_number(part))
            found = found.where(above == place)
        return found

    def fresh(self) -> Select[*tuple[Any, ...]]:
        """Select the rows appended since, with the position of their cell."""
        c, step = self.rows.c, _number(FINEST_ZOOM - self.zoom)
        found = select(
            c.x.op(">>")(step).label("x"), c.y.op(">>")(step).label("y"), c.points, c.x_mm, c.y_mm
        ).where(~c.settled)
        for at, place in ((c.x, self.column), (c.y, self.row)):
            bits = _number(CELL_BITS + FINEST_ZOOM - self.zoom)
            found = found.where(at >= place.op("<<")(bits), at < (place + _number(1)).op("<<")(bits))
        return found

    def points(self) -> Select[int]:
        """Select the number of points from the fewest rows.

        A tile is one cell of the tile seven zooms above it.
        """
        above = self.settled(max(self.zoom - CELL_BITS, 0)).union_all(self.fresh()).subquery("above")
        return select(func.sum(above.c.points))


def _mean_m(sum_mm: Expression, points: Expression) -> Expression:
    return cast(func.sum(sum_mm), Float(53)) / cast(points, Float(53)) / literal_column("1000", Float)


def settle_cells(db: Session) -> dict[str, int]:
    """Merge appended rows into the settled rows; the content of tiles does not change.

    Returns
    -------
    dict of str to int
        Number of merged rows by collection, without collections that another process merges at the moment.
    """
    found = {
        name: db.scalar(text("SELECT settle_cells(:name)"), {"name": name}) for name in COLLECTIONS_WITH_CELLS
    }
    return {name: taken for name, taken in found.items() if taken is not None}
