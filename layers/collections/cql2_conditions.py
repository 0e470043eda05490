"""CQL2 filters as SQL conditions on the columns of a collection, with bound parameters.

Conformance classes of CQL2 1.0: basic, advanced comparison, case-insensitive comparison, arithmetic,
property-property, all spatial and all temporal functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, not_, or_

from layers.codes import CRS84, ReferenceSystem
from layers.collections.catalog import Collection, Expression
from layers.collections.cql2_operands import Operand, Operands
from layers.collections.cql2_parse import MAX_DEPTH, FilterText, Language, Tree

Condition = ColumnElement[bool]


@dataclass(frozen=True)
class Filter:
    """Condition and the names of its properties."""

    condition: Condition
    names: frozenset[str]


def parse_filter(
    collection: Collection, text: str, language: Language = "cql2-text", system: ReferenceSystem = CRS84
) -> Filter:
    """Parse a CQL2 filter into a SQL condition.

    Parameters
    ----------
    collection : Collection
    text : str
        CQL2 text, or CQL2 JSON as text.
    language : {"cql2-text", "cql2-json"}
    system : ReferenceSystem
        CRS of the geometries in the filter (``filter-crs``).

    Raises
    ------
    InvalidFilter
        With ``position``, line and column from 1.
    """
    source = FilterText(text, language)
    reader = _Conditions(Operands(collection, source, system))
    condition = reader.condition(source.read())
    return Filter(condition, frozenset(reader.operands.used))


_COMPARED: Mapping[str, Callable[[Expression, Any], Condition]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_SPATIAL = {
    "s_intersects": "ST_Intersects",
    "s_equals": "ST_Equals",
    "s_touches": "ST_Touches",
    "s_within": "ST_Within",
    "s_overlaps": "ST_Overlaps",
    "s_crosses": "ST_Crosses",
    "s_contains": "ST_Contains",
}
_TEMPORAL: Mapping[str, Callable[..., Condition]] = {
    "t_after": lambda s, e, t, f: s > f,
    "t_before": lambda s, e, t, f: e < t,
    "t_contains": lambda s, e, t, f: and_(s < t, e > f),
    "t_disjoint": lambda s, e, t, f: or_(e < t, s > f),
    "t_during": lambda s, e, t, f: and_(s > t, e < f),
    "t_equals": lambda s, e, t, f: and_(s == t, e == f),
    "t_finishedby": lambda s, e, t, f: and_(s < t, e == f),
    "t_finishes": lambda s, e, t, f: and_(s > t, e == f),
    "t_intersects": lambda s, e, t, f: and_(s <= f, e >= t),
    "t_meets": lambda s, e, t, f: e == t,
    "t_metby": lambda s, e, t, f: s == f,
    "t_overlappedby": lambda s, e, t, f: and_(s > t, s < f, e > f),
    "t_overlaps": lambda s, e, t, f: and_(s < t, e > t, e < f),
    "t_startedby": lambda s, e, t, f: and_(s == t, e > f),
    "t_starts": lambda s, e, t, f: and_(s == t, e < f),
}
"""Start and end of the first, start and end of the second, as the standard defines them."""


class _Conditions:
    def __init__(self, operands: Operands) -> None:
        self.operands = operands
        self.source = operands.source

    def condition(self, tree: Tree, depth: int = 0) -> Condition:
        """Convert a boolean tree to a condition."""
        if depth > MAX_DEPTH:
            raise self.source.fault(f"nested more than {MAX_DEPTH} deep")
        if not isinstance(tree, dict) or "op" not in tree:
            found = self.operands.operand(tree)
            self.operands.require_kind(found, "boolean", "a filter")
            return found.sql  # type: ignore[return-value]
        op, arguments = tree.get("op"), tree.get("args")
        if not isinstance(op, str) or not isinstance(arguments, list):
            raise self.source.fault("an operation has op and args")
        name = op.lower()
        if name in ("and", "or", "not"):
            return self._logical(name, arguments, depth)
        made = self._predicate(name, op, arguments)
        if made is None:
            raise self.source.fault(f"the operator {op} is not known here", op)
        return made

    def _logical(self, name: str, arguments: list[Any], depth: int) -> Condition:
        parts = [self.condition(argument, depth + 1) for argument in arguments]
        if name == "not":
            if len(parts) != 1:
                raise self.source.fault("not takes one condition", "not")
            return not_(parts[0])
        if len(parts) < 2:
            raise self.source.fault(f"{name} takes two conditions or more", name)
        return and_(*parts) if name == "and" else or_(*parts)

    def _predicate(self, name: str, op: str, arguments: list[Any]) -> Condition | None:
        if name in _COMPARED:
            return self._compare(name, *self._arguments(op, arguments, 2))
        if name in _SPATIAL or name == "s_disjoint":
            return self._spatial(name, op, *self._arguments(op, arguments, 2))
        if name in _TEMPORAL:
            return self._temporal(name, op, *self._arguments(op, arguments, 2))
        if name == "between":
            value, low, high = self._arguments(op, arguments, 3)
            return and_(self._compare(">=", value, low), self._compare("<=", value, high))
        if name == "like":
            value, pattern = self._arguments(op, arguments, 2)
            for part in (value, pattern):
                self.operands.require_kind(part, "text", op)
            return value.sql.like(pattern.sql, escape="\\")
        if name == "in":
            return self._in(op, arguments)
        if name == "isnull":
            return self._arguments(op, arguments, 1)[0].sql.is_(None)
        return None

    def _arguments(self, op: str, arguments: list[Any], number: int) -> list[Operand]:
        if len(arguments) != number:
            raise self.source.fault(f"{op} takes {number} values, there are {len(arguments)}", op)
        return [self.operands.operand(argument) for argument in arguments]

    def _in(self, op: str, arguments: list[Any]) -> Condition:
        if len(arguments) != 2 or not isinstance(arguments[1], list) or not arguments[1]:
            raise self.source.fault("in takes a value and a list", op)
        value = self.operands.operand(arguments[0])
        return or_(*(self._compare("=", value, self.operands.operand(item)) for item in arguments[1]))

    def _compare(self, name: str, a: Operand, b: Operand) -> Condition:
        """Compare two scalars of one type; a text compared with a time is parsed as a time."""
        a, b = self._as_time(a, b), self._as_time(b, a)
        kinds = {a.kind, b.kind}
        if kinds & {"geometry", "interval"} or (len(kinds) > 1 and kinds != {"time", "date"}):
            raise self.source.fault(f"{name}: a {a.kind} cannot be compared with a {b.kind}", name)
        if kinds == {"time", "date"}:
            assert a.start is not None and b.start is not None
            return _COMPARED[name](a.start, b.start)
        return _COMPARED[name](a.sql, b.sql)

    def _as_time(self, operand: Operand, other: Operand) -> Operand:
        value = getattr(operand.sql, "value", None)
        if operand.kind != "text" or other.kind not in ("time", "date") or not isinstance(value, str):
            return operand
        return self.operands.operand({"date" if len(value) == 10 else "timestamp": value})

    def _spatial(self, name: str, op: str, a: Operand, b: Operand) -> Condition:
        for part in (a, b):
            self.operands.require_kind(part, "geometry", op)
            mixed = getattr(part.shape, "geom_type", "") == "GeometryCollection"
            if mixed and name not in (
                "s_intersects",
                "s_disjoint",
            ):  # the others have no answer for mixed parts
                raise self.source.fault(f"{op} does not take a GeometryCollection", "GeometryCollection")
        if name == "s_disjoint":
            return not_(func.ST_Intersects(a.sql, b.sql))
        # The boxes first, as an operator: the planner may use it under row-level security.
        exact: Condition = getattr(func, _SPATIAL[name])(a.sql, b.sql)
        return and_(a.sql.op("&&", is_comparison=True)(b.sql), exact == literal(True))

    def _temporal(self, name: str, op: str, a: Operand, b: Operand) -> Condition:
        sides = [self._span(op, self._instant_text(part)) for part in (a, b)]
        return _TEMPORAL[name](*sides[0], *sides[1])

    def _instant_text(self, operand: Operand) -> Operand:
        value = getattr(operand.sql, "value", None)
        if operand.kind == "text" and isinstance(value, str):
            return self.operands.operand({"date" if len(value) == 10 else "timestamp": value})
        return operand

    def _span(self, op: str, operand: Operand) -> tuple[Expression, Expression]:
        if operand.start is None or operand.end is None:
            raise self.source.fault(f"{op} takes times and intervals, not a {operand.kind}", op)
        return operand.start, operand.end
