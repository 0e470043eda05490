"""Vector tiles: the database clips, simplifies and encodes the stored Web Mercator geometry."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Float,
    FunctionFilter,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import desc_op
from sqlalchemy.sql.selectable import LateralFromClause

from layers.collections.catalog import Collection, Expression
from layers.collections.filters import Selection, selection_conditions
from layers.collections.tile_aggregates import counts_of_areas, has_stored_cells, stored_cells
from layers.errors import NotFound
from layers.postgres import AsyncReader, CompiledQuery, Scope

EXTENT = 4096
BUFFER = 64
MAX_ZOOM = 22
FEATURE_CAP = 20_000
WORLD_WIDTH_M = 40_075_016.685578488
"""Width of EPSG:3857 in its own metres."""
HALF_WORLD_M = WORLD_WIDTH_M / 2
HALF_PIXEL = 4
"""Tolerance of the simplification: half a pixel of a 512 pixel tile, in tile units."""
AGGREGATE_FROM = 3_000
"""A tile with more points than this has cells with counts instead, at zooms below ``AGGREGATE_BELOW``."""
AGGREGATE_BELOW = 14
CELLS_PER_SIDE = 128
"""Cells per side of a tile, four pixels each."""
MAX_CROWDED_TILES = 10_000
"""Greatest number of tiles of a zoom that are remembered as crowded."""
ALL_FROM_ZOOM = 14
"""From this zoom on a tile has every feature of a collection whose small ones are left out at lower zooms."""
EXACT_ZOOM = 15
"""From this zoom on polygons are not simplified."""


@dataclass(frozen=True)
class Tile:
    """Vector tile with its counts.

    Attributes
    ----------
    body : bytes
        Mapbox vector tile: a layer named as the collection, and ``<id>_labels`` for label points.
    matched, shown : int
        Number of features that intersect the tile (at most cap + 1), and of those inside it: features smaller
        than a tile unit or beyond the cap are left out.
    truncated : bool
        More features than the cap.
    aggregated : bool
        The tile contains cells with a ``count``; the counts add up to ``matched``, over all tiles to all
        features.
    """

    body: bytes
    matched: int
    shown: int
    truncated: bool
    aggregated: bool = False


TileAddress = tuple[int, int, int]
"""Zoom, column and row."""


def check_address(zoom: int, column: int, row: int) -> None:
    """Raise an error for a tile outside the tile matrix set.

    Raises
    ------
    NotFound
        Outside of it.
    """
    if not (0 <= zoom <= MAX_ZOOM and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
        raise NotFound(
            f"no tile {zoom}/{row}/{column} in WebMercatorQuad (0-{MAX_ZOOM})",
            f"WebMercatorQuad 中没有瓦片 {zoom}/{row}/{column}（级别 0 至 {MAX_ZOOM}）",
        )


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
    """Make a tile of the WebMercatorQuad tile matrix set.

    Parameters
    ----------
    db : Session
    collection : Collection
    selection : Selection
    zoom, column, row : int
        Tile matrix, and the tile in it; row 0 is in the north.
    cap : int
        Greatest number of features.

    Raises
    ------
    NotFound
        The tile is outside the tile matrix set.
    """
    check_address(zoom, column, row)
    tile = (zoom, column, row)
    if has_stored_cells(collection, selection, zoom):
        cells = db.execute(cells_statement(collection, selection, tile, stored=True)).one()
        if cells[1] > AGGREGATE_FROM:
            return _cell_tile(*cells)
    body, matched, shown = db.execute(tile_statement(collection, selection, tile, cap + 1)).one()
    if _may_be_crowded(collection, zoom):
        if matched > AGGREGATE_FROM:
            return _cell_tile(*db.execute(cells_statement(collection, selection, tile)).one())
    elif matched > cap:
        body, _, shown = db.execute(tile_statement(collection, selection, tile, cap)).one()
    return _feature_tile(body, matched, shown, cap)


class TileQueries:
    """Queries of the tiles of one zoom, compiled once per collection and selection."""

    def __init__(self, collection: Collection, selection: Selection, zoom: int) -> None:
        tile = (zoom, 0, 0)
        self._collection = collection
        self._features = CompiledQuery.from_statement(
            tile_statement(collection, selection, tile, FEATURE_CAP + 1), generic=True
        )
        self._cells: CompiledQuery | None = None
        self._first: CompiledQuery | None = None
        if _may_be_crowded(collection, zoom):
            self._cells = CompiledQuery.from_statement(
                cells_statement(collection, selection, tile), generic=True
            )
        else:
            self._first = CompiledQuery.from_statement(
                tile_statement(collection, selection, tile, FEATURE_CAP), generic=True
            )
        self._kept: CompiledQuery | None = None
        if has_stored_cells(collection, selection, zoom):
            self._kept = CompiledQuery.from_statement(
                cells_statement(collection, selection, tile, stored=True), generic=True
            )
        self._crowded: set[tuple[Hashable, int, int]] = set()

    async def read(self, reader: AsyncReader, scope: Scope, column: int, row: int) -> Tile:
        """Make a tile (see :func:`read_tile`) in one round trip, or in two.

        Two are needed when the tile is first tried as cells, when its cells are counted for the first time,
        or when it has too many features.
        """
        place = {"tile_column": column, "tile_row": row}
        here = (scope.key, column, row)
        kept = self._kept if counts_of_areas(self._collection, scope) else None
        first = kept or (self._cells if here in self._crowded else None)
        if first is not None:
            cells = (await reader.rows(scope, first.with_values(**place)))[0]
            if cells[1] > AGGREGATE_FROM:  # so many are in the tile, more meet it
                return _cell_tile(*cells)
            self._crowded.discard(here)
        body, matched, shown = (await reader.rows(scope, self._features.with_values(**place)))[0]
        if self._cells is not None:
            if matched > AGGREGATE_FROM:
                self._remember_crowded(here)
                return _cell_tile(*(await reader.rows(scope, self._cells.with_values(**place)))[0])
        elif matched > FEATURE_CAP and self._first is not None:
            body, _, shown = (await reader.rows(scope, self._first.with_values(**place)))[0]
        return _feature_tile(body, matched, shown, FEATURE_CAP)

    def _remember_crowded(self, here: tuple[Hashable, int, int]) -> None:
        """Remember that the cells of this tile are tried first; the result is the same."""
        if len(self._crowded) >= MAX_CROWDED_TILES:
            self._crowded.clear()
        self._crowded.add(here)


def _feature_tile(body: bytes, matched: int, shown: int, cap: int) -> Tile:
    return Tile(bytes(body), matched, min(shown, cap), matched > cap)


def _cell_tile(body: bytes, matched: int, cells: int) -> Tile:
    return Tile(bytes(body), int(matched), cells, truncated=False, aggregated=True)


def tile_statement(
    collection: Collection, selection: Selection, tile: TileAddress, max_features: int = FEATURE_CAP
) -> Select[*tuple[Any, ...]]:
    """Build the query of one tile: the encoded layers, the features that intersect it, the features in it.

    At most ``max_features`` are read, the first in the order of the collection. Where points may be too many
    to be drawn one by one, at most ``AGGREGATE_FROM`` + 1 are read, in any order.
    """
    hits = _encoded_features(collection, selection, tile, max_features)
    features = _layer(hits, collection, "geom")
    encoded = _encode(features.name, collection.id, hits.c.geom)
    statement = select(encoded, func.count(), func.count(hits.c.geom)).select_from(
        hits.join(features, true())
    )
    if collection.labels is None:
        return statement
    labels = _layer(hits, collection, "label")
    second = _encode(labels.name, f"{collection.id}_labels", hits.c.label)
    return select(encoded.op("||")(second), func.count(), func.count(hits.c.geom)).select_from(
        hits.join(features, true()).join(labels, true())
    )


def _layer(hits: Subquery, collection: Collection, geom: str) -> LateralFromClause:
    """Select the rows of one layer: the properties, and one of the geometries."""
    properties = [hits.c[prop.name] for prop in collection.properties if prop.tile]
    return select(hits.c.id, *properties, hits.c[geom].label("geom")).correlate(hits).lateral(f"with_{geom}")


def _may_be_crowded(collection: Collection, zoom: int) -> bool:
    return collection.geometry_type == "point" and zoom < AGGREGATE_BELOW


def cells_statement(
    collection: Collection, selection: Selection, tile: TileAddress, *, stored: bool = False
) -> Select[*tuple[Any, ...]]:
    """Build the query of one aggregated tile: the encoded layer, the counted points, the cells in it.

    A point belongs to one cell and one tile; the position of a cell is the mean of its points. ``stored``:
    the cells were counted on write (``tile_aggregates.has_stored_cells``).
    """
    if stored:
        points = stored_cells(collection, tile[0], *_tile_position(tile), min_points=AGGREGATE_FROM)
    else:
        points = _count_cells(collection, selection, tile)
    middle = func.ST_SetSRID(func.ST_MakePoint(points.c.x, points.c.y), 3857)
    cells = (
        select(points.c.count.label("count"), _cut(middle, tile, 0).label("geom"))
        .order_by(points.c.cell)
        .subquery("cells")
    )
    encoded = func.ST_AsMVT(literal_column("cells"), collection.id, EXTENT, "geom")
    return select(encoded, func.coalesce(func.sum(cells.c.count), 0), func.count()).select_from(cells)


def _count_cells(collection: Collection, selection: Selection, tile: TileAddress) -> Subquery:
    """Count the cells of a tile now; columns and numbers are those of ``stored_cells``."""
    column, row = _tile_position(tile)
    half, cell_m = _number(HALF_WORLD_M), _number(WORLD_WIDTH_M / 2 ** tile[0] / CELLS_PER_SIDE)
    x, y = func.ST_X(collection.geom_3857), func.ST_Y(collection.geom_3857)
    across = func.floor((x + half) / cell_m) - column * _number(CELLS_PER_SIDE)
    down = func.floor((half - y) / cell_m) - row * _number(CELLS_PER_SIDE)
    cell = cast(down * _number(CELLS_PER_SIDE) + across, Integer)
    return (
        select(
            cell.label("cell"), func.count().label("count"), func.avg(x).label("x"), func.avg(y).label("y")
        )
        .select_from(collection.source)
        .where(
            collection.geom_3857.op("&&")(_envelope(tile)),
            # Exact test, because && compares rounded boxes; the east and south edges belong to the next tile.
            *(part for at in (across, down) for part in (at >= _number(0), at < _number(CELLS_PER_SIDE))),
            *selection_conditions(collection, selection),
        )
        .group_by(cell)
        .subquery("points")
    )


def _number(value: float) -> Expression:
    """Return a constant inside the statement, so that the plan knows it."""
    return literal_column(repr(value), Float if isinstance(value, float) else Integer)


def _tile_position(tile: TileAddress) -> tuple[BindParameter[int], BindParameter[int]]:
    return bindparam("tile_column", tile[1], Integer), bindparam("tile_row", tile[2], Integer)


def _envelope(tile: TileAddress, margin: float = 0.0) -> Expression:
    bounds = func.ST_MakeEnvelope(
        *map(_number, (-HALF_WORLD_M, -HALF_WORLD_M, HALF_WORLD_M, HALF_WORLD_M, 3857))
    )
    more = (bounds, _number(margin)) if margin else ()
    return func.ST_TileEnvelope(_number(tile[0]), *_tile_position(tile), *more)


def _encode(alias: str, layer: str, geom: Expression) -> FunctionFilter[Any]:
    encoded = func.ST_AsMVT(literal_column(alias), layer, _number(EXTENT), "geom", "id")
    return encoded.filter(geom.is_not(None))


def _properties(collection: Collection) -> list[Expression]:
    return [prop.output.label(prop.name) for prop in collection.properties if prop.tile]


def _cut(shape: Expression, tile: TileAddress, buffer: int) -> Expression:
    """Clip a shape and convert it to tile units; the tile's box is computed once per query."""
    box = select(_envelope(tile).op("::")(literal_column("box2d"))).scalar_subquery()
    return func.ST_AsMVTGeom(shape, box, _number(EXTENT), _number(buffer), literal_column("true"))


def _has_whole(collection: Collection, zoom: int) -> bool:
    return collection.tile_zooms is not None and zoom < EXACT_ZOOM


def _bit(zooms: Expression | None, zoom: int) -> Expression:
    assert zooms is not None
    return zooms.op("&")(_number(1 << zoom)) != _number(0)


def _scale_to_tile(shape: Expression, tile: TileAddress) -> Expression:
    """Convert a polygon inside the tile to tile units.

    It is not clipped, and known to be valid (``tile_zooms``).

    Outer rings have the orientation of the format: clockwise on the screen, whose y axis points down.
    """
    unit = EXTENT / (WORLD_WIDTH_M / 2 ** tile[0])
    column, row = _tile_position(tile)
    zero, extent, middle = _number(0), _number(float(EXTENT)), _number(EXTENT / 2 * 2.0 ** tile[0])
    moved = func.ST_Affine(
        shape, _number(unit), zero, zero, _number(-unit), middle - column * extent, middle - row * extent
    )
    return func.ST_ForcePolygonCCW(func.ST_SnapToGrid(moved, _number(1)))


def _order_column(collection: Collection) -> tuple[Expression, bool]:
    """Return the sort expression of the features, and whether it is descending."""
    order = collection.tile_order
    if isinstance(order, UnaryExpression) and order.modifier is desc_op:
        return order.element, True
    return order, False


def _large_enough(collection: Collection, zoom: int) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that leaves out features too small for a zoom; its number is in the statement.

    So the plan uses the index over the features of low zooms.
    """
    if collection.tile_min_zoom is None or zoom >= ALL_FROM_ZOOM:
        return ()
    return (collection.tile_min_zoom <= _number(zoom),)


def _matching_features(
    collection: Collection, selection: Selection, tile: TileAddress, max_features: int
) -> Subquery:
    """Select features whose box intersects the tile."""
    crowdable = _may_be_crowded(collection, tile[0])
    columns = [
        collection.key.label("id"),
        *_properties(collection),
        collection.geom_3857.label("shape"),
        _order_column(collection)[0].label("place"),
    ]
    if collection.labels is not None:
        columns.append(collection.labels.label("label"))
    if _has_whole(collection, tile[0]):
        whole = collection.geom_3857.op("@")(_envelope(tile, BUFFER / EXTENT))
        columns.append(and_(whole, _bit(collection.tile_zooms, tile[0])).label("whole"))
    found = (
        select(*columns)
        .select_from(collection.source)
        .where(
            collection.geom_3857.op("&&")(_envelope(tile, BUFFER / EXTENT)),
            *_large_enough(collection, tile[0]),
            *selection_conditions(collection, selection),
        )
        .limit(_number(AGGREGATE_FROM + 1 if crowdable else max_features))
    )
    if not crowdable:
        found = found.order_by(collection.tile_order, collection.key)
    return found.subquery("found")


def _encoded_features(
    collection: Collection, selection: Selection, tile: TileAddress, max_features: int
) -> Subquery:
    """Select the matching features, clipped to the tile."""
    found = _matching_features(collection, selection, tile, max_features)
    shape: Expression = found.c.shape
    if collection.geometry_type != "point" and tile[0] < EXACT_ZOOM:
        tolerance_m = _number(WORLD_WIDTH_M / 2 ** tile[0] / EXTENT * HALF_PIXEL)
        shape = func.ST_Simplify(shape, tolerance_m, literal_column("true"))
    properties = [found.c[prop.name] for prop in collection.properties if prop.tile]
    drawn = _cut(shape, tile, BUFFER)
    if _has_whole(collection, tile[0]):
        drawn = case((found.c.whole, _scale_to_tile(shape, tile)), else_=drawn)
    columns = [found.c.id, *properties, drawn.label("geom")]
    if collection.labels is not None:
        columns.append(_cut(func.ST_Transform(found.c.label, _number(3857)), tile, 0).label("label"))
    hits = select(*columns).select_from(found).offset(_number(0))  # each geometry is cut once, not once a use
    if _may_be_crowded(collection, tile[0]):
        # By the place alone: what has the same is in the order of the table, which costs no comparisons.
        hits = hits.order_by(found.c.place.desc() if _order_column(collection)[1] else found.c.place)
    return hits.subquery("hits")
