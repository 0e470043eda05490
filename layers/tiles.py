"""Vector tiles: the database cuts, simplifies and encodes them from the stored Web Mercator geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    Float,
    Integer,
    Select,
    bindparam,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.orm import Session

from layers.catalog import Collection, Expression
from layers.database import Scope
from layers.errors import NotFound
from layers.filters import Selection, conditions
from layers.reading import Query, Reader

EXTENT = 4096
BUFFER = 64
MAX_ZOOM = 22
FEATURE_CAP = 20_000
WORLD_WIDTH_M = 40_075_016.685578488
"""Width of EPSG:3857 in its own metres."""
HALF_WORLD_M = WORLD_WIDTH_M / 2
HALF_PIXEL = 4
"""Tile units of half a pixel on a 512 pixel tile: the tolerance of the simplification."""
AGGREGATE_FROM = 3_000
"""A tile of more points than that holds counts in cells instead, below ``AGGREGATE_BELOW``."""
AGGREGATE_BELOW = 14
CELLS = 128
"""Cells a side of a tile: four pixels each."""
EXACT_ZOOM = 15
"""From this zoom on polygons are not simplified."""


@dataclass(frozen=True)
class Tile:
    """One tile.

    Attributes
    ----------
    body : bytes
        Mapbox vector tile: a layer named as the collection, and ``<id>_labels`` where there are label points.
    matched, shown : int
        Features that meet the tile (at most cap + 1), and those of them that the tile holds: what is smaller
        than a tile unit is left out, and so is what goes beyond the cap.
    truncated : bool
        More features than the cap.
    aggregated : bool
        The tile holds cells with a ``count``; the counts add up to ``matched``, over all tiles to all features.
    """

    body: bytes
    matched: int
    shown: int
    truncated: bool
    aggregated: bool = False


TileAddress = tuple[int, int, int]
"""Zoom, column and row."""


def check_address(zoom: int, column: int, row: int) -> None:
    """Refuse what is outside the tile matrix set.

    Raises
    ------
    NotFound
        Outside of it.
    """
    if not (0 <= zoom <= MAX_ZOOM and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
        raise NotFound(f"no tile {zoom}/{row}/{column} in WebMercatorQuad (0-{MAX_ZOOM})")


def read_tile(
    db: Session,
    collection: Collection,
    selection: Selection,
    *,
    zoom: int,
    column: int,
    row: int,
    cap: int = FEATURE_CAP,
) -> Tile:
    """Make one tile of the WebMercatorQuad tile matrix set.

    Parameters
    ----------
    zoom, column, row : int
        Tile matrix, and the tile in it; row 0 is in the north.

    Raises
    ------
    NotFound
        Outside the tile matrix set.
    """
    check_address(zoom, column, row)
    tile = (zoom, column, row)
    body, matched, kept, met = db.execute(tile_statement(collection, selection, tile, cap)).one()
    if met > AGGREGATE_FROM:
        return _of_cells(*db.execute(cells_statement(collection, selection, tile)).one())
    return _of_features(body, matched, kept, cap)


class TileQueries:
    """The statements of the tiles of one zoom, compiled once for a collection and a selection."""

    def __init__(self, collection: Collection, selection: Selection, zoom: int) -> None:
        self._features = Query.of(tile_statement(collection, selection, (zoom, 0, 0)), generic=True)
        self._cells: Query | None = None
        if _may_be_crowded(collection, zoom):
            self._cells = Query.of(cells_statement(collection, selection, (zoom, 0, 0)), generic=True)

    async def read(self, reader: Reader, scope: Scope, column: int, row: int) -> Tile:
        """Make one tile (see :func:`read_tile`) in one round trip, in two when it holds cells."""
        place = {"tile_column": column, "tile_row": row}
        body, matched, kept, met = (await reader.rows(scope, self._features.with_values(**place)))[0]
        if met > AGGREGATE_FROM and self._cells is not None:
            return _of_cells(*(await reader.rows(scope, self._cells.with_values(**place)))[0])
        return _of_features(body, matched, kept, FEATURE_CAP)


def _of_features(body: bytes, matched: int, kept: int, cap: int) -> Tile:
    return Tile(bytes(body), matched, min(kept, cap), matched > cap)


def _of_cells(body: bytes, matched: int, cells: int) -> Tile:
    return Tile(bytes(body), int(matched), cells, truncated=False, aggregated=True)


def tile_statement(
    collection: Collection, selection: Selection, tile: TileAddress, cap: int = FEATURE_CAP
) -> Select[*tuple[Any, ...]]:
    """The query of one tile (zoom, column, row).

    It gives the encoded layers, the features that meet the tile, those that it holds, and how many points lie in it
    (at most one more than ``AGGREGATE_FROM``; 0 where nobody asks). With more than that nothing else is read.
    """
    met = _met(collection, selection, tile) if _may_be_crowded(collection, tile[0]) else None
    hits = _hits(collection, selection, tile, cap, met).cte("hits").prefix_with("MATERIALIZED")
    return select(
        _layers(hits, collection, cap),
        select(func.count()).select_from(hits).scalar_subquery(),
        select(func.count(hits.c.geom)).select_from(hits).scalar_subquery(),
        _number(0) if met is None else met,
    )


def _layers(hits: CTE, collection: Collection, cap: int) -> Expression:
    """The layer of the features; for label points a second one, where each is in one tile only."""
    properties = [hits.c[prop.name] for prop in collection.properties if prop.tile]

    def encoded(layer: str, geom: Expression) -> Expression:
        rows = select(hits.c.id, *properties, geom.label("geom")).where(geom.is_not(None)).limit(_number(cap))
        return select(_encode("shown", layer)).select_from(rows.subquery("shown")).scalar_subquery()

    features = encoded(collection.id, hits.c.geom)
    if collection.labels is None:
        return features
    return features.op("||")(encoded(f"{collection.id}_labels", hits.c.label))


def _may_be_crowded(collection: Collection, zoom: int) -> bool:
    return collection.geometry_type == "point" and zoom < AGGREGATE_BELOW


def _met(collection: Collection, selection: Selection, tile: TileAddress) -> Expression:
    """How many points lie in a tile, counted no further than it matters."""
    met = (
        select(literal_column("1"))
        .select_from(collection.source)
        .where(collection.geom_3857.op("&&")(_envelope(tile)), *conditions(collection, selection))
        .limit(_number(AGGREGATE_FROM + 1))
        .subquery("met")
    )
    counted = select(func.count().label("n")).select_from(met).cte("counted").prefix_with("MATERIALIZED")
    return select(counted.c.n).scalar_subquery()


def cells_statement(
    collection: Collection, selection: Selection, tile: TileAddress
) -> Select[*tuple[Any, ...]]:
    """The query of one aggregated tile: the encoded layer, points that it counts, cells that it holds.

    A point belongs to one cell and one tile; a cell stands at the middle of its points.
    """
    width_m = _number(WORLD_WIDTH_M / 2 ** tile[0])
    column, row = _place(tile)
    west, north = column * width_m - _number(WORLD_WIDTH_M / 2), _number(WORLD_WIDTH_M / 2) - row * width_m
    x, y = func.ST_X(collection.geom_3857), func.ST_Y(collection.geom_3857)
    cell_m = _number(WORLD_WIDTH_M / 2 ** tile[0] / CELLS)
    points = (
        select(
            (_cell((north - y) / cell_m) * CELLS + _cell((x - west) / cell_m)).label("cell"),
            x.label("x"),
            y.label("y"),
        )
        .select_from(collection.source)
        .where(
            collection.geom_3857.op("&&")(_envelope(tile)),
            # Exactly, since && compares rounded boxes; the east and the south edge belong to the next tile.
            x >= west,
            x < west + width_m,
            y <= north,
            y > north - width_m,
            *conditions(collection, selection),
        )
        .subquery("points")
    )
    middle = func.ST_SetSRID(func.ST_MakePoint(func.avg(points.c.x), func.avg(points.c.y)), 3857)
    cells = (
        select(func.count().label("count"), _cut(middle, tile, 0).label("geom"))
        .group_by(points.c.cell)
        .order_by(points.c.cell)
        .subquery("cells")
    )
    encoded = func.ST_AsMVT(literal_column("cells"), collection.id, EXTENT, "geom")
    return select(encoded, func.coalesce(func.sum(cells.c.count), 0), func.count()).select_from(cells)


def _cell(position: Expression) -> Expression:
    return cast(func.least(func.greatest(func.floor(position), 0), CELLS - 1), Integer)


def _number(value: float) -> Expression:
    """A constant that is part of the statement, so that a plan knows it."""
    return literal_column(repr(value), Float if isinstance(value, float) else Integer)


def _place(tile: TileAddress) -> tuple[BindParameter[int], BindParameter[int]]:
    return bindparam("tile_column", tile[1], Integer), bindparam("tile_row", tile[2], Integer)


def _envelope(tile: TileAddress, margin: float = 0.0) -> Expression:
    bounds = func.ST_MakeEnvelope(
        *map(_number, (-HALF_WORLD_M, -HALF_WORLD_M, HALF_WORLD_M, HALF_WORLD_M, 3857))
    )
    more = (bounds, _number(margin)) if margin else ()
    return func.ST_TileEnvelope(_number(tile[0]), *_place(tile), *more)


def _encode(alias: str, layer: str) -> Expression:
    return func.ST_AsMVT(literal_column(alias), layer, _number(EXTENT), "geom", "id")


def _properties(collection: Collection) -> list[Expression]:
    return [prop.output.label(prop.name) for prop in collection.properties if prop.tile]


def _cut(shape: Expression, tile: TileAddress, buffer: int) -> Expression:
    return func.ST_AsMVTGeom(shape, _envelope(tile), _number(EXTENT), _number(buffer), literal_column("true"))


def _hits(
    collection: Collection, selection: Selection, tile: TileAddress, cap: int, met: Expression | None
) -> Select[*tuple[Any, ...]]:
    shape: Expression = collection.geom_3857
    if collection.geometry_type != "point" and tile[0] < EXACT_ZOOM:
        tolerance_m = _number(WORLD_WIDTH_M / 2 ** tile[0] / EXTENT * HALF_PIXEL)
        shape = func.ST_Simplify(shape, tolerance_m, literal_column("true"))
    columns = [collection.key.label("id"), *_properties(collection), _cut(shape, tile, BUFFER).label("geom")]
    if collection.labels is not None:
        columns.append(_cut(func.ST_Transform(collection.labels, _number(3857)), tile, 0).label("label"))
    hits = (
        select(*columns)
        .select_from(collection.source)
        .where(
            collection.geom_3857.op("&&")(_envelope(tile, BUFFER / EXTENT)),
            *conditions(collection, selection),
        )
        .order_by(collection.tile_order, collection.key)
        .limit(_number(cap + 1))
    )
    return hits if met is None else hits.where(met <= _number(AGGREGATE_FROM))
