"""The first sheet of an XLSX workbook as rows of text, in bounded memory."""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.cell import range_boundaries

from layers.codes import plain_text
from layers.errors import InputError

ZIP = b"PK\x03\x04"
_OLD = b"\xd0\xcf\x11\xe0"
MAX_UNPACKED = 256 * 1024 * 1024
"""Bytes that a workbook may unpack to: some ten times 50,000 rows of a duty list."""
MAX_COLUMNS = 64
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+[0-9]+:[A-Z]+[0-9]+)"')

Rows = dict[int, Sequence[str | None]]


def refuse_old(path: Path, start: bytes) -> None:
    """Say what to do with a workbook of the old format, or a web page under the name of a workbook.

    Raises
    ------
    layers.errors.InputError
    """
    if start.startswith(_OLD):
        raise InputError(
            f"{path}: an old (.xls) or protected workbook: save it as .xlsx without a password 请另存为无密码的 .xlsx"
        )
    if path.suffix.lower() in (".xlsx", ".xlsm", ".xls") and not start.startswith(ZIP):
        raise InputError(f"{path}: not a readable XLSX file 不是可读的 XLSX 文件")


def first_sheet(path: Path) -> Rows:
    """Rows that are not empty by their number from 1; merged cells have their value in each of their rows.

    A formula whose result is not stored stays as its text, ``=…``.

    Raises
    ------
    layers.errors.InputError
    """
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
            if unpacked > MAX_UNPACKED:
                raise InputError(
                    f"{path}: unpacks to {unpacked / 1e6:,.0f} MB, more than {MAX_UNPACKED / 1e6:,.0f} 解压后过大"
                )
            sheet = _open(path, values=True)
            content = archive.read(getattr(sheet, "_worksheet_path", "xl/worksheets/sheet1.xml"))
            rows = _rows(sheet)
            if b"<f" in content:
                _add_formulas(rows, _rows(_open(path, values=False)))
            _fill_merged(rows, content)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: not a readable XLSX file 不是可读的 XLSX 文件 ({error})") from error
    return rows


def _open(path: Path, *, values: bool) -> Any:
    return openpyxl.load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=values).worksheets[
        0
    ]


def _rows(sheet: Any) -> Rows:
    sheet.reset_dimensions()  # what a file says of its size is not to be relied on
    rows: Rows = {}
    for number, values in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS, values_only=True), start=1):
        written = [_text(value) for value in values]
        if any(written):
            rows[number] = written
    return rows


def _text(value: object) -> str | None:
    if isinstance(value, dt.datetime):
        midnight = value.time() == dt.time()
        return value.date().isoformat() if midnight else value.isoformat()
    return plain_text(value)


def _add_formulas(rows: Rows, written: Rows) -> None:
    """Formulas where no result is stored."""
    for number, values in written.items():
        known = list(rows.get(number, ())) + [None] * len(values)
        rows[number] = [
            known[i] or (value if value and value.startswith("=") else None) for i, value in enumerate(values)
        ]
    for number in sorted(rows):
        rows[number] = rows.pop(number)


def _fill_merged(rows: Rows, content: bytes) -> None:
    for name in _MERGED.findall(content):
        west, north, east, south = range_boundaries(name.decode())
        first = rows.get(north, ())
        value = first[west - 1] if west <= len(first) else None
        if value is None:
            continue
        for number in range(north, min(south, max(rows)) + 1):
            if number in rows:
                width = min(east, MAX_COLUMNS)
                cells = list(rows[number]) + [None] * (width - len(rows[number]))
                cells[west - 1 : width] = [value] * (width - west + 1)
                rows[number] = cells
