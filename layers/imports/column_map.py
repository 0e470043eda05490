"""Map of the columns of one source: their headings, words and units, beside the names that every file may use."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from layers.codes import iso_day, plain_text, to_half_width
from layers.errors import InputError, MissingColumns
from layers.imports.columns import Column, FileKind
from layers.imports.names import columns_at, plain_name


@dataclass(frozen=True)
class Lookup:
    """A value of another table: the row of ``tables`` whose ``key`` is what ``heading`` holds gives its ``value``.

    With ``keep`` what no row has stays as it is.
    """

    heading: str
    tables: tuple[Path, ...]
    key: str
    value: str
    keep: bool = False


@dataclass(frozen=True)
class ColumnMap:
    """Map of the columns of a source to ours; each mapping is by our column.

    Attributes
    ----------
    headings : mapping of str to str
        Heading of the file, which counts before the names that are known.
    constants : mapping of str to str
        Value of every row.
    lookups : mapping of str to Lookup
    values : mapping of str to (mapping of str to str)
        Our value by their word.
    multiplier : mapping of str to float
        Factor of numbers.
    add_days : mapping of str to int
    encoding : str or None
        Of text files; None: found by trying.
    tables : mapping of str to (mapping of str to str)
        Of look-ups that were read: value by key, as :func:`lookup_key` writes it.
    """

    headings: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    lookups: Mapping[str, Lookup] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    multiplier: Mapping[str, float] = field(default_factory=dict)
    add_days: Mapping[str, int] = field(default_factory=dict)
    encoding: str | None = None
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def named(self) -> dict[str, str]:
        """Heading of the file by our column, of look-ups too."""
        return {**self.headings, **{name: one.heading for name, one in self.lookups.items()}}

    def as_options(self) -> dict[str, object]:
        """Return what the batch keeps of it: only what was given."""
        found = dataclasses.asdict(dataclasses.replace(self, tables={}, lookups={}))
        found["lookups"] = {
            name: f"{one.heading} → {', '.join(path.name for path in one.tables)}: {one.key} → {one.value}"
            for name, one in self.lookups.items()
        }
        return {name: value for name, value in found.items() if value}


NO_MAP = ColumnMap()


def mapped_columns_at(
    names: Sequence[object], kind: FileKind, column_map: ColumnMap = NO_MAP, *, cut: bool = False
) -> list[tuple[int, Column]]:
    """Return the columns of a kind with the position of their heading; those that the map names count first.

    Raises
    ------
    InputError
        A column stands twice.

    Examples
    --------
    >>> from layers.imports.columns import FILE_KINDS
    >>> given = ColumnMap({"lon": "经度(GCJ02)"}, {"kind": "petrol"})
    >>> found = mapped_columns_at(["类型", "经度", "经度（GCJ02）", "纬度"], FILE_KINDS["places"], given)
    >>> [(at, column.name) for at, column in found]
    [(2, 'lon'), (3, 'lat')]
    >>> mapped_columns_at([], FILE_KINDS["places"])
    []
    """
    if not (column_map.named or column_map.constants):
        return list(columns_at(names, kind, cut=cut).items())
    written = [_heading("" if name is None else str(name)) for name in names]
    found = []
    for column in kind.columns:
        heading = column_map.named.get(column.name)
        if heading is None:
            continue
        exact = [at for at, name in enumerate(written) if name == _heading(heading)]
        at = exact or [i for i, name in enumerate(written) if plain_name(name) == plain_name(heading)]
        if len(at) > 1:
            raise InputError(f"column {heading} stands twice 列重复")
        found += [(at[0], column)] if at else []
    own = {*column_map.named, *column_map.constants}
    others = dataclasses.replace(kind, columns=tuple(c for c in kind.columns if c.name not in own))
    taken = {at for at, _ in found}
    left = [None if at in taken else name for at, name in enumerate(names)]
    return sorted([*found, *columns_at(left, others, cut=cut).items()], key=lambda one: one[0])


def _heading(text: str) -> str:
    return "".join(to_half_width(text).split())


def require_columns(
    where: object, kind: FileKind, given: Sequence[object], found: Sequence[str], column_map: ColumnMap
) -> None:
    """Raise MissingColumns when a heading of the map, or a required column, is not there."""
    there = {*found, *column_map.constants}
    if lost := {f: heading for f, heading in column_map.named.items() if f not in there}:
        told = ", ".join(f"{heading} ({name})" for name, heading in lost.items())
        named = ", ".join(str(name) for name in given if name)
        raise MissingColumns(f"{where}: has no column 没有列 {told}; its columns 现有列: {named}")
    if missing := kind.lacking(there):
        raise MissingColumns.of(where, missing, [str(name) for name in given if name])


def lookup_key(text: str) -> str:
    """Return a text as look-ups compare it: without blanks, dots and case, in half width.

    Examples
    --------
    >>> lookup_key(" 苏F·ａ1234 "), lookup_key("")
    ('苏FA1234', '')
    """
    return "".join(sign for sign in to_half_width(text).upper() if sign not in " \u3000·•.-")


def before_reading(text: str | None, column: Column, column_map: ColumnMap) -> str | None:
    """Return what a value is taken as: our word for theirs, and what a look-up finds (None: nothing)."""
    words = column_map.values.get(column.name)
    if words:
        text = words.get(text or "", words.get(to_half_width(text or ""), text))
    if column.name in column_map.lookups:
        other = text if column_map.lookups[column.name].keep else None
        text = None if text is None else column_map.tables[column.name].get(lookup_key(text), other)
    return text


def after_reading(text: str | None, column: Column, column_map: ColumnMap) -> str | None:
    """Return a value that was read in our unit: times its factor, so many days later.

    Examples
    --------
    >>> from layers.imports.columns import FILE_KINDS
    >>> to, value = (next(c for c in FILE_KINDS["meters"].columns if c.name == n) for n in ("to", "value"))
    >>> given = ColumnMap(multiplier={"value": 0.1}, add_days={"to": 1})
    >>> after_reading("12.3", value, given), after_reading("2026/2/28", to, given), after_reading("?", value, given)
    ('1.23', '2026-03-01', '?')
    >>> after_reading(None, to, given) is None
    True
    """
    if text is None:
        return None
    if (factor := column_map.multiplier.get(column.name)) is not None:
        try:
            product = Decimal(text.replace(",", "")) * Decimal(repr(factor))
            return f"{product.normalize():f}" if product.is_finite() else text
        except InvalidOperation:
            return text
    if (days := column_map.add_days.get(column.name)) and (day := iso_day(text, serial=True)):
        return (dt.date.fromisoformat(day) + dt.timedelta(days=days)).isoformat()
    return text


def mapped_value(value: object, column: Column, column_map: ColumnMap) -> str | None:
    """Return a value of any file as text, as the map takes it."""
    return before_reading(plain_text(value), column, column_map)
