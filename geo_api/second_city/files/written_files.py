"""Files as offices write them.

Workbooks with a title and merged cells, CSV in GB 18030, Shapefiles with GBK tables.

Every writer gives the same bytes for the same content: what carries the time of writing is set to a fixed
moment.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from geo_api.second_city.land.gazetteer import EPSG

WRITTEN = "2026-03-02T01:00:00Z"


def write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write a CSV in GB 18030 with lines as Windows ends them."""
    lines = [",".join(header)]
    for row in rows:
        lines.append(",".join(_cell(value) for value in row))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\r\n".join(lines) + "\r\n").encode("gb18030"))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(char in text for char in ',"\n') else text


def new_sheet(title: str, subtitle: str, width: int) -> tuple[Workbook, Worksheet]:
    """Return a workbook whose first row is a title over all columns, and the second says who filled it in."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title[:20]
    sheet.append([title])
    sheet.append([subtitle])
    for row in (1, 2):
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=width)
        sheet.cell(row, 1).alignment = Alignment(horizontal="center")
    sheet.cell(1, 1).font = Font(bold=True, size=16)
    for column in range(1, width + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 16
    return book, sheet


def save_workbook(book: Workbook, path: Path) -> None:
    """Save a workbook with fixed times inside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = io.BytesIO()
    book.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", WRITTEN.encode(), content)
            fixed = zipfile.ZipInfo(entry.filename, (2026, 3, 2, 9, 0, 0))
            fixed.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(fixed, content)


def write_shapefile(path: Path, columns: Mapping[str, Sequence[Any]], shapes: Sequence[Any]) -> None:
    """Write a Shapefile in the zone's coordinates, with Chinese field names and a GBK table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = geopandas.GeoDataFrame(dict(columns), geometry=list(shapes), crs=EPSG)
    frame.to_file(
        path,
        driver="ESRI Shapefile",
        engine="pyogrio",
        encoding="GBK",
        layer_options={"DBF_DATE_LAST_UPDATE": WRITTEN[:10]},
    )
