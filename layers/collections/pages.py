"""Pages of a collection as GeoJSON that the database builds, and the cursors between them."""

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
from layers.collections.filters import Selection, conditions, parse_moment
from layers.errors import InvalidFilter, NotFound
from layers.postgres import AsyncReader, CompiledQuery, Scope, first_row_within

MAX_LIMIT = 10_000
COUNT_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Sort:
    """One property and a direction; the key breaks ties."""

    name: str
    descending: bool = False


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes
    ----------
    features : list of str
        GeoJSON features as texts.
    last : tuple or None
        Where the next page starts (sort value and key, or the key alone); None when there is no next page.
    """

    features: list[str]
    last: tuple[Any, ...] | None


def feature_json(collection: Collection, system: ReferenceSystem = CRS84) -> Expression:
    """One row as a GeoJSON feature (json), with coordinates of the system where the database knows it."""
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
    """A geometry as GeoJSON in the system; by integer SRID, and without the ``crs`` member of old GeoJSON."""
    if system.srid is not None and system.srid != STORAGE_EPSG:
        geom = func.ST_Transform(geom, system.srid)
    if system.north_first:
        geom = func.ST_FlipCoordinates(geom)
    return cast(func.ST_AsGeoJSON(geom, system.digits if system.metres else digits, 0), JSON)


def _shifted(features: list[str], collection: Collection, system: ReferenceSystem) -> list[str]:
    """Features as texts with the geometries moved into a system that the database does not know, all at once."""
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
    limit : int
        1 to ``MAX_LIMIT`` features.
    after : tuple or None
        ``Page.last`` of the page before: a page deep in the collection costs what the first costs.
    offset : int
        Rows to pass over, for clients that cannot follow cursors.
    system : ReferenceSystem
        Of the coordinates.
    """
    statement = page_statement(
        collection, selection, limit=limit, after=after, offset=offset, sort=sort, system=system
    )
    rows = db.execute(statement).all()
    features, last = _apart(rows, limit)
    return Page(_shifted(features, collection, system), last)


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
    """Read one page on the event loop, in one round trip (see :func:`read_page`).

    What has no filter is compiled and planned once; boxes and filters are planned with their values.
    """
    if offset == 0 and _is_everything(selection):
        query = _plain_page(collection.id, limit, sort, system, after is not None)
        query = query.with_values(**{f"after_{i}": value for i, value in enumerate(after or ())})
    else:
        statement = page_statement(
            collection, selection, limit=limit, after=after, offset=offset, sort=sort, system=system
        )
        query = CompiledQuery.from_statement(statement, generic=False)
    rows = await reader.rows(scope, query)
    features, last = _apart(rows, limit)
    if system.srid is None:
        features = await asyncio.to_thread(_shifted, features, collection, system)
    return Page(features, last)


def _apart(rows: Sequence[Sequence[Any]], limit: int) -> tuple[list[str], tuple[Any, ...] | None]:
    """The features of a page, and where the next one starts when there was a row more than the limit."""
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
        COLLECTIONS[collection_id], Selection(), limit=limit, after=after, sort=sort, system=system
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
    """The query of one page: feature text, sort value and key, one row more than ``limit``.

    The page's keys are found first, from the table alone where no filter needs a join; features are built for them.
    """
    columns: list[Expression] = [collection.key]
    if sort is not None:
        columns.insert(0, _sort_property(collection, sort).expression)
    downwards = bool(sort and sort.descending)
    keys: Select[*tuple[Any, ...]] = (
        select(*(column.label(f"position_{i}") for i, column in enumerate(columns)))
        .select_from(collection.source)
        .where(*conditions(collection, selection))
        .order_by(*(column.desc() if downwards else column for column in columns))
        .limit(literal_column(f"{limit + 1:d}"))  # a constant, so that one plan for every position knows it
        .offset(offset or None)
    )
    if after is not None:
        keys = keys.where(_beyond(columns, after, descending=downwards))
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


def _beyond(columns: list[Expression], after: tuple[Any, ...], *, descending: bool) -> ColumnElement[bool]:
    values = [
        bindparam(f"after_{i}", value, _type_of(column))
        for i, (value, column) in enumerate(zip(after, columns, strict=True))
    ]
    if len(columns) == 1:
        return columns[0] < values[0] if descending else columns[0] > values[0]
    position = tuple_(*values)
    return tuple_(*columns) < position if descending else tuple_(*columns) > position


def _type_of(column: Expression) -> TypeEngine[Any]:
    """The column's own type, so that a time stays a time with zone."""
    found: TypeEngine[Any] = column.type  # type: ignore[attr-defined]
    return found


def read_feature(db: Session, collection: Collection, key: int, system: ReferenceSystem = CRS84) -> str:
    """One feature as GeoJSON text, in any version that the caller may see.

    Raises
    ------
    NotFound
        When there is none, or none that the caller may see: the two are not told apart.
    """
    statement = (
        select(cast(feature_json(collection, system), Text))
        .select_from(collection.source)
        .where(collection.key == key)
    )
    found = db.execute(statement).scalar_one_or_none()
    if found is None:
        raise NotFound(f"{collection.id} has no feature {key}")
    return _shifted([str(found)], collection, system)[0]


def estimate(db: Session, collection: Collection, selection: Selection) -> int:
    """How many features the planner expects: cheap, and no more than a guess."""
    statement = (
        select(collection.key).select_from(collection.source).where(*conditions(collection, selection))
    )
    compiled = statement.compile(dialect=db.get_bind().dialect, compile_kwargs={"render_postcompile": True})
    driver = db.connection().connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    row = driver.execute(f"EXPLAIN (FORMAT JSON) {compiled}".encode(), compiled.params).fetchone()
    assert row is not None
    return int(row[0][0]["Plan"]["Plan Rows"])


def count(db: Session, collection: Collection, selection: Selection) -> int | None:
    """The exact number of features, or None when counting takes more than ``COUNT_TIMEOUT_S``."""
    statement = select(func.count()).select_from(collection.source).where(*conditions(collection, selection))
    row = first_row_within(db, statement, COUNT_TIMEOUT_S)
    return None if row is None else int(row[0])


def write_cursor(secret: bytes, context: str, position: tuple[Any, ...]) -> str:
    """A position as an opaque signed text; ``context`` names collection and order, so that it fits no other."""
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
    """The position of a cursor that :func:`write_cursor` made.

    Raises
    ------
    InvalidFilter
        When it was changed, or belongs to another collection or order.
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
