"""Write docs/data.md from layers/imports/columns.py; a test fails when the page is behind."""

from __future__ import annotations

import sys
from pathlib import Path

from layers.imports import FILE_KINDS, Column
from layers.imports.names import COLUMN_NAMES, words_of

HEAD = """# Data in · 数据导入

`wangge import KIND FILE --crs CRS` loads one file, `wangge import KIND FOLDER` or `'*.csv'` (quoted) many of one kind, `wangge import all DIR --crs CRS`
a folder of them, `wangge import KIND --template` prints an example. With `all` the name of a file, or of its folder, begins with its kind, in English or
Chinese: `areas.gpkg`, `tracks_20261022.csv`, `权责清单.xlsx`, `tracks/22.csv.gz`. A file that is not taken is named with the reason, nothing is imported and the exit code is
2; `--skip-unknown` imports the others. Notes and pictures beside the data (`NOTE.txt`, `说明.docx`, `photo.jpg`) are named and left.

- **All or nothing.** A wrong row is named by row, field and reason, and nothing is written. With `--skip-bad` the good
  rows are written and the bad ones go to `FILE.rejected.csv`, each with its reason; texts that a
  spreadsheet would take for a formula have an apostrophe in front.
- **Safe to repeat.** The same file again changes nothing; a changed row replaces the old one by its key. Of two fixes
  with the same vehicle and time the first to arrive stays. An area is never overwritten: a changed one needs a later
  `valid_from` and becomes a new version with the old one as its predecessor. A code has one version at a time, also
  after its end; a version that is still to come needs the areas in it in the same file.
- **It can be taken back.** Each import is a batch with an id: `wangge imports undo ID` ([imports and their undo](imports.md)).
- **All departments at once**: `wangge import --city city.toml` takes what the city file names, `--dry-run` shows what would change ([imports.md](imports.md#all-sources-of-a-city--各部门数据一次导入)).
- **The CRS has no default** for files with coordinates: `wgs84`, `cgcs2000`, `gcj02` (Gaode), `bd09` (Baidu) or `EPSG:n`.
  Stored is EPSG:4326, x is longitude; CGCS2000 is treated as equal to WGS-84 (decimetres); GCJ-02 and BD-09 are inverted
  to better than 1 cm.
- **A file that states its CRS is believed.** `.prj`, GeoPackage, FlatGeobuf, GeoParquet and the `crs` member of GeoJSON are compared with
  `--crs` by datum, projection and central meridian; a contradiction is refused and both are named. `--crs file` reads each file as it states,
  also in a system without an EPSG code; `import all DIR --crs gcj02` is for the files that state nothing, the others are read as they state and
  this is told. A file whose statement is wrong (Gaode data that says WGS 84) needs `--ignore-file-crs`. Degrees that are said to be metres are
  refused for every kind, and metres that are said to be degrees. After a wrong import the right one names the batch to undo.
  GCJ-02 is in use in China: inside of a coarse outline, some 20 km outside of the border, coordinates are shifted by the published algorithm, over the next
  20 km the shift falls to nothing, elsewhere (Seoul, Hanoi, Delhi) there is none.
- **Points are compared with what is stored** (sites, places, fixes): an import warns when sites that are known already lie four times nearer in another of WGS-84, GCJ-02 and BD-09, and
  when more than a tenth of the points lie outside of the city. Sites with an address and without coordinates are imported without a place, counted and listed
  (`wangge sites unplaced`, kind `site_places`).
- **Any table, for every kind**: CSV (UTF-8, GB 18030, UTF-16; comma, semicolon, tab or bar), XLSX, Parquet, GeoPackage, Shapefile, GeoJSON, GeoParquet, FlatGeobuf, KML, DXF,
  each also in `.zip`, text also in `.gz`. A title may stand above the header; merged cells count in each row; digits may be wide; other columns are ignored. All sheets, layers and
  members are read, their rows run on, and the import says which are whose; one that lacks columns is refused with the names of the others: choose with `--sheet` or
  `--layer`. A point gives `lon` and `lat`, a polygon `boundary`. A column twice is refused, and so is a row with more or fewer values than headings.
- **Names of offices**: headings in English, in Chinese (the 含义 below) or as usual elsewhere (XZQDM, XZQMC, 经度, 车牌号); words for values (区县, 加油站, 实抄): the tables
  below name them all. A city adds its own in `import_names.toml` in the data folder: `[columns]` with `lon = ["东经"]`, `[values]` with `petrol = ["油站"]`; those of one
  source stand in `city.toml` (`[sources.columns]`, `[sources.values.COLUMN]`, [imports.md](imports.md#all-sources-of-a-city--各部门数据一次导入)). A refusal names every unknown word with its rows.
- **Drawings (DXF)** state no CRS: `--crs` names it. The unit in the header (`$INSUNITS`) must be that of the CRS; another one, or none, is refused unless `--ignore-file-crs` says that the drawing is in the unit
  of the CRS. Closed lines are areas, points places, open lines roads; the columns are `Layer` and `Text`: `--map code=Layer` says what they are.
- **Encodings and numbers are not guessed silently**: an encoding that is not stated is told. A value of a Shapefile that is cut within a character loses its damaged end and is told by row, the others
  stay whole. Coordinates may have signs, letters or minutes (`120.5°E`, `东经120°30′15″`, `120度30分`), other numbers commas between thousands (`1,200`): both are told with their count. Ids that pandas made numbers (7.0) are whole again; with a fraction or above 2^53 they are refused by row, as are numbers of a spreadsheet with more than 15 digits.
- **Times** have one grammar in files, posts of fixes, devices and places to assign:

  | taken | refused |
  |---|---|
  | `2026-10-01T08:00:00+08:00`, `…+08`, `…+0800`, `…Z`, `…z` | `2026-02-30T08:00:00Z`: no such day |
  | `2026-10-01 08:00:00+08` (PostgreSQL), `2026-10-01 00:00:00 UTC` | `46296.33`: a number of a spreadsheet (a time in XLSX is read) |
  | `20261001T080000+0800` (ISO 8601 basic) | `1790812800`: seconds since 1970 (devices may send them) |
  | `2026/10/1 8:00`, `2026.10.01 08:00:00` | `01/10/2026 08:00`: day or month first |
  | `2026年10月1日 08:00:00`, `2026年10月1日8时0分` | `2026-10-01`: a day without a time |

  Without a zone, and for dates, the zone of the city holds ([city.md](city.md)), or `--tz Asia/Shanghai`; the import says how many there were. Over HTTP it is UTC.

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
    words = words_of(column)
    values = ", ".join(
        " ".join([f"`{choice}`", "、".join(word for word, value in words.items() if value == choice)]).strip()
        for choice in column.choices
    )
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
    parts.append("## Other headings · 其他表头\n\n| column | 表头 headings |\n|---|---|\n")
    parts += [f"| `{name}` | {'、'.join(headings)} |\n" for name, headings in COLUMN_NAMES.items()]
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
