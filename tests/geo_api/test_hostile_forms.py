"""The same rows of every kind in every form in which offices deliver tables: the same values, or a fault with its row."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import polars as pl
import pytest
import shapely

from geo_api.imports.source_parts import Choice
from geo_api.imports.written_tables import open_table
from layers.errors import Fault, InputError
from layers.imports import FILE_KINDS, checks, template, words_of
from layers.imports import readers as files
from tests.support.long_runs import crossed

NOW = dt.datetime(2027, 1, 1, tzinfo=dt.UTC)
KINDS = [name for name, kind in FILE_KINDS.items() if kind.examples]
Rows = list[list[str]]


def example(kind: str) -> Rows:
    return [row for row in csv.reader(io.StringIO(template(kind)))]


def read(
    path: Path, kind: str, choice: Choice | None = None
) -> tuple[list[tuple[object, ...]], list[Fault], list[str]]:
    """Good rows without their numbers, faults and notes."""
    spec = FILE_KINDS[kind]
    rows: list[tuple[object, ...]] = []
    faults: list[Fault] = []
    with open_table(path, spec, choice or Choice()) as table:
        for frame in files.read_batches(table.path, spec):
            checked = checks.check_frame(frame, spec, now=NOW, zone="Asia/Shanghai")
            checked.take(table.take_faults(frame))
            faults += checked.faults
            rows += checked.good.select(c.name for c in spec.columns).rows()
        faults += table.take_faults()
        return rows, faults, list(table.notes)


def text(rows: Rows, separator: str = ",", end: str = "\n") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator=end).writerows(rows)
    return out.getvalue()


def write_text(encoding: str, separator: str = ",", end: str = "\n") -> Callable[[Path, Rows, str], Path]:
    def write(folder: Path, rows: Rows, kind: str) -> Path:
        (folder / f"{kind}.csv").write_bytes(text(rows, separator, end).encode(encoding))
        return folder / f"{kind}.csv"

    return write


def book(folder: Path, kind: str, sheets: dict[str, Rows]) -> Path:
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append([value or None for value in row])
    workbook.save(folder / f"{kind}.xlsx")
    return folder / f"{kind}.xlsx"


def chinese(rows: Rows, kind: str) -> Rows:
    """Chinese headings and, where there are such, Chinese words for the values of choices."""
    columns = FILE_KINDS[kind].columns
    words = [{value: word for word, value in words_of(column).items()} for column in columns]
    below = [[of.get(value, value) for of, value in zip(words, row, strict=True)] for row in rows[1:]]
    return [[column.headings[-1] for column in columns], *below]


def wide(rows: Rows, kind: str) -> Rows:
    digits = str.maketrans("0123456789-.", "０１２３４５６７８９－．")
    of = [column.dtype in ("float", "date") for column in FILE_KINDS[kind].columns]
    return [
        rows[0],
        *([v.translate(digits) if w else v for v, w in zip(row, of, strict=True)] for row in rows[1:]),
    ]


def packed(folder: Path, rows: Rows, kind: str) -> Path:
    with zipfile.ZipFile(folder / f"{kind}.zip", "w") as archive:
        archive.writestr(zipfile.ZipInfo(f"数据/{kind}.csv"), text(rows))
    return folder / f"{kind}.zip"


def gzipped(folder: Path, rows: Rows, kind: str) -> Path:
    (folder / f"{kind}.csv.gz").write_bytes(gzip.compress(text(rows).encode()))
    return folder / f"{kind}.csv.gz"


def parquet(folder: Path, rows: Rows, kind: str) -> Path:
    columns = {name: [row[i] or None for row in rows[1:]] for i, name in enumerate(rows[0])}
    pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Utf8)).write_parquet(folder / f"{kind}.parquet")
    return folder / f"{kind}.parquet"


def geopackage(folder: Path, rows: Rows, kind: str) -> Path:
    frame = pd.DataFrame(rows[1:], columns=rows[0]).replace("", None)
    shapes = [shapely.Point(0, 0)] * len(frame)
    if "boundary" in frame and "lon" not in frame:
        shapes = [shapely.from_wkt(value) for value in frame.pop("boundary")]
    elif "lon" in frame:
        shapes = [
            shapely.Point(float(x), float(y)) for x, y in zip(frame.pop("lon"), frame.pop("lat"), strict=True)
        ]
    gpd.GeoDataFrame(frame, geometry=shapes, crs=4326).to_file(folder / f"{kind}.gpkg", layer=kind)
    return folder / f"{kind}.gpkg"


def title_above(rows: Rows) -> Rows:
    width = len(rows[0])
    return [["填报单位：甲市", *[""] * (width - 1)], [""] * width, *rows]


Form = Callable[[Path, Rows, str], Path]
FORMS: dict[str, Form] = {
    "plain": write_text("utf-8"),
    "byte order mark": write_text("utf-8-sig"),
    "gb 18030": write_text("gb18030"),
    "utf-16": write_text("utf-16"),
    "semicolons": write_text("utf-8", ";"),
    "tabs": write_text("utf-8", "\t"),
    "bars": write_text("gb18030", "|"),
    "windows lines": write_text("utf-8", end="\r\n"),
    "old mac lines": write_text("utf-8", end="\r"),
    "title above": lambda folder, rows, kind: write_text("gb18030")(folder, title_above(rows), kind),
    "blank lines": lambda folder, rows, kind: write_text("utf-8")(
        folder, [rows[0], [""], *rows[1:], [""]], kind
    ),
    "chinese": lambda folder, rows, kind: write_text("gb18030")(folder, chinese(rows, kind), kind),
    "chinese workbook": lambda folder, rows, kind: book(
        folder, kind, {"Sheet1": title_above(chinese(rows, kind))}
    ),
    "upper case headings": lambda f, rows, kind: write_text("utf-8")(
        f, [[n.upper() for n in rows[0]], *rows[1:]], kind
    ),
    "blanks": lambda f, rows, kind: write_text("utf-8")(
        f, [rows[0], *([f" {v}\u3000" for v in r] for r in rows[1:])], kind
    ),
    "quoted": lambda f, rows, kind: write_text("utf-8")(f, [[*r, 'a "b", c'] for r in rows], kind),
    "other columns": lambda f, rows, kind: write_text("utf-8")(f, [["序号", *r, "备注"] for r in rows], kind),
    "columns turned": lambda f, rows, kind: write_text("utf-8")(f, [r[::-1] for r in rows], kind),
    "wide digits": lambda folder, rows, kind: write_text("utf-8")(folder, wide(rows, kind), kind),
    "workbook": lambda folder, rows, kind: book(folder, kind, {"Sheet1": rows}),
    "second sheet empty": lambda folder, rows, kind: book(folder, kind, {"甲": rows, "乙": []}),
    "parquet": parquet,
    "parquet chinese": lambda folder, rows, kind: parquet(folder, chinese(rows, kind), kind),
    "zip": packed,
    "gz": gzipped,
    "geopackage": geopackage,
    "degrees with letters": lambda f, rows, kind: write_text("gb18030")(f, with_degrees(rows), kind),
    "days with slashes": lambda f, rows, kind: write_text("utf-8")(f, slashed(rows, kind), kind),
}


def with_degrees(rows: Rows) -> Rows:
    """Longitudes as ``120.5°E``, latitudes as ``北纬32.5度``."""
    forms = {"lon": "{}°E", "lat": "北纬{}度"}
    of = [forms.get(name) for name in rows[0]]
    return [rows[0], *([f.format(v) if f and v else v for v, f in zip(r, of, strict=True)] for r in rows[1:])]


def slashed(rows: Rows, kind: str) -> Rows:
    of = [column.dtype == "date" for column in FILE_KINDS[kind].columns]
    return [
        rows[0],
        *([v.replace("-", "/") if w else v for v, w in zip(row, of, strict=True)] for row in rows[1:]),
    ]


@pytest.mark.long
@pytest.mark.parametrize(("form", "kind"), crossed(list(FORMS), KINDS, 5))
def test_every_form_gives_the_same_rows(tmp_path: Path, kind: str, form: str) -> None:
    rows = example(kind)
    wanted, faults, _ = read(write_text("utf-8")(tmp_path, rows, kind), kind)
    assert len(wanted) == len(rows) - 1 and not faults
    (folder := tmp_path / "form").mkdir()
    found, faults, notes = read(FORMS[form](folder, rows, kind), kind)
    assert not faults
    if form == "geopackage" and "boundary" in rows[0]:
        at = rows[0].index("boundary")
        same = [
            all(a == b for i, (a, b) in enumerate(zip(x, y, strict=True)) if i != at)
            for x, y in zip(found, wanted, strict=True)
        ]
        assert all(same)
    else:
        assert found == wanted
    guessed = form == "gb 18030" and not text(rows).isascii()
    assert guessed <= any("GB18030" in note for note in notes)


def ragged(rows: Rows) -> str:
    return text(rows) + text([[*rows[1], "EXTRA"]]) + text([rows[1][:-1]] if rows[1][-1] else [])


REFUSED: dict[str, tuple[Callable[[Path, Rows, str], Path], str]] = {
    "a column twice": (
        lambda f, rows, kind: write_text("utf-8")(f, [[*r, r[0]] for r in rows], kind),
        "stands twice 列重复",
    ),
    "a column twice, quoted": (
        lambda f, rows, kind: write_text("gb18030")(f, [[*r, r[0], 'a,"b'] for r in rows], kind),
        "stands twice 列重复",
    ),
    "a required column missing": (
        lambda f, rows, kind: write_text("utf-8")(f, [["x", *r[1:]] for r in rows], kind),
        "缺少列",
    ),
    "a sheet of notes": (
        lambda f, rows, kind: book(f, kind, {"数据": rows, "填表说明": [["请按要求填写"]]}),
        "--sheet 请用 --sheet 选择: 数据",
    ),
    "damaged text": (
        lambda f, rows, kind: _bytes(f, kind, text(rows).encode() + b"\xff\xff\xff\n"),
        "in line",
    ),
    "a pdf in the archive": (
        lambda f, rows, kind: _with_member(packed(f, rows, kind), "说明.pdf"),
        "说明.pdf",
    ),
    "a broken archive": (
        lambda f, rows, kind: _bytes(f, kind, b"PK\x03\x04no", ".zip"),
        "not a readable zip",
    ),
    "a broken gz": (lambda f, rows, kind: _bytes(f, kind, b"\x1f\x8bno", ".csv.gz"), "not a readable gz"),
    "an old workbook": (
        lambda f, rows, kind: _bytes(f, kind, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
        "请另存为",
    ),
    "nothing": (lambda f, rows, kind: _bytes(f, kind, b""), "is empty 文件为空"),
}


def _bytes(folder: Path, kind: str, content: bytes, ending: str = ".csv") -> Path:
    (folder / f"{kind}{ending}").write_bytes(content)
    return folder / f"{kind}{ending}"


def _with_member(path: Path, name: str) -> Path:
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "text")
    return path


@pytest.mark.long
@pytest.mark.parametrize(("form", "kind"), crossed(list(REFUSED), KINDS, 5))
def test_what_cannot_be_read_whole_is_refused(tmp_path: Path, kind: str, form: str) -> None:
    if form == "a required column missing" and not FILE_KINDS[kind].columns[0].required:
        pytest.skip("its first column may be missing")
    write, reason = REFUSED[form]
    with pytest.raises(InputError) as told:
        read(write(tmp_path, example(kind), kind), kind)
    assert reason in str(told.value)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_do_not_fit_the_header_are_named(tmp_path: Path, kind: str) -> None:
    rows = [[*row, "x"] for row in example(kind)]
    n = len(rows)
    path = _bytes(tmp_path, kind, (text(rows) + text([[*rows[1], "EXTRA"], rows[1][:1]])).encode())
    good, faults, _ = read(path, kind)
    assert {(fault.row, fault.reason[:9]) for fault in faults if "headers" in fault.reason} == {
        (n, f"{len(rows[0]) + 1} values "[:9]),
        (n + 1, "1 values "),
    }
    assert len(good) == n - 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_zero_byte_is_a_fault_of_its_row(tmp_path: Path, kind: str) -> None:
    rows = example(kind)
    path = _bytes(tmp_path, kind, text([*rows, [f"a\0{rows[1][0]}", *rows[1][1:]]]).encode())
    good, faults, _ = read(path, kind)
    assert (len(rows), rows[0][0]) in {(f.row, f.field) for f in faults if "zero byte" in f.reason}
    assert len(good) == len(rows) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_all_sheets_and_all_members_are_read(tmp_path: Path, kind: str) -> None:
    rows = example(kind)
    if len(rows) < 3:
        rows.append([*rows[1]])
        rows[2][0] = rows[1][0]  # the second one is repeated, and told as such
    path = book(tmp_path, kind, {"一季度": rows[:2], "二季度": [rows[0], *rows[2:]]})
    good, faults, notes = read(path, kind)
    assert len(good) + len({fault.row for fault in faults}) == len(rows) - 1
    assert [note.split(":")[0] for note in notes if "行 rows" in note] == ["一季度", "二季度"]
    only, _, _ = read(path, kind, Choice(sheets=("一季度",)))
    assert only == good[:1]


def test_float_ids_of_pandas_are_whole_numbers_or_refused(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "vehicle_id": [7.0, 61234567890123.0, 7.5, 2.0**60],
            "t": ["2026-10-01T08:00:00Z"] * 4,
            "lon": [120.5] * 4,
            "lat": [32.0] * 4,
        }
    )
    frame.write_parquet(tmp_path / "tracks.parquet")
    good, faults, _ = read(tmp_path / "tracks.parquet", "tracks")
    assert [row[0] for row in good] == ["7", "61234567890123"]
    assert [(f.row, f.field) for f in faults] == [(3, "vehicle_id"), (4, "vehicle_id")]


def test_a_number_of_a_workbook_with_more_digits_than_it_keeps_is_refused(tmp_path: Path) -> None:
    workbook = openpyxl.Workbook()
    for row in (["vehicle_id", "kind"], [913206000000001234, "other"], [7, "other"]):
        workbook.active.append(row)
    workbook.save(tmp_path / "vehicles.xlsx")
    spec = FILE_KINDS["vehicles"]
    workbook.active["C1"], workbook.active["D1"] = "plate", "plate_color"
    workbook.save(tmp_path / "vehicles.xlsx")
    good, faults, _ = read(tmp_path / "vehicles.xlsx", spec.name)
    assert [row[0] for row in good] == ["7"] and [f.row for f in faults] == [1]
