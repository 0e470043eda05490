"""Files of registers: CSV and XLSX in the columns that the import reads."""

from __future__ import annotations

import io
from typing import Literal

import openpyxl
import polars as pl

from layers.exports import as_cells

FileForm = Literal["csv", "xlsx"]
FILE_TYPES = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BOM = b"\xef\xbb\xbf"


def register_file(frame: pl.DataFrame, register: str, form: FileForm) -> bytes:
    """Return versions of a register as the bytes of a file.

    Parameters
    ----------
    frame : polars.DataFrame
        Text in every column (``grid.registers.written_register``).
    """
    if form == "csv":
        return BOM + as_cells(frame).write_csv().encode()
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(register)
    sheet.append(frame.columns)
    for cells in as_cells(frame).iter_rows():
        sheet.append(list(cells))
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()
