"""Cells of tiles that are counted when points are written, so that a low zoom reads no point.

The triggers of ``layers/schema/tile_cells.sql`` keep ``<collection>_cells`` in the transaction that writes the
points: rows that are settled, one a zoom and cell, and what was appended since, at the finest zoom. Their sum is what
counting the points gives, for every reader at every moment and under the same row-level security.
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
from layers.collections.filters import Selection, conditions
from layers.tables import CELL_TABLES

COUNTED = tuple(CELL_TABLES)
"""Collections whose cells are kept: what a reader sees of them depends on no other table."""
FINEST_ZOOM = 10
"""Beyond this zoom points are counted when they are asked for."""
CELL_BITS = 7
"""A tile has two to the power of that cells a side."""


def is_kept(collection: Collection, selection: Selection, zoom: int) -> bool:
    """Whether the cells of a tile are kept: those of a whole collection, whatever the caller may see of it.

    Raises
    ------
    layers.errors.InvalidFilter
        For a selection that does not fit the collection.
    """
    return collection.id in COUNTED and zoom <= FINEST_ZOOM and not conditions(collection, selection)


def kept_cells(
    collection: Collection, zoom: int, tile_column: Expression, tile_row: Expression, more_than: int
) -> Subquery:
    """The cells of a tile: ``cell`` (row * 128 + column in the tile), ``count``, and their middle ``x``, ``y``.

    Parameters
    ----------
    zoom : int
        Of the tile, at most ``FINEST_ZOOM``.
    tile_column, tile_row : expression
        Place of the tile.
    more_than : int
        There are no cells, and they are not read, unless the tile holds more points than that.

    Returns
    -------
    Subquery
        x, y in metres of EPSG:3857, to half a millimetre.
    """
    tile = _Tile(_cells_of(collection), zoom, tile_column, tile_row)
    crowded = tile.points().scalar_subquery() > _number(more_than)
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
    """A constant that is part of the statement, so that a plan knows it."""
    return literal_column(str(value), Integer)


@dataclass(frozen=True)
class _Tile:
    """Rows of a tile."""

    rows: FromClause
    zoom: int
    column: Expression
    row: Expression

    def settled(self, zoom: int) -> Select[*tuple[Any, ...]]:
        """Settled rows of the cells of that zoom, which is at most as large as that of the tile, and their place."""
        c, part, tile = self.rows.c, self.zoom - zoom, CELL_BITS - (self.zoom - zoom)
        found = select(c.x, c.y, c.points, c.x_mm, c.y_mm).where(c.settled, c.zoom == _number(zoom))
        for at, above, place in ((c.x, c.tile_x, self.column), (c.y, c.tile_y, self.row)):
            if part:
                found = found.where(at.op(">>")(_number(tile)) == place)
                place = place.op(">>")(_number(part))
            found = found.where(above == place)
        return found

    def fresh(self) -> Select[*tuple[Any, ...]]:
        """What was appended since, with the place of the cell of the tile."""
        c, step = self.rows.c, _number(FINEST_ZOOM - self.zoom)
        found = select(
            c.x.op(">>")(step).label("x"), c.y.op(">>")(step).label("y"), c.points, c.x_mm, c.y_mm
        ).where(~c.settled)
        for at, place in ((c.x, self.column), (c.y, self.row)):
            bits = _number(CELL_BITS + FINEST_ZOOM - self.zoom)
            found = found.where(at >= place.op("<<")(bits), at < (place + _number(1)).op("<<")(bits))
        return found

    def points(self) -> Select[int]:
        """How many there are, from the fewest rows: a tile is one cell of the tile seven zooms above it."""
        above = self.settled(max(self.zoom - CELL_BITS, 0)).union_all(self.fresh()).subquery("above")
        return select(func.sum(above.c.points))


def _mean_m(sum_mm: Expression, points: Expression) -> Expression:
    return cast(func.sum(sum_mm), Float(53)) / cast(points, Float(53)) / literal_column("1000", Float)


def settle(db: Session) -> dict[str, int]:
    """Add what was appended to the settled rows, so that tiles stay fast; their content does not change.

    Returns
    -------
    dict of str to int
        Rows that were settled, by collection; a collection that another process settles right now is not in it.
    """
    found = {name: db.scalar(text("SELECT settle_cells(:name)"), {"name": name}) for name in COUNTED}
    return {name: taken for name, taken in found.items() if taken is not None}
