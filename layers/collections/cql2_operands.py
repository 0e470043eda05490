"""Operands of CQL2 filters in SQL: properties, literals and functions, each with its type."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any, Literal

import shapely
from sqlalchemy import (
    TIMESTAMP,
    BigInteger,
    Boolean,
    Double,
    LargeBinary,
    Text,
    cast,
    func,
    literal,
    literal_column,
)
from sqlalchemy import Date as SqlDate

from layers.codes import ReferenceSystem
from layers.collections.catalog import Collection, Expression
from layers.collections.cql2_parse import MAX_DEPTH, FilterText, Tree
from layers.collections.filters import parse_moment
from layers.errors import InvalidFilter

Kind = Literal["text", "number", "boolean", "time", "date", "geometry", "interval", "null"]
GEOMETRY = "geometry"
"""Name of the geometry among the queryables."""
ARITHMETIC = {"+", "-", "*", "/", "%", "div", "^"}
_DAY = dt.timedelta(days=1) - dt.timedelta(microseconds=1)
_KINDS: dict[str, Kind] = {
    "text": "text",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "time": "time",
    "date": "date",
}
TIME_WITH_ZONE = TIMESTAMP(timezone=True)
_MAX_COORDINATE = (180 + 1e-6, 90 + 1e-6)
"""Greatest absolute longitude and latitude, degrees."""


@dataclass(frozen=True)
class Operand:
    """Operand of a CQL2 filter, with its type.

    Attributes
    ----------
    kind : Kind
    sql : Expression
    start, end : Expression or None
        Bounds of a time, a date (the whole day) or an interval.
    shape : shapely geometry or None
        A literal geometry, EPSG:4326.
    """

    kind: Kind
    sql: Expression
    start: Expression | None = None
    end: Expression | None = None
    shape: Any = None


def queryable_kinds(collection: Collection) -> dict[str, Kind]:
    """Return the names that a filter may use, with their types."""
    kinds: dict[str, Kind] = {GEOMETRY: "geometry"}
    return kinds | {p.name: _KINDS[p.type] for p in collection.properties if p.type in _KINDS}


class Operands:
    """Converter of operands for one collection; it records the properties that are used."""

    def __init__(self, collection: Collection, source: FilterText, system: ReferenceSystem) -> None:
        self.collection = collection
        self.source = source
        self.system = system
        self.kinds = queryable_kinds(collection)
        self.used: set[str] = set()

    def operand(self, tree: Tree, depth: int = 0) -> Operand:
        """Convert a tree to an operand.

        Raises
        ------
        InvalidFilter
            With the position of the fault.
        """
        if isinstance(tree, bool):
            return Operand("boolean", literal(tree, Boolean))
        if isinstance(tree, int | float):
            return Operand("number", self._number(tree))
        if isinstance(tree, str):
            return Operand("text", literal(self._text(tree), Text))
        if isinstance(tree, dict):
            return self._object(tree, depth)
        raise self.source.fault(f"a value cannot be {type(tree).__name__}")

    def _object(self, tree: dict[str, Any], depth: int) -> Operand:
        if "property" in tree:
            return self._property(tree["property"])
        if "timestamp" in tree or "date" in tree:
            return self._instant(tree)
        if "interval" in tree:
            return self._interval(tree["interval"])
        if "bbox" in tree or "type" in tree:
            return self._geometry(tree)
        if "op" in tree:
            return self._function(tree, depth)
        raise self.source.fault("an object is a property, a time, a geometry or an operation")

    def _property(self, name: Any) -> Operand:
        if not isinstance(name, str) or name not in self.kinds:
            known = ", ".join(self.kinds)
            raise self.source.fault(f"{name!r} is not one of the queryables: {known}", str(name))
        self.used.add(name)
        kind = self.kinds[name]
        if kind == "geometry":
            return Operand(kind, self.collection.geom)
        return _timed(kind, self.collection.by_name[name].expression)

    def _text(self, text: str) -> str:
        if "\x00" in text:
            raise self.source.fault("a null character is not allowed")
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise self.source.fault("not Unicode text") from error
        return text

    def _number(self, number: float) -> Expression:
        try:
            value = float(number)
        except OverflowError as error:
            raise self.source.fault(f"out of range: {number}"[:80]) from error
        if not math.isfinite(value):
            raise self.source.fault("not a finite number")
        whole = value.is_integer() and abs(number) < 2**63
        return literal(int(number), BigInteger) if whole else literal(value, Double)

    def _instant(self, tree: dict[str, Any]) -> Operand:
        text = tree.get("timestamp", tree.get("date"))
        if not isinstance(text, str):
            raise self.source.fault("a time is a text")
        try:
            if "date" in tree:
                return _timed("date", literal(dt.date.fromisoformat(text), SqlDate))
            return _timed("time", literal(parse_moment(text, "filter"), TIME_WITH_ZONE))
        except (ValueError, InvalidFilter) as error:
            raise self.source.fault(f"not a time of RFC 3339: {text!r}", text) from error

    def _interval(self, ends: Any) -> Operand:
        if not isinstance(ends, list) or len(ends) != 2:
            raise self.source.fault("an interval has two ends", "interval")
        first, last = (self._end(end, lower=lower) for end, lower in zip(ends, (True, False), strict=True))
        return Operand("interval", first, first, last)

    def _end(self, end: Any, *, lower: bool) -> Expression:
        if isinstance(end, str):
            if end in ("", ".."):
                return cast(literal_column("'-infinity'" if lower else "'infinity'"), TIME_WITH_ZONE)
            end = {"date" if len(end) == 10 else "timestamp": end}
        found = self.operand(end)
        edge = found.start if lower else found.end
        if found.kind not in ("time", "date") or edge is None:
            raise self.source.fault("the ends of an interval are times", "interval")
        return edge if lower else func.coalesce(edge, cast(literal_column("'infinity'"), TIME_WITH_ZONE))

    def _geometry(self, tree: dict[str, Any]) -> Operand:
        try:
            shape = _box(tree["bbox"], self.system) if "bbox" in tree else shapely.geometry.shape(tree)
            shape = shapely.force_2d(shape)
            coordinates = shapely.get_coordinates(shape)
            moved = shapely.set_coordinates(shape, self.system.to_storage(coordinates))
            usable = len(coordinates) > 0 and bool(
                (abs(shapely.get_coordinates(moved)) <= _MAX_COORDINATE).all()
            )
        except Exception as error:  # shapely raises various errors, depending on the nesting of the arrays
            raise self.source.fault("not a geometry", str(tree.get("type", "bbox"))) from error
        if not usable or not shapely.is_valid(moved):
            raise self.source.fault(
                "the geometry is empty, not valid, or beyond 180°E or 90°N (are its axes those of"
                " filter-crs?)",
                str(tree.get("type", "bbox")),
            )
        sql = func.ST_GeomFromWKB(literal(shapely.to_wkb(moved), LargeBinary), 4326)
        return Operand("geometry", sql, shape=moved)

    def _function(self, tree: dict[str, Any], depth: int) -> Operand:
        op, arguments = tree.get("op"), tree.get("args")
        if not isinstance(op, str) or not isinstance(arguments, list):
            raise self.source.fault("an operation has op and args")
        if depth > MAX_DEPTH:
            raise self.source.fault(f"nested more than {MAX_DEPTH} deep")
        name = op.lower()
        if name == "casei" and len(arguments) == 1:
            inner = self.operand(arguments[0], depth + 1)
            self.require_kind(inner, "text", op)
            return Operand("text", func.lower(inner.sql))
        if name in ARITHMETIC:
            return self._arithmetic(name, arguments, depth)
        raise self.source.fault(f"the function {op} is not known here", op)

    def _arithmetic(self, name: str, arguments: list[Any], depth: int) -> Operand:
        operands = [self.operand(argument, depth + 1) for argument in arguments]
        for found in operands:
            self.require_kind(found, "number", name)
        numbers = [cast(found.sql, Double) for found in operands]
        if len(numbers) == 1 and name == "-":
            return Operand("number", -numbers[0])
        if len(numbers) != 2:
            raise self.source.fault(f"{name} takes two numbers", name)
        a, b = numbers
        if name == "%":
            return Operand("number", a - b * func.trunc(a / b))
        if name == "div":
            return Operand("number", func.trunc(a / b))
        return Operand("number", a.op(name)(b))

    def require_kind(self, operand: Operand, kind: Kind, op: str) -> None:
        """Raise an error for an operand of another type."""
        if operand.kind != kind:
            raise self.source.fault(f"{op} takes a {kind}, not a {operand.kind}", op)


def _timed(kind: Kind, sql: Expression) -> Operand:
    """Return a time as an instant, or a date as its day in UTC."""
    if kind == "time":
        return Operand(kind, sql, sql, sql)
    if kind == "date":
        midnight = func.timezone("UTC", cast(sql, TIMESTAMP))
        return Operand(kind, sql, midnight, midnight + literal(_DAY))
    return Operand(kind, sql)


def _box(numbers: list[float], system: ReferenceSystem) -> Any:
    """Return a box; in degrees, a west greater than the east crosses the antimeridian."""
    values = [float(v) for v in numbers]
    if len(values) == 6:
        values = [values[i] for i in (0, 1, 3, 4)]
    low, high = values[:2], values[2:]
    longitude = int(system.north_first)
    if not system.matches_storage or low[longitude] <= high[longitude]:
        if low[0] > high[0] or low[1] > high[1]:
            raise ValueError("a box begins at its least coordinates")
        return shapely.box(low[0], low[1], high[0], high[1])
    west, east = list(low), list(high)
    west[longitude], east[longitude] = -180.0, 180.0
    return shapely.union_all([_box([*low, *east], system), _box([*west, *high], system)])
