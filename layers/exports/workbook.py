"""XLSX of a collection: one sheet, made in a temporary file row by row and then sent."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from sqlalchemy import Row, func

from layers.collections import Collection, Expression, Property
from layers.errors import InvalidFilter
from layers.exports.gdal_files import read_blocks
from layers.exports.rows import ExportSource
from layers.exports.spreadsheet_text import spreadsheet_text

MOST_ROWS = 1_048_575
"""Rows of a sheet below its heading."""
LONGEST_CELL = 32_767
"""Characters of a cell."""
TOO_LONG = "（内容过长，请用 CSV）too long for a cell, see the CSV"
ROWS_AT_ONCE = 1_000


def xlsx_blocks(source: ExportSource) -> Iterator[bytes]:
    """Yield a workbook with the columns of the CSV; codes are texts, shapes are ``lon`` and ``lat`` of a point inside.

    Raises
    ------
    InvalidFilter
        More features than a sheet has rows.
    """
    found = source.collection
    shown = [prop for prop in found.properties if prop.shape is None]
    book = Workbook(write_only=True)
    sheet = book.create_sheet(found.id)
    sheet.append(["id", *(prop.name for prop in shown), "lon", "lat"])
    with tempfile.TemporaryDirectory(prefix="wangge-") as folder:
        try:
            for row in _rows(source, shown):
                sheet.append(_cells(row, shown, source))
        except BaseException:  # its temporary file is closed here and not when the process ends
            sheet.close()
            raise
        path = Path(folder) / f"{found.id}.xlsx"
        book.save(path)
        yield from read_blocks(path, source.stop)


def _rows(source: ExportSource, shown: Sequence[Property]) -> Iterator[Row[Any]]:
    statement = source.statement(_columns(source.collection, shown))
    with source.session() as db:
        rows = db.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE})
        for number, row in enumerate(rows):
            if number % ROWS_AT_ONCE == 0:
                source.stop.check()
            if number >= MOST_ROWS:
                raise InvalidFilter(f"f: a sheet has {MOST_ROWS:,} rows, filter or take f=csv")
            yield row


def _columns(collection: Collection, shown: Sequence[Property]) -> list[Expression]:
    values: list[Expression] = [
        (prop.expression if prop.type == "time" else prop.output).label(f"p{n}")
        for n, prop in enumerate(shown)
    ]
    point = collection.geom
    if collection.geometry_type != "point":
        point = func.ST_PointOnSurface(point)
    return [collection.key.label("id"), *values, func.ST_X(point).label("lon"), func.ST_Y(point).label("lat")]


def _cells(row: Sequence[Any], shown: Sequence[Property], source: ExportSource) -> list[Any]:
    values = [_cell(value, prop, source) for value, prop in zip(row[1:-2], shown, strict=True)]
    return [row[0], *values, row[-2], row[-1]]


def _cell(value: Any, prop: Property, source: ExportSource) -> Any:
    """Return a value as a cell: texts are never formulas, times are text in UTC or dates in the zone of the source."""
    if isinstance(value, dt.datetime):
        if source.zone is None:
            return f"{value.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
        return value.astimezone(source.zone).replace(tzinfo=None, microsecond=0)
    if prop.type == "json" and value is not None:
        value = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, str):
        return value
    text = spreadsheet_text(ILLEGAL_CHARACTERS_RE.sub(" ", value))
    return text if len(text) <= LONGEST_CELL else TOO_LONG
