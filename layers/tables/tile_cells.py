"""Counts of points in the cells of tiles.

Written by triggers (``layers/schema/tile_cells.sql``), never by callers.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Computed, Index, Integer, SmallInteger, Table, Text, text

from layers.tables.base import Base


def _cells_table(source: str, *scope: Column[object]) -> Table:
    """Table of cells of ``source``; ``scope`` are the columns that the policy of the points names."""
    table = Table(
        f"{source}_cells",
        Base.metadata,
        Column("settled", Boolean, nullable=False, server_default=text("false")),
        Column("zoom", SmallInteger, nullable=False, server_default=text("10")),
        Column("x", Integer, nullable=False),
        Column("y", Integer, nullable=False),
        Column("tile_x", Integer, Computed("x >> 7", persisted=True), nullable=False),
        Column("tile_y", Integer, Computed("y >> 7", persisted=True), nullable=False),
        *scope,
        Column("points", BigInteger, nullable=False),
        Column("x_mm", BigInteger, nullable=False),
        Column("y_mm", BigInteger, nullable=False),
    )
    Index(
        f"uq_{source}_cells",
        *(table.c[name] for name in ("zoom", "tile_x", "tile_y", *(c.name for c in scope), "x", "y")),
        unique=True,
        postgresql_where=text("settled"),
        postgresql_nulls_not_distinct=True,
    )
    Index(f"ix_{source}_cells_fresh", table.c.x, table.c.y, postgresql_where=text("NOT settled"))
    return table


CELL_TABLES = {
    "sites": _cells_table("sites"),
    "stays": _cells_table("stays", Column("area_id", BigInteger)),
    "visits": _cells_table("visits", Column("area_id", BigInteger)),
    "alerts": _cells_table("alerts", Column("area_id", BigInteger), Column("kind", Text)),
    "cases": _cells_table("cases", Column("area_id", BigInteger), Column("domain", Text)),
}
"""Tables of cells by the table whose points they count."""
