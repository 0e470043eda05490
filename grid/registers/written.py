"""Versions of registers in the columns of the import: as values, and as the texts of a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.registers.limits import write_limits
from grid.registers.versions import KEYS
from layers.imports import FILE_KINDS


def columns_of(register: str) -> list[str]:
    """Return the columns of the import file of a register, in their order."""
    return [column.name for column in FILE_KINDS[register].columns]


def values_of(register: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored version by the columns of the import; lists stay lists, limits are written texts."""
    limits = row.get("limits") or {}
    found: dict[str, Any] = {}
    for name in columns_of(register):
        if name.startswith("limit_"):
            found[name] = write_limits(limits.get(name.removeprefix("limit_"), {}))
        else:
            value = row[name]
            found[name] = float(value) if isinstance(value, Decimal) else value
    return found


def as_text(value: Any) -> str | None:
    """Return a value as a cell of an import file.

    Examples
    --------
    >>> as_text(["ecology", "market"]), as_text(True), as_text([]), as_text(200.0)
    ('ecology;market', 'yes', None, '200')
    """
    if value is None or value == []:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ";".join(map(str, value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def text_frame(register: str, versions: Iterable[Mapping[str, Any]]) -> pl.DataFrame:
    """Return versions as the frame of an import file: text in every column."""
    names = columns_of(register)
    rows = [{name: as_text(version.get(name)) for name in names} for version in versions]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.Utf8))


def written_register(db: Session, register: str) -> pl.DataFrame:
    """Return every version of a register that the caller sees, as its import file."""
    key = KEYS[register]
    rows = db.execute(text(f"SELECT * FROM {register} ORDER BY {key}, valid_from")).mappings()
    return text_frame(register, [values_of(register, dict(row)) for row in rows])
