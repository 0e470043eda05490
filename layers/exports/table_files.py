"""Tables as files for spreadsheets: CSV with a byte order mark, or XLSX."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Literal

import polars as pl
from openpyxl import Workbook

from layers.exports.rows import BOM
from layers.exports.spreadsheet_text import as_cells

TableForm = Literal["csv", "xlsx"]
TABLE_MEDIA_TYPES: Mapping[TableForm, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""Media types of tables by the ending of the file."""


def table_file(frame: pl.DataFrame, form: TableForm, *, sheet: str) -> bytes:
    r"""Return a table as the bytes of a file; texts are never formulas.

    Parameters
    ----------
    sheet : str
        Name of the sheet of a workbook.

    Examples
    --------
    >>> table_file(pl.DataFrame({"code": ["=1+1"]}), "csv", sheet="codes").decode("utf-8-sig")
    "code\n'=1+1\n"
    """
    table = as_cells(frame)
    if form == "csv":
        return BOM + table.write_csv().encode()
    book = Workbook(write_only=True)
    page = book.create_sheet(sheet)
    page.append(table.columns)
    for row in table.iter_rows():
        page.append(list(row))
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
