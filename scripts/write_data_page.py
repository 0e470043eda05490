"""Write docs/data.md from layers/imports/columns.py; a test fails when the page is behind."""

from __future__ import annotations

import sys
from pathlib import Path

from layers.imports import FILE_KINDS, Column

HEAD = """# Data in · 数据导入

`wangge import KIND FILE --crs CRS` loads one file, `wangge import all DIR --crs CRS` a folder of them
(`areas.gpkg`, `enterprises.csv`, … by the names below), `wangge import KIND --template` prints an example.

- **All or nothing.** A wrong row is named by row, field and reason, and nothing is written. With `--skip-bad` the good
  rows are written and the bad ones go to `FILE.rejected.csv`, each with its reason; texts that a
  spreadsheet would take for a formula have an apostrophe in front.
- **Safe to repeat.** The same file again changes nothing; a changed row replaces the old one by its key. Of two fixes
  with the same vehicle and time the first to arrive stays. An area is never overwritten: a changed one needs a later
  `valid_from` and becomes a new version with the old one as its predecessor.
- **It can be taken back.** Each import is a batch with an id: `wangge imports undo ID` ([imports and their undo](imports.md)).
- **The CRS has no default** for files with coordinates: `wgs84`, `cgcs2000`, `gcj02` (Gaode), `bd09` (Baidu) or `EPSG:n`.
  Stored is EPSG:4326, x is longitude; CGCS2000 is treated as equal to WGS-84 (decimetres); GCJ-02 and BD-09 are inverted
  to better than 1 cm.
- Times without a zone, and dates, are of the city's time zone ([city.md](city.md)), and the import says how many. CSV is UTF-8 with a header line; other columns are ignored.

Load in this order, since later files refer to earlier ones (roads, waterways and buildings at any time): {order}.

"""


def row(column: Column) -> str:
    facts = [column.dtype]
    if not column.required:
        facts.append("column may be missing")
    if column.nullable:
        facts.append("may be empty")
    if column.minimum is not None:
        facts.append(f"≥ {column.minimum:g}")
    if column.maximum is not None:
        facts.append(f"≤ {column.maximum:g}")
    values = ", ".join(f"`{choice}`" for choice in column.choices)
    return f"| `{column.name}` | {', '.join(facts)} | {column.zh} | {column.en}{': ' + values if values else ''} |"


def page() -> str:
    """The whole page."""
    parts = [HEAD.format(order=", ".join(FILE_KINDS))]
    for kind in FILE_KINDS.values():
        parts.append(
            f"## {kind.name}\n\n{kind.zh}\n\n{kind.en} Key: {', '.join(f'`{k}`' for k in kind.key)}.\n\n"
        )
        parts.append("| column | type | 含义 | meaning |\n|---|---|---|---|\n")
        parts.append("\n".join(map(row, kind.columns)) + "\n\n")
    return "".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    target = Path(__file__).parent.parent / "docs" / "data.md"
    if "--check" in sys.argv:
        sys.exit(
            0
            if target.read_text(encoding="utf-8") == page()
            else "docs/data.md is behind: run scripts/write_data_page.py"
        )
    target.write_text(page(), encoding="utf-8")
