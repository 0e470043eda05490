"""Duty lists as offices write them: every form gives the same lines.

What is wrong is told by row, field and reason.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cli.main import app
from geo_api.imports import workbooks
from geo_api.imports.duty_files import read_duties
from geo_api.imports.import_file import import_file
from grid.responsibility import Duty, check_list
from layers.errors import InputError, MissingColumns, RejectedRows
from layers.postgres import SYSTEM, session

Row = Sequence[object]
HEADER = [
    "事项编码",
    "事项名称",
    "领域",
    "法律依据",
    "职权类别",
    "主体",
    "层级",
    "区域代码",
    "角色",
    "生效日期",
    "失效日期",
]
COUNTY: Row = [
    "I-1",
    "占道经营",
    "urban",
    "条例第三条",
    "处罚",
    "区城管局",
    "county",
    "320601",
    "lead",
    "2024-03-01",
    "",
]
TOWN: Row = ["I-1", "占道经营", "urban", "赋权决定", "处罚", "甲镇政府", "town", "320601001", "lead", "2024-03-01", "2025-07-01"]  # fmt: skip
ROWS = [COUNTY, TOWN]


def as_csv(rows: Sequence[Row], separator: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def changed(row: Row, **values: object) -> Row:
    names = "item_code item domain legal_basis kind body level area_code role valid_from valid_to".split()
    return [values.get(name, value) for name, value in zip(names, row, strict=True)]


def book(path: Path, rows: Sequence[Row], merged: Sequence[str] = ()) -> Path:
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    for area in merged:
        sheet.merge_cells(area)
    made.save(path)
    return path


def _text(content: str, encoding: str, name: str = "list.csv") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content.encode(encoding))
        return folder / name

    return write


PLAIN = as_csv([HEADER, *ROWS])
TITLE: Row = ["某市权责清单（2024年版）", *[""] * 10]
DAYS = [
    changed(COUNTY, valid_from=dt.date(2024, 3, 1)),
    changed(TOWN, valid_from=dt.datetime(2024, 3, 1), valid_to=45839),
]
WIDE = [
    changed(
        COUNTY,
        item_code="Ｉ－１",
        area_code="３２０６０１",
        valid_from="２０２４－０３－０１",
        valid_to="长期",
    ),
    changed(
        TOWN, body="　甲镇政府 ", area_code=" 320601001\u00a0", level="乡镇", role="牵头", domain="城市管理"
    ),
]
FORMS: dict[str, Callable[[Path], Path]] = {
    "utf-8": _text(PLAIN, "utf-8"),
    "utf-8 with a mark": _text(PLAIN, "utf-8-sig"),
    "gbk": _text(PLAIN, "gbk"),
    "utf-16": _text(PLAIN, "utf-16"),
    "semicolons": _text(as_csv([HEADER, *ROWS], ";"), "gbk"),
    "tabs": _text(as_csv([HEADER, *ROWS], "\t"), "utf-16"),
    "title above": _text(as_csv([TITLE, [""], HEADER, *ROWS]), "utf-8"),
    "sep line": _text("sep=;\r\n" + as_csv([HEADER, *ROWS], ";"), "utf-8"),
    "wide digits": _text(as_csv([HEADER, *WIDE]), "utf-8"),
    "days in words": _text(
        as_csv([HEADER, changed(COUNTY, valid_from="2024年3月1日"), changed(TOWN, valid_from="2024.3.1", valid_to="2025/7/1")]),
        "utf-8",
    ),
    "empty lines": _text(as_csv([HEADER, [], COUNTY, [""] * 11, TOWN, []]), "utf-8"),
    "stars and notes": _text(as_csv([["*" + name + "（必填）" for name in HEADER], *ROWS]), "gbk"),
    "workbook": lambda folder: book(folder / "list.xlsx", [HEADER, *ROWS]),
    "workbook named csv": lambda folder: book(folder / "b.xlsx", [HEADER, *ROWS]).rename(folder / "list.csv"),
    "header in row 3": lambda folder: book(folder / "list.xlsx", [TITLE, [], HEADER, *ROWS], ["A1:K1"]),
    "days of a workbook": lambda folder: book(folder / "list.xlsx", [HEADER, *DAYS]),
    "numbers as codes": lambda folder: book(
        folder / "list.xlsx", [HEADER, changed(COUNTY, area_code=320601), changed(TOWN, area_code=320601001.0)]
    ),
    "merged cells": lambda folder: book(
        folder / "list.xlsx", [HEADER, COUNTY, [None, None, None, *TOWN[3:9], None, TOWN[10]]], ["A2:A3", "B2:B3", "C2:C3", "J2:J3"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_list(tmp_path: Path, form: str) -> None:
    report = read_duties(FORMS[form](tmp_path), ["320601", "320601001"])
    assert report.ok, [*report.rows, *report.whole]
    told = [(d.item_code, d.domain, d.body, d.level, d.area_code, d.role) for d in report.duties]
    assert told == [
        ("I-1", "urban", "区城管局", "county", "320601", "lead"),
        ("I-1", "urban", "甲镇政府", "town", "320601001", "lead"),
    ]
    day, end = dt.date(2024, 3, 1), dt.date(2025, 7, 1)
    assert [(d.valid_from, d.valid_to) for d in report.duties] == [(day, None), (day, end)]


def faults_of(path: Path) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.field, fault.reason) for fault in read_duties(path).rows]


def test_faults_name_row_field_and_reason(tmp_path: Path) -> None:
    rows: list[Row] = [
        COUNTY,
        changed(COUNTY, body="=cmd|' /C calc'!A0"),
        [],
        changed(COUNTY, body="乙局", item="#REF!"),
        changed(COUNTY, body="丙局", valid_from="1/3/2024"),
        changed(COUNTY, body="丁局", level="国家"),
        [*TOWN, "one too many"],
        COUNTY,
        changed(COUNTY, body="  "),
    ]
    (tmp_path / "list.csv").write_text(as_csv([TITLE, HEADER, *rows]), encoding="gbk")
    told = faults_of(tmp_path / "list.csv")
    assert [(row, field) for row, field, _ in told] == [
        (2, "body"), (4, "item"), (5, "valid_from"), (6, "level"), (7, ""), (8, "item_code"), (9, "body"),
    ]  # fmt: skip
    words = ["公式", "单元格为错误值", "格式不符", "不在可选值中", "列数多于表头", "重复", "为空"]
    assert all(word in reason for word, (_, _, reason) in zip(words, told, strict=True))


def test_a_formula_without_a_result_is_told(tmp_path: Path) -> None:
    path = book(
        tmp_path / "list.xlsx", [HEADER, COUNTY, changed(TOWN, body='="甲镇"&"政府"', valid_from="=TODAY()")]
    )
    assert [(row, field) for row, field, _ in faults_of(path)] == [(2, "valid_from"), (2, "body")]


def test_quotes_that_do_not_match_are_told_with_the_row(tmp_path: Path) -> None:
    text_ = as_csv([HEADER, COUNTY]) + 'I-2,"占道,urban,法,处罚,局,county,320601,lead,2024-01-01,\r\n'
    (tmp_path / "list.csv").write_text(text_, encoding="utf-8")
    (row, _, reason), = faults_of(tmp_path / "list.csv")  # fmt: skip
    assert row == 2 and "引号不配对" in reason


def _bomb(folder: Path) -> Path:
    path = book(folder / "list.xlsx", [HEADER, COUNTY])
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/media/a.bin", "w") as member,
    ):
        for _ in range(workbooks.MAX_UNPACKED // (1 << 20) + 1):
            member.write(bytes(1 << 20))
    assert path.stat().st_size < 1 << 20
    return path


@pytest.mark.parametrize(
    ("write", "reason"),
    [
        (_text("", "utf-8"), "is empty 文件为空"),
        (_text("\r\n ,,\r\n", "utf-8"), "is empty 文件为空"),
        (_text("", "utf-8", "list.xlsx"), "不是可读的 XLSX"),
        (_text("PK\x03\x04 rest", "latin-1", "list.xlsx"), "不是可读的 XLSX"),
        (_text("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", "latin-1", "list.xlsx"), "请另存为"),
        (_text("<html><table></table></html>", "utf-8", "list.xls"), "不是可读的 XLSX"),
        (_text("a\0b,c\r\n", "utf-8"), "不是文本文件"),
        (_text("\xff\xff\xff\xff", "latin-1"), "编码不是"),
        (_text(as_csv([[*HEADER, HEADER[0]], [*COUNTY, "I-2"]]), "utf-8"), "stands twice 列重复"),
        (_bomb, "解压后过大"),
        (lambda folder: book(folder / "list.xlsx", []), "is empty 文件为空"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_one_message(
    tmp_path: Path, write: Callable[[Path], Path], reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        read_duties(write(tmp_path))


def test_missing_columns_are_all_named(tmp_path: Path) -> None:
    with pytest.raises(MissingColumns, match="缺少列: legal_basis, valid_to"):
        read_duties(
            _text(as_csv([[n for n in HEADER if n not in ("法律依据", "失效日期")], ["I-1"]]), "gbk")(
                tmp_path
            )
        )


def stored(url: str) -> int:
    with session(SYSTEM, url) as db:
        return int(db.execute(text("SELECT count(*) FROM duty_items")).scalar_one())


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*arguments], env={"COLUMNS": "300"})
    assert result.exception is None or isinstance(result.exception, (SystemExit, InputError))
    return result.exit_code, result.output


def test_nothing_is_half_written(square_city: str, tmp_path: Path) -> None:
    bad = tmp_path / "list.csv"
    withdrawn_before = changed(TOWN, valid_from="2024-03-01", valid_to="2023-12-31")
    bad.write_text(as_csv([TITLE, HEADER, COUNTY, withdrawn_before]), encoding="gbk")
    with pytest.raises(RejectedRows, match="row 2 行, valid_to: not after valid_from 止日不晚于起日"):
        import_file("duties", bad, url=square_city)
    assert stored(square_city) == 0
    code, told = run("duties", "check", str(bad))
    assert code == 1 and "row 2 行, dates_reversed" in told
    bad.write_text(as_csv([HEADER, COUNTY, [*TOWN, "too many"]]), encoding="gbk")
    with pytest.raises(RejectedRows, match="列数多于表头"):
        import_file("duties", bad, url=square_city)
    assert stored(square_city) == 0


def test_rows_of_faults_of_the_whole_list_are_named(square_city: str, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    overlapping = changed(TOWN, valid_from="2025-01-01", valid_to="")
    path.write_text(
        as_csv([HEADER, COUNTY, TOWN, overlapping, changed(COUNTY, body="区[bold]执法局")]), encoding="utf-8"
    )
    code, told = run("duties", "check", str(path))
    assert code == 1
    assert "row 2, 3 行, overlapping_dates: I-1 320601001" in told
    assert (
        "row 1, 4 行, two_leads" in told and "区[bold]执法局" in told
    )  # no markup of a file is taken for ours


def test_fifty_thousand_rows_are_read_and_checked(tmp_path: Path) -> None:
    rows = [changed(COUNTY, item_code=f"I-{i % 500}", body=f"第{i}局", role="joint") for i in range(50_000)]
    report = read_duties(_text(as_csv([HEADER, *rows]), "gbk")(tmp_path), ["320601"])
    assert len(report.duties) == 50_000 and {fault.rule for fault in report.whole} == {"no_lead"}


def test_many_lines_of_one_place_are_compared_in_order() -> None:
    """50,000 leads of one item and area: each is told once, not with every other."""
    start = dt.date(2000, 1, 1)
    lines = [
        Duty(i, "I", "事项", "urban", "法", "处罚", f"第{i}局", "county", "320601", "lead", start, None)
        for i in range(50_000)
    ]
    faults = check_list(lines)
    assert len(faults) == 49_999 and {fault.rule for fault in faults} == {"two_leads"}
    assert {fault.lines[1] for fault in faults} == set(range(1, 50_000))


def test_a_long_line_hides_no_later_clash() -> None:
    def line(number: int, body: str, begin: int, end: int | None) -> Duty:
        until = None if end is None else dt.date(end, 1, 1)
        return Duty(
            number,
            "I",
            "事项",
            "urban",
            "法",
            "处罚",
            body,
            "county",
            "320601",
            "lead",
            dt.date(begin, 1, 1),
            until,
        )

    lines = [
        line(1, "甲", 2000, 2020),
        line(2, "甲", 2001, 2002),
        line(3, "乙", 2010, 2011),
        line(4, "丙", 2015, 2016),
    ]
    told = [(fault.rule, fault.lines) for fault in check_list(lines)]
    assert told == [("overlapping_dates", (1, 2)), ("two_leads", (1, 3)), ("two_leads", (1, 4))]
