"""Vector tiles: the database cuts, simplifies and encodes them from the stored Web Mercator geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, Select, cast, func, literal_column, select
from sqlalchemy.orm import Session

from layers.catalog import Collection, Expression
from layers.errors import NotFound
from layers.filters import Selection, conditions

EXTENT = 4096
BUFFER = 64
MAX_ZOOM = 22
FEATURE_CAP = 20_000
WORLD_WIDTH_M = 40_075_016.685578488
"""Width of EPSG:3857 in its own metres."""
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
    if not (0 <= zoom <= MAX_ZOOM and 0 <= column < 2**zoom and 0 <= row < 2**zoom):
        raise NotFound(f"no tile {zoom}/{row}/{column} in WebMercatorQuad (0-{MAX_ZOOM})")
    tile = (zoom, column, row)
    if _is_crowded(db, collection, selection, tile):
        body, matched, cells = db.execute(cells_statement(collection, selection, tile)).one()
        return Tile(bytes(body), int(matched), cells, truncated=False, aggregated=True)
    statement = tile_statement(collection, selection, tile, cap)
    body, matched, kept = db.execute(statement).one()
    return Tile(
        bytes(body) + _labels(db, collection, selection, tile, cap), matched, min(kept, cap), matched > cap
    )


def tile_statement(
    collection: Collection, selection: Selection, tile: tuple[int, int, int], cap: int = FEATURE_CAP
) -> Select[*tuple[Any, ...]]:
    """The query of one tile (zoom, column, row): the encoded layer, features that meet it, features that it holds."""
    hits = _hits(collection, selection, tile, cap).cte("hits").prefix_with("MATERIALIZED")
    shown = (
        select(literal_column("*"))
        .select_from(hits)
        .where(hits.c.geom.is_not(None))
        .limit(cap)
        .subquery("shown")
    )
    return select(
        select(_encode("shown", collection.id)).select_from(shown).scalar_subquery(),
        select(func.count()).select_from(hits).scalar_subquery(),
        select(func.count(hits.c.geom)).select_from(hits).scalar_subquery(),
    )


def _is_crowded(
    db: Session, collection: Collection, selection: Selection, tile: tuple[int, int, int]
) -> bool:
    """Whether a tile of points has more of them than are drawn one by one."""
    if collection.geometry_type != "point" or tile[0] >= AGGREGATE_BELOW:
        return False
    met = (
        select(literal_column("1"))
        .select_from(collection.source)
        .where(collection.geom_3857.op("&&")(func.ST_TileEnvelope(*tile)), *conditions(collection, selection))
        .limit(AGGREGATE_FROM + 1)
        .subquery("met")
    )
    return db.execute(select(func.count()).select_from(met)).scalar_one() > AGGREGATE_FROM


def cells_statement(
    collection: Collection, selection: Selection, tile: tuple[int, int, int]
) -> Select[*tuple[Any, ...]]:
    """The query of one aggregated tile: the encoded layer, points that it counts, cells that it holds.

    A point belongs to one cell and one tile; a cell stands at the middle of its points.
    """
    zoom, column, row = tile
    width_m = WORLD_WIDTH_M / 2**zoom
    west, north = column * width_m - WORLD_WIDTH_M / 2, WORLD_WIDTH_M / 2 - row * width_m
    x, y = func.ST_X(collection.geom_3857), func.ST_Y(collection.geom_3857)
    points = (
        select(
            (_cell((north - y) / (width_m / CELLS)) * CELLS + _cell((x - west) / (width_m / CELLS))).label(
                "cell"
            ),
            x.label("x"),
            y.label("y"),
        )
        .select_from(collection.source)
        .where(
            collection.geom_3857.op("&&")(func.ST_TileEnvelope(*tile)),
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


def _encode(alias: str, layer: str) -> Expression:
    return func.ST_AsMVT(literal_column(alias), layer, EXTENT, "geom", "id")


def _properties(collection: Collection) -> list[Expression]:
    return [prop.output.label(prop.name) for prop in collection.properties if prop.tile]


def _cut(shape: Expression, tile: tuple[int, int, int], buffer: int) -> Expression:
    return func.ST_AsMVTGeom(shape, func.ST_TileEnvelope(*tile), EXTENT, buffer, True)


def _with_margin(tile: tuple[int, int, int]) -> Expression:
    half = WORLD_WIDTH_M / 2
    return func.ST_TileEnvelope(*tile, func.ST_MakeEnvelope(-half, -half, half, half, 3857), BUFFER / EXTENT)


def _hits(
    collection: Collection, selection: Selection, tile: tuple[int, int, int], cap: int
) -> Select[*tuple[Any, ...]]:
    shape: Expression = collection.geom_3857
    if collection.geometry_type != "point" and tile[0] < EXACT_ZOOM:
        shape = func.ST_Simplify(shape, WORLD_WIDTH_M / 2 ** tile[0] / EXTENT * HALF_PIXEL, True)
    return (
        select(collection.key.label("id"), *_properties(collection), _cut(shape, tile, BUFFER).label("geom"))
        .select_from(collection.source)
        .where(collection.geom_3857.op("&&")(_with_margin(tile)), *conditions(collection, selection))
        .order_by(collection.tile_order, collection.key)
        .limit(cap + 1)
    )


def _labels(
    db: Session, collection: Collection, selection: Selection, tile: tuple[int, int, int], cap: int
) -> bytes:
    """The second layer: one point a feature, in the one tile that holds it, so that no label stands twice."""
    if collection.labels is None:
        return b""
    inside = func.ST_Transform(func.ST_TileEnvelope(*tile), 4326)
    points = (
        select(
            collection.key.label("id"),
            *_properties(collection),
            _cut(func.ST_Transform(collection.labels, 3857), tile, 0).label("geom"),
        )
        .select_from(collection.source)
        .where(collection.labels.op("&&")(inside), *conditions(collection, selection))
        .order_by(collection.tile_order, collection.key)
        .limit(cap)
        .subquery("points")
    )
    return bytes(
        db.execute(select(_encode("points", f"{collection.id}_labels")).select_from(points)).scalar_one()
    )
