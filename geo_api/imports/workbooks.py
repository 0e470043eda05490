"""Sheets of an XLSX workbook as rows of text, in bounded memory."""

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
ENDINGS = (".xlsx", ".xlsm")
MAX_COLUMNS = 64
LOOKED_AT = 1_000
"""Rows of a sheet that are looked at, to see whether it is empty."""
LARGEST_WHOLE = 2**53
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


def sheet_names(path: Path) -> list[str]:
    """Return the names of the sheets of a workbook that are not empty; of an unreadable file none."""
    try:
        _check_size(path)
        book = _open(path, values=True)
        return [
            sheet.title for sheet in book.worksheets if any(map(any, _first_rows(sheet)))
        ] or book.sheetnames[:1]
    except InputError:
        raise
    except Exception:
        return []


def _first_rows(sheet: Any) -> Any:
    sheet.reset_dimensions()
    return sheet.iter_rows(max_row=LOOKED_AT, max_col=MAX_COLUMNS, values_only=True)


def read_sheet(path: Path, name: str | None = None) -> Rows:
    """Rows that are not empty by their number from 1; merged cells have their value in each of their rows.

    A formula whose result is not stored stays as its text, ``=…``.

    Parameters
    ----------
    path : Path
    name : str, optional
        Of the sheet; the first one.

    Raises
    ------
    layers.errors.InputError
    """
    try:
        _check_size(path)
        sheet = _sheet(path, name, values=True)
        with zipfile.ZipFile(path) as archive:
            content = archive.read(getattr(sheet, "_worksheet_path", "xl/worksheets/sheet1.xml"))
        rows = _rows(sheet)
        if b"<f" in content:
            _add_formulas(rows, _rows(_sheet(path, name, values=False)))
        _fill_merged(rows, content)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: not a readable XLSX file 不是可读的 XLSX 文件 ({error})") from error
    return rows


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > MAX_UNPACKED:
        raise InputError(
            f"{path}: unpacks to {unpacked / 1e6:,.0f} MB, more than {MAX_UNPACKED / 1e6:,.0f} 解压后过大"
        )


def _open(path: Path, *, values: bool) -> Any:
    return openpyxl.load_workbook(io.BytesIO(path.read_bytes()), read_only=True, data_only=values)


def _sheet(path: Path, name: str | None, *, values: bool) -> Any:
    book = _open(path, values=values)
    return book.worksheets[0] if name is None else book[name]


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
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= LARGEST_WHOLE:
        return f"{value:.14E}"  # a cell keeps 15 digits: the others would be invented
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
