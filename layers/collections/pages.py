"""Pages of a collection as GeoJSON built by the database, and the cursors between them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import psycopg
import shapely
from sqlalchemy import (
    JSON,
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    func,
    literal,
    literal_column,
    select,
    tuple_,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from layers.codes import CRS84, STORAGE_EPSG, ReferenceSystem
from layers.collections.catalog import COLLECTIONS, Collection, Expression, Property
from layers.collections.filters import Selection, parse_moment, selection_conditions
from layers.errors import InvalidFilter, NotFound
from layers.postgres import AsyncReader, CompiledQuery, Scope, first_row_within

MAX_LIMIT = 10_000
COUNT_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Sort:
    """Sort property and direction; the key breaks ties."""

    name: str
    descending: bool = False


@dataclass(frozen=True)
class Page:
    """Page of features.

    Attributes
    ----------
    features : list of str
        GeoJSON features as texts.
    last : tuple or None
        Position at which the next page starts (sort value and key, or the key alone); None for the last page.
    """

    features: list[str]
    last: tuple[Any, ...] | None


def feature_json(collection: Collection, system: ReferenceSystem = CRS84) -> Expression:
    """Return a row as a GeoJSON feature (json), in the reference system if the database knows it."""
    pairs: list[Any] = []
    for prop in collection.properties:
        shown = prop.output if prop.shape is None else _geometry_json(prop.shape, 7, system)
        pairs += [literal(prop.name, Text), shown]
    return func.json_build_object(
        literal("type", Text),
        literal("Feature", Text),
        literal("id", Text),
        collection.key,
        literal("geometry", Text),
        _geometry_json(collection.geom, collection.digits, system),
        literal("properties", Text),
        func.json_build_object(*pairs),
    )


def _geometry_json(geom: Expression, digits: int, system: ReferenceSystem) -> Expression:
    """Return a geometry as GeoJSON in the system, without the ``crs`` member of old GeoJSON."""
    if system.srid is not None and system.srid != STORAGE_EPSG:
        geom = func.ST_Transform(geom, system.srid)
    if system.north_first:
        geom = func.ST_FlipCoordinates(geom)
    return cast(func.ST_AsGeoJSON(geom, system.digits if system.metres else digits, 0), JSON)


def _convert_coordinates(features: list[str], collection: Collection, system: ReferenceSystem) -> list[str]:
    """Convert the geometries of features to a system that the database does not know, all together."""
    if system.srid is not None or not features:
        return features
    read = [orjson.loads(feature) for feature in features]
    places = [(feature, "geometry") for feature in read]
    for prop in collection.properties:
        if prop.shape is not None:
            places += [(feature["properties"], prop.name) for feature in read]
    places = [(holder, name) for holder, name in places if holder[name] is not None]
    shapes = shapely.from_geojson([orjson.dumps(holder[name]) for holder, name in places])
    moved = shapely.transform(shapes, lambda c: np.round(system.from_storage(c), collection.digits))
    for (holder, name), text_ in zip(places, shapely.to_geojson(moved), strict=True):
        holder[name] = orjson.loads(text_)
    return [orjson.dumps(feature).decode() for feature in read]


def read_page(
    db: Session,
    collection: Collection,
    selection: Selection,
    *,
    limit: int = 100,
    after: tuple[Any, ...] | None = None,
    offset: int = 0,
    sort: Sort | None = None,
    system: ReferenceSystem = CRS84,
) -> Page:
    """Read one page, in the order of the key or of ``sort``.

    Parameters
    ----------
    db : Session
    collection : Collection
    selection : Selection
    limit : int
        1 to ``MAX_LIMIT`` features.
    after : tuple or None
        ``Page.last`` of the page before; a late page takes no longer than the first.
    offset : int
        Rows to skip, for clients that cannot follow cursors.
    sort : Sort or None
    system : ReferenceSystem
        CRS of the coordinates.
    """
    statement = page_statement(
        collection, selection, limit=limit, after=after, offset=offset, sort=sort, system=system
    )
    rows = db.execute(statement).all()
    features, last = _split_page(rows, limit)
    return Page(_convert_coordinates(features, collection, system), last)


async def fetch_page(
    reader: AsyncReader,
    scope: Scope,
    collection: Collection,
    selection: Selection,
    *,
    limit: int = 100,
    after: tuple[Any, ...] | None = None,
    offset: int = 0,
    sort: Sort | None = None,
    system: ReferenceSystem = CRS84,
) -> Page:
    """Read one page on the event loop, in one round trip; parameters as in :func:`read_page`.

    A page without a filter is compiled and planned once; boxes and filters are planned with their values.
    """
    narrowed = selection.narrow is not None and collection.scope_columns is not None
    if offset == 0 and not narrowed and _is_everything(selection):
        query = _plain_page(collection.id, limit, sort, system, after is not None)
        query = query.with_values(**{f"after_{i}": value for i, value in enumerate(after or ())})
    else:
        statement = page_statement(
            collection, selection, limit=limit, after=after, offset=offset, sort=sort, system=system
        )
        query = CompiledQuery.from_statement(statement, generic=False)
    rows = await reader.rows(scope, query)
    features, last = _split_page(rows, limit)
    if system.srid is None:
        features = await asyncio.to_thread(_convert_coordinates, features, collection, system)
    return Page(features, last)


def _split_page(rows: Sequence[Sequence[Any]], limit: int) -> tuple[list[str], tuple[Any, ...] | None]:
    """Return the features of a page and the start of the next page, if there is one row above the limit."""
    last = tuple(rows[limit - 1][1:]) if len(rows) > limit else None
    return [row[0] for row in rows[:limit]], last


def _is_everything(selection: Selection) -> bool:
    chosen = (selection.bbox, selection.interval, selection.at, selection.outline, selection.condition)
    return not selection.values and all(part is None for part in chosen)


@lru_cache(maxsize=256)
def _plain_page(
    collection_id: str, limit: int, sort: Sort | None, system: ReferenceSystem, follows: bool
) -> CompiledQuery:
    after = ((None,) if sort is None else (None, None)) if follows else None
    statement = page_statement(
        COLLECTIONS[collection_id],
        Selection(),
        limit=limit,
        after=after,
        sort=sort,
        system=system,
    )
    return CompiledQuery.from_statement(statement, generic=True)


def page_statement(
    collection: Collection,
    selection: Selection,
    *,
    limit: int,
    after: tuple[Any, ...] | None = None,
    offset: int = 0,
    sort: Sort | None = None,
    system: ReferenceSystem = CRS84,
) -> Select[*tuple[Any, ...]]:
    """Build the query of one page: feature text, sort value and key, one row more than ``limit``.

    The keys of the page are found first, from the table alone if no filter needs a join; features are built
    for them.
    """
    columns: list[Expression] = [collection.key]
    if sort is not None:
        columns.insert(0, _sort_property(collection, sort).expression)
    downwards = bool(sort and sort.descending)
    keys: Select[*tuple[Any, ...]] = (
        select(*(column.label(f"position_{i}") for i, column in enumerate(columns)))
        .select_from(collection.source)
        .where(*selection_conditions(collection, selection))
        .order_by(*(column.desc() if downwards else column for column in columns))
        .limit(literal_column(f"{limit + 1:d}"))  # a constant, so that one plan for every position knows it
        .offset(offset or None)
    )
    if after is not None:
        keys = keys.where(_after_position(columns, after, descending=downwards))
    page = keys.subquery("page")
    return (
        select(cast(feature_json(collection, system), Text), *page.c)
        .select_from(page.join(collection.source, list(page.c)[-1] == collection.key))
        .order_by(*(column.desc() if downwards else column for column in page.c))
    )


def _sort_property(collection: Collection, sort: Sort) -> Property:
    prop = collection.by_name.get(sort.name)
    if prop is None or not prop.sortable:
        raise InvalidFilter(f"sortby: {collection.id} sorts by {', '.join(collection.sortable)}")
    return prop


def _after_position(
    columns: list[Expression], after: tuple[Any, ...], *, descending: bool
) -> ColumnElement[bool]:
    values = [
        bindparam(f"after_{i}", value, _type_of(column))
        for i, (value, column) in enumerate(zip(after, columns, strict=True))
    ]
    if len(columns) == 1:
        return columns[0] < values[0] if descending else columns[0] > values[0]
    position = tuple_(*values)
    return tuple_(*columns) < position if descending else tuple_(*columns) > position


def _type_of(column: Expression) -> TypeEngine[Any]:
    """Return the column's own type, so that a time keeps its zone."""
    found: TypeEngine[Any] = column.type  # type: ignore[attr-defined]
    return found


def read_feature(db: Session, collection: Collection, key: int, system: ReferenceSystem = CRS84) -> str:
    """Return a feature as GeoJSON text, in any version visible to the caller.

    Raises
    ------
    NotFound
        It does not exist, or the caller may not see it; the error does not say which.
    """
    statement = (
        select(cast(feature_json(collection, system), Text))
        .select_from(collection.source)
        .where(collection.key == key)
    )
    found = db.execute(statement).scalar_one_or_none()
    if found is None:
        raise NotFound(
            f"{collection.id} has no feature {key}", f"{collection.id} 中没有要素 {key}，或无权查看"
        )
    return _convert_coordinates([str(found)], collection, system)[0]


def estimate_count(db: Session, collection: Collection, selection: Selection) -> int:
    """Return the number of features that the planner expects, a cheap guess."""
    statement = (
        select(collection.key)
        .select_from(collection.source)
        .where(*selection_conditions(collection, selection))
    )
    compiled = statement.compile(dialect=db.get_bind().dialect, compile_kwargs={"render_postcompile": True})
    driver = db.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    row = driver.execute(f"EXPLAIN (FORMAT JSON) {compiled}".encode(), compiled.params).fetchone()
    assert row is not None
    return int(row[0][0]["Plan"]["Plan Rows"])


def count_features(db: Session, collection: Collection, selection: Selection) -> int | None:
    """Return the exact number of features, or None when counting takes more than ``COUNT_TIMEOUT_S``."""
    statement = (
        select(func.count())
        .select_from(collection.source)
        .where(*selection_conditions(collection, selection))
    )
    row = first_row_within(db, statement, COUNT_TIMEOUT_S)
    return None if row is None else int(row[0])


def write_cursor(secret: bytes, context: str, position: tuple[Any, ...]) -> str:
    """Encode a position as an opaque signed text for one ``context`` (collection and order)."""
    values = [
        {"t": v.isoformat()}
        if isinstance(v, dt.datetime)
        else {"d": v.isoformat()}
        if isinstance(v, dt.date)
        else v
        for v in position
    ]
    payload = json.dumps(values, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_signature(secret, context, payload) + payload).decode().rstrip("=")


def read_cursor(secret: bytes, context: str, cursor: str) -> tuple[Any, ...]:
    """Decode the position of a cursor made by :func:`write_cursor`.

    Raises
    ------
    InvalidFilter
        It was changed, or belongs to another collection or order.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError) as error:
        raise InvalidFilter("cursor: cannot be read") from error
    signature, payload = raw[:16], raw[16:]
    if not hmac.compare_digest(signature, _signature(secret, context, payload)):
        raise InvalidFilter("cursor: was changed, or belongs to another query")
    return tuple(_position_value(v) for v in json.loads(payload))


def _position_value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return dt.date.fromisoformat(value["d"]) if "d" in value else parse_moment(value["t"], "cursor")


def _signature(secret: bytes, context: str, payload: bytes) -> bytes:
    return hmac.new(secret, context.encode() + b"\x00" + payload, hashlib.sha256).digest()[:16]
