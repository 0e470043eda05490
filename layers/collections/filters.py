"""Conversion of a reader's parameters (box, interval, time, values) into conditions on a collection."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, LargeBinary, and_, any_, func, literal, or_

from layers.collections.catalog import Collection, Expression, Property
from layers.errors import InvalidFilter
from layers.local_time import start_of_day

FIRST_YEAR, LAST_YEAR = 1800, 2999
_OPEN = ("", "..")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d([Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d(:\d\d)?)?)?", re.ASCII
)
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,29})", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
Box = tuple[float, float, float, float]
Interval = tuple[dt.datetime | None, dt.datetime | None]


@dataclass(frozen=True)
class NarrowScope:
    """Areas and body of a caller who does not see the whole city."""

    area_ids: tuple[int, ...]
    body_id: int | None


@dataclass(frozen=True)
class Selection:
    """Selection of features of a collection.

    Attributes
    ----------
    bbox : tuple of four float, or None
        west, south, east, north in degrees (CRS84); west > east crosses the antimeridian.
    interval : tuple of two datetime, or None
        Features whose time intersects it; None at an end is open.
    at : datetime or None
        For collections with history: the time; None is now.
    values : mapping of name to texts
        Property filters; several texts of one name are alternatives.
    outline : bytes or None
        The box of another reference system as a polygon of EPSG:4326 (WKB), instead of ``bbox``.
    condition : condition or None
        Parsed filter (``layers.collections.cql2_conditions``).
    names : frozenset of str
        Properties that ``condition`` names.
    narrow : NarrowScope or None
        What a caller sees who does not see the whole city, for ``Collection.scope_columns``.
    """

    bbox: Box | None = None
    interval: Interval | None = None
    at: dt.datetime | None = None
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    outline: bytes | None = None
    condition: ColumnElement[bool] | None = None
    names: frozenset[str] = frozenset()
    narrow: NarrowScope | None = None


def parse_bbox(text: str) -> Box:
    """Parse ``west,south,east,north`` (or six numbers with heights, which are ignored).

    Examples
    --------
    >>> parse_bbox("120.5,31.9,121.2,32.3")
    (120.5, 31.9, 121.2, 32.3)
    """
    west, south, east, north = parse_box_numbers(text)
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):
        raise InvalidFilter(
            "bbox: west,south,east,north in degrees are needed, longitude first, south <= north"
        )
    return west, south, east, north


def parse_box_numbers(text: str) -> Box:
    """Parse four finite numbers of a ``bbox`` in any reference system; of six, heights are ignored."""
    try:
        numbers = [plain_number(part.strip()) for part in text.split(",")]
    except ValueError as error:
        raise InvalidFilter(f"bbox: not numbers: {text!r}") from error
    if len(numbers) == 6:
        numbers = [numbers[i] for i in (0, 1, 3, 4)]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise InvalidFilter(f"bbox: four or six numbers are needed: {text!r}")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def parse_moment(text: str, name: str = "at") -> dt.datetime:
    """Parse an RFC 3339 time (a date is its midnight in UTC; no zone means UTC).

    Examples
    --------
    >>> parse_moment("2026-03-01T08:00:00+08:00").isoformat()
    '2026-03-01T00:00:00+00:00'
    """
    written = text.strip().replace(" ", "+")
    try:
        if (
            _MOMENT.fullmatch(written) is None
        ):  # weeks, days of the year, and days without hyphens are no RFC 3339
            raise ValueError
        moment = dt.datetime.fromisoformat(written)
    except ValueError as error:
        raise InvalidFilter(f"{name}: not an RFC 3339 time: {text!r}") from error
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidFilter(f"{name}: the year must be in {FIRST_YEAR}-{LAST_YEAR}: {text!r}")
    return moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)


_DATE_OF_GDAL = re.compile(r"^(\d{4}-\d\d-\d\d)T$")
"""A date as GDAL writes it for ``-where "valid_from > '2020-01-01'"``: with the T of a time, and no time."""


def parse_interval(text: str) -> Interval:
    """Parse an OGC ``datetime``: one time, ``start/end``, ``../end``, ``start/..``.

    A date without a time is the whole day of the city, from its first moment as a start to its last as an
    end.

    Examples
    --------
    >>> parse_interval("2026-01-01T00:00:00Z/..")[1] is None
    True
    >>> [moment.isoformat() for moment in parse_interval("2026-10-31")]
    ['2026-10-30T16:00:00+00:00', '2026-10-31T15:59:59.999999+00:00']
    """
    parts = [_DATE_OF_GDAL.sub(r"\1", part) for part in text.split("/")]
    if len(parts) == 1:
        text = parts[0]
        return _first_moment(text), _last_moment(text)
    if len(parts) != 2:
        raise InvalidFilter(f"datetime: a time or start/end is needed: {text!r}")
    start = None if parts[0] in _OPEN else _first_moment(parts[0])
    end = None if parts[1] in _OPEN else _last_moment(parts[1])
    if start is not None and end is not None and end < start:
        raise InvalidFilter("datetime: the end is before the start")
    return start, end


def _first_moment(text: str) -> dt.datetime:
    day = _whole_day(text)
    return parse_moment(text, "datetime") if day is None else day.astimezone(dt.UTC)


def _last_moment(text: str) -> dt.datetime:
    day = _whole_day(text)
    if day is None:
        return parse_moment(text, "datetime")
    return (day + dt.timedelta(days=1)).astimezone(dt.UTC) - dt.timedelta(microseconds=1)


def _whole_day(text: str) -> dt.datetime | None:
    """Return the beginning of a written day in the city; None when a time of the day is given, or no day."""
    if _DATE.fullmatch(text) is None:
        return None
    parse_moment(text, "datetime")
    return start_of_day(dt.date.fromisoformat(text))


def plain_integer(text: str) -> int:
    """Parse digits in the one way that a number is written; what Python would take besides is refused.

    ``1_0``, ``+1``, ``01`` and blanks are: one row has one address.

    Examples
    --------
    >>> plain_integer("-10")
    -10
    >>> plain_integer("1_0")
    Traceback (most recent call last):
        ...
    ValueError: not a whole number: '1_0'
    """
    if _INTEGER.fullmatch(text) is None:
        raise ValueError(f"not a whole number: {text!r}")
    return int(text)


def plain_number(text: str) -> float:
    """Parse a finite decimal number; ``1_0``, ``nan``, ``inf`` and blanks are refused.

    Examples
    --------
    >>> plain_number("1.5e3"), plain_number("-.5")
    (1500.0, -0.5)
    """
    if _NUMBER.fullmatch(text) is None or not math.isfinite(number := float(text)):
        raise ValueError(f"not a number: {text!r}")
    return number


def _date(text: str) -> dt.date:
    if _DATE.fullmatch(text) is None:
        raise ValueError(f"not a date: {text!r}")
    return dt.date.fromisoformat(text)


def _boolean(text: str) -> bool:
    known = {"true": True, "false": False, "1": True, "0": False}
    return known[text.lower()]


_READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "integer": plain_integer,
    "number": plain_number,
    "boolean": _boolean,
    "time": parse_moment,
    "date": _date,
}


def _value(prop: Property, text: str) -> Any:
    if "\x00" in text:
        raise InvalidFilter(f"{prop.name}: a null character is not allowed")
    try:
        value = _READERS[prop.type](text)
    except (ValueError, KeyError) as error:
        raise InvalidFilter(f"{prop.name}: not of type {prop.type}: {text!r}") from error
    if prop.type == "integer" and not -(2**63) <= value < 2**63:
        raise InvalidFilter(f"{prop.name}: out of range: {text!r}")
    if prop.values and value not in prop.values:
        raise InvalidFilter(f"{prop.name}: one of {', '.join(prop.values)} is needed: {text!r}")
    return value


def value_condition(prop: Property, texts: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a property equals one of the texts, parsed by the property's type."""
    values = [_value(prop, text) for text in texts]
    return prop.expression == values[0] if len(values) == 1 else prop.expression.in_(values)


def box_condition(geom: Expression, bbox: Box) -> ColumnElement[bool]:
    """Return the condition that a geometry (EPSG:4326) intersects the box.

    ``&&`` comes first, so that the spatial index is used.
    """
    west, south, east, north = bbox
    if west > east:
        return or_(
            box_condition(geom, (west, south, 180, north)), box_condition(geom, (-180, south, east, north))
        )
    envelope = func.ST_MakeEnvelope(west, south, east, north, 4326)
    return and_(geom.op("&&")(envelope), func.ST_Intersects(geom, envelope))


def outline_condition(geom: Expression, outline: bytes) -> ColumnElement[bool]:
    """Return the condition that a geometry (EPSG:4326) intersects a polygon (WKB, EPSG:4326)."""
    shape = func.ST_GeomFromWKB(literal(outline, LargeBinary), 4326)
    return and_(geom.op("&&")(shape), func.ST_Intersects(geom, shape))


def interval_condition(start: Expression, end: Expression, interval: Interval) -> ColumnElement[bool] | None:
    """Return the condition that the time from start to end (null: open) intersects the interval."""
    first, last = interval
    parts: list[ColumnElement[bool]] = []
    if last is not None:
        parts.append(start <= last)
    if first is not None:
        parts.append(or_(end.is_(None), end >= first))
    return and_(*parts) if parts else None


def selection_conditions(collection: Collection, selection: Selection) -> list[ColumnElement[bool]]:
    """Return all conditions of the selection, in the collection's columns.

    Raises
    ------
    InvalidFilter
        A property is unknown, a value is not of its type, or the collection has no time to filter by.
    """
    found: list[ColumnElement[bool]] = []
    if selection.narrow is not None and collection.scope_columns is not None:
        found.extend(_scope_conditions(collection.scope_columns, selection.narrow))
    for name, texts in selection.values.items():
        prop = collection.by_name.get(name)
        if prop is None or not prop.filterable:
            raise InvalidFilter(f"{name}: {collection.id} filters by {', '.join(collection.filterable)}")
        found.append(value_condition(prop, texts))
    if selection.bbox is not None:
        found.append(box_condition(collection.geom, selection.bbox))
    if selection.outline is not None:
        found.append(outline_condition(collection.geom, selection.outline))
    if selection.condition is not None:
        found.append(selection.condition)
    found.extend(_time_conditions(collection, selection))
    named = selection.names | set(selection.values)
    if collection.current is not None and not set(collection.overrides) & named:
        found.append(collection.current)
    return found


def _scope_conditions(
    columns: tuple[Expression, Expression], scope: NarrowScope
) -> list[ColumnElement[bool]]:
    """Return the condition that every row of these areas or of this body fulfils, in a form that indexes answer."""
    area, parties = columns
    arms: list[ColumnElement[bool]] = []
    if scope.area_ids:
        arms.append(area == any_(literal(list(scope.area_ids), ARRAY(BigInteger))))
    if scope.body_id is not None:
        arms.append(parties.op("&&", is_comparison=True)(literal([scope.body_id], ARRAY(BigInteger))))
    return [or_(*arms)] if arms else []


def _time_conditions(collection: Collection, selection: Selection) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if collection.history is not None:
        start, end = collection.history
        if selection.interval is not None and selection.at is None:
            condition = interval_condition(start, end, selection.interval)
            return [] if condition is None else [condition]
        at = func.now() if selection.at is None else selection.at
        return [start <= at, or_(end.is_(None), end > at)]
    if selection.at is not None:
        raise InvalidFilter(f"at: {collection.id} has no history")
    if selection.interval is not None:
        if collection.time is None:
            raise InvalidFilter(f"datetime: {collection.id} has no time")
        condition = interval_condition(*collection.time, selection.interval)
        found.extend([] if condition is None else [condition])
    return found
