"""Edits of single features of sites and places, with versions that detect concurrent edits.

The version of a row is the transaction that wrote it (``xmin``): it changes with every write, including
imports, and needs no column. Row-level security in the database decides whether the caller may write.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h3
import numpy as np
import shapely
from sqlalchemy import (
    BigInteger,
    Table,
    Text,
    cast,
    delete,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from layers.codes import CRS84, ReferenceSystem
from layers.codes.outline_faults import outline_fault
from layers.collections.catalog import Collection
from layers.errors import InputError, NotFound, OutOfScope, StillReferred, VersionConflict
from layers.imports import FILE_KINDS
from layers.tables import Base, Enterprise

MAX_TEXT = 200
CITY_MARGIN_DEG = 1.0
"""A place may lie outside the city (a store in the next one), but not further than this from it."""
BOUNDARY_REACH_DEG = 0.2
"""The outline of a site begins no further than this from its point."""
_NEAR_THE_CITY = text(
    "SELECT NOT EXISTS (SELECT 1 FROM areas WHERE kind = 'city' AND holds_at(valid_from, valid_to)) OR EXISTS (SELECT 1"
    " FROM areas WHERE kind = 'city' AND holds_at(valid_from, valid_to)"
    " AND ST_DWithin(geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :margin_deg))"
)
Values = dict[str, Any]


@dataclass(frozen=True)
class FeatureInput:
    """Feature as a caller sent it: GeoJSON geometry and properties, coordinates of ``system``."""

    geometry: Any
    properties: Mapping[str, Any]
    system: ReferenceSystem = CRS84


def read_version(db: Session, collection: Collection, key: int) -> int:
    """Return the version of a row.

    Raises
    ------
    NotFound
    """
    table = _table(collection)
    found = db.execute(select(_version(table)).where(table.c.id == key)).scalar_one_or_none()
    if found is None:
        raise NotFound(
            f"{collection.id} has no feature {key}", f"{collection.id} 中没有要素 {key}，或无权查看"
        )
    return int(found)


def create_feature(db: Session, collection: Collection, given: FeatureInput) -> int:
    """Write a new feature and return its id.

    Raises
    ------
    InputError
        Names the property and the reason.
    OutOfScope, StillReferred
        Outside the caller's areas; a key that is taken.
    """
    values = _values(db, collection, given)
    _check_inside(db, values)
    _begin_edit(db, collection, "inserted")
    with _ConstraintErrors(collection):
        table = _table(collection)
        statement: Any = insert(table).values(values).returning(table.c.id)
        return int(db.execute(statement).scalar_one())


def replace_feature(db: Session, collection: Collection, key: int, version: int, given: FeatureInput) -> None:
    """Replace a feature that still has the given version.

    Raises
    ------
    NotFound, InputError, OutOfScope, StillReferred
    VersionConflict
        Another caller has changed it.
    """
    _check_version(db, collection, key, version)
    values = _values(db, collection, given)
    _check_inside(db, values)
    table = _table(collection)
    values["batch_id"] = _begin_edit(db, collection, "updated")
    with _ConstraintErrors(collection):
        statement = update(table).where(table.c.id == key, _version(table) == version).values(values)
        _check_written(db, collection, key, version, db.execute(statement.returning(table.c.id)).all())


def delete_feature(db: Session, collection: Collection, key: int, version: int) -> None:
    """Delete a feature that still has the given version; errors as in :func:`replace_feature`."""
    _check_version(db, collection, key, version)
    table = _table(collection)
    _begin_edit(db, collection, "deleted")
    with _ConstraintErrors(collection):
        statement = delete(table).where(table.c.id == key, _version(table) == version)
        _check_written(db, collection, key, version, db.execute(statement.returning(table.c.id)).all())


class _ConstraintErrors:
    """Conversion of a violated constraint into an error that says what to do."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IntegrityError):
            taken = getattr(error.orig, "sqlstate", "") == "23505"
            reason = "its key is taken by another feature" if taken else "other rows refer to it"
            raise StillReferred(f"{self._collection.id}: {reason}") from error


def _begin_edit(db: Session, collection: Collection, counted: str) -> int:
    """Write the rest of the transaction as a batch of its own, so that the edit can be undone.

    Return its id.
    """
    return int(db.execute(select(func.begin_edit(collection.id, counted))).scalar_one())


def _table(collection: Collection) -> Table:
    return Base.metadata.tables[collection.id]


def _version(table: Table) -> Any:
    return cast(cast(literal_column(f"{table.name}.xmin"), Text), BigInteger)


def _check_version(db: Session, collection: Collection, key: int, version: int) -> None:
    if read_version(db, collection, key) != version:
        raise VersionConflict(f"{collection.id}/{key} was changed: read it again")


def _check_written(db: Session, collection: Collection, key: int, version: int, rows: Any) -> None:
    if not rows:
        _check_version(db, collection, key, version)
        raise OutOfScope(f"{collection.id}/{key} is outside your area")


def _check_inside(db: Session, values: Values) -> None:
    """Raise a readable error before the table policies reject the write."""
    point: _Point = values["geom"]
    values["geom"] = func.ST_SetSRID(func.ST_MakePoint(point.lon, point.lat), 4326)
    check_writable(db, point.lon, point.lat)


def check_writable(db: Session, lon: float, lat: float) -> None:
    """Raise unless the caller may write at a point (EPSG:4326, degrees).

    Raises
    ------
    OutOfScope
        It is outside the caller's areas.
    InputError
        It is far outside the city.
    """
    if not db.scalar(select(func.wangge_may_write(func.ST_SetSRID(func.ST_MakePoint(lon, lat), 4326)))):
        raise OutOfScope("the geometry is outside your area")
    if not db.scalar(_NEAR_THE_CITY, {"lon": lon, "lat": lat, "margin_deg": CITY_MARGIN_DEG}):
        raise InputError(f"geometry: {lon:g}, {lat:g} is far outside the city: are axes and crs right?")


@dataclass(frozen=True)
class _Point:
    lon: float
    lat: float


def _values(db: Session, collection: Collection, given: FeatureInput) -> Values:
    unknown = set(given.properties) - set(collection.by_name)
    if unknown:
        raise InputError(f"{', '.join(sorted(unknown))}: {collection.id} has no such property")
    point = _point(given)
    if collection.id == "places":
        return {
            "kind": _choice(collection, "kind", given.properties),
            "radius_m": _number("radius_m", given.properties),
            "lon": point.lon,
            "lat": point.lat,
            "geom": point,
        }
    return _site_values(db, collection, given, point)


def _site_values(db: Session, collection: Collection, given: FeatureInput, point: _Point) -> Values:
    uscc = _text("uscc", given.properties)
    enterprise = db.scalar(select(Enterprise.id).where(Enterprise.uscc == uscc))
    if enterprise is None:
        raise InputError(f"uscc: no enterprise {uscc!r} is registered")
    return {
        "site_id": _text("site_id", given.properties),
        "enterprise_id": enterprise,
        "kind": _choice(collection, "kind", given.properties),
        "geom": point,
        "boundary": _boundary(given, point),
        "h3_9": h3.str_to_int(h3.latlng_to_cell(point.lat, point.lon, 9)),
        "h3_10": h3.str_to_int(h3.latlng_to_cell(point.lat, point.lon, 10)),
        "area_id": func.owning_area(func.ST_SetSRID(func.ST_MakePoint(point.lon, point.lat), 4326)),
    }


def _point(given: FeatureInput) -> _Point:
    shape = _shape("geometry", given.geometry, given.system, ("Point",))
    lon, lat = shape.x, shape.y
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise InputError("geometry: outside ±180, ±90: is the order of the axes right?")
    return _Point(float(lon), float(lat))


def _boundary(given: FeatureInput, point: _Point) -> Any:
    value = given.properties.get("boundary")
    if value is None:
        return None
    shape = _shape("boundary", value, given.system, ("Polygon", "MultiPolygon"))
    if not shapely.is_valid(shape):
        raise InputError(f"boundary: {' '.join(outline_fault(shape))}")
    if shapely.distance(shape, shapely.Point(point.lon, point.lat)) > BOUNDARY_REACH_DEG:
        raise InputError("boundary: far away from the point of the site")
    return func.ST_GeomFromWKB(shapely.to_wkb(shape), 4326)


def _shape(name: str, value: Any, system: ReferenceSystem, kinds: tuple[str, ...]) -> Any:
    if not isinstance(value, dict) or value.get("type") not in kinds:
        raise InputError(f"{name}: a GeoJSON {' or '.join(kinds)} is needed")
    if not _are_numbers(value.get("coordinates")):
        raise InputError(f"{name}: coordinates are numbers")
    try:
        shape = shapely.force_2d(shapely.geometry.shape(value))
        coordinates = shapely.get_coordinates(shape)
        moved = shapely.set_coordinates(shape, system.to_storage(coordinates))
    except Exception as error:  # shapely raises various errors, depending on the nesting of the arrays
        raise InputError(f"{name}: not a {value['type']}") from error
    if shapely.is_empty(moved) or not np.isfinite(shapely.get_coordinates(moved)).all():
        raise InputError(f"{name}: empty, or not finite")
    return moved


def _are_numbers(coordinates: Any) -> bool:
    """Return whether nested arrays hold numbers only; shapely reads ``true`` and ``"1"`` as numbers too."""
    if isinstance(coordinates, list):
        return all(map(_are_numbers, coordinates))
    return isinstance(coordinates, int | float) and not isinstance(coordinates, bool)


def _text(name: str, properties: Mapping[str, Any]) -> str:
    value = properties.get(name)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_TEXT or not value.isprintable():
        raise InputError(f"{name}: a text of 1 to {MAX_TEXT} printable characters is needed")
    return value.strip()


def _choice(collection: Collection, name: str, properties: Mapping[str, Any]) -> str:
    choices = next(c.choices for c in FILE_KINDS[collection.id].columns if c.name == name)
    value = properties.get(name)
    if value not in choices:
        raise InputError(f"{name}: one of {', '.join(choices)} is needed")
    return str(value)


def _number(name: str, properties: Mapping[str, Any]) -> float:
    column = next(c for c in FILE_KINDS["places"].columns if c.name == name)
    value = properties.get(name)
    low, high = column.minimum or 0, column.maximum or math.inf
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise InputError(f"{name}: a number of {low:g} to {high:g} is needed")
    return float(value)
