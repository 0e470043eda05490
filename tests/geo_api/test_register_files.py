"""Registers of bodies, officers and matters from files: versions, named faults, undo."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import text

from geo_api.imports.import_file import import_file
from grid.registers import read_limits
from layers.batches import undo_batch
from layers.errors import RejectedRows
from layers.postgres import SYSTEM, session
from tests.support.row_digests import differing_tables, row_digests

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
BODIES = "code,name,level,parent_code,valid_from\n"
OFFICERS = "certificate_no,name,certificate_to,body_code,username,valid_from\n"
DUTIES = "item_code,item,domain,legal_basis,kind,body,level,area_code,role,valid_from,valid_to\n"


def write(folder: Path, name: str, content: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text(content, encoding=encoding)
    return path


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with session(SYSTEM, url) as db:
        return [tuple(row) for row in db.execute(text(statement))]


def faults(kind: str, path: Path, url: str) -> str:
    with pytest.raises(RejectedRows) as refused:
        import_file(kind, path, url=url, now=NOW)
    return str(refused.value)


def test_a_renamed_body_keeps_its_id_and_its_former_name(fresh_database: str, tmp_path: Path) -> None:
    import_file("bodies", write(tmp_path, "a.csv", BODIES + "B1,甲局,city,,2020-01-01\n"), url=fresh_database)
    renamed = write(
        tmp_path,
        "b.csv",
        "关于印发登记簿的通知,,\n主体编码,主体名称,层级,生效日期\nB1,乙局,市,2024年3月1日\n",
        "gb18030",
    )
    import_file("bodies", renamed, url=fresh_database)
    found = rows(
        fresh_database,
        "SELECT name, valid_from::text, valid_to::text, former_names FROM bodies ORDER BY valid_from",
    )
    assert found == [("甲局", "2020-01-01", "2024-03-01", []), ("乙局", "2024-03-01", None, ["甲局"])]
    assert len(rows(fresh_database, "SELECT DISTINCT body_id FROM bodies")) == 1
    again = import_file("bodies", renamed, url=fresh_database).written
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 1)


def test_an_undone_renaming_leaves_the_officers_of_the_body(fresh_database: str, tmp_path: Path) -> None:
    import_file("bodies", write(tmp_path, "a.csv", BODIES + "B1,甲局,city,,2020-01-01\n"), url=fresh_database)
    officers = write(tmp_path, "b.csv", OFFICERS + "1,示例,2030-01-01,甲局,,2020-01-01\n")
    import_file("officers", officers, url=fresh_database, now=NOW)
    before = row_digests(fresh_database)
    renamed = write(tmp_path, "c.csv", BODIES + "B1,乙局,city,,2024-03-01\n")
    report = import_file("bodies", renamed, url=fresh_database)
    with session(SYSTEM, fresh_database) as db:
        undo_batch(db, report.batch_id, by="tester", now=NOW)
    assert differing_tables(before, row_digests(fresh_database)) == []


def test_faults_of_registers_are_named(fresh_database: str, tmp_path: Path) -> None:
    cycle = write(tmp_path, "a.csv", BODIES + "B1,甲局,city,B2,2020-01-01\nB2,乙局,city,B1,2020-01-01\n")
    assert "cycle of superiors" in faults("bodies", cycle, fresh_database)
    double = write(tmp_path, "b.csv", BODIES + "B1,甲局,city,,2020-01-01\nB2,甲局,city,B9,2020-01-01\n")
    told = faults("bodies", double, fresh_database)
    assert "B1 has this name" in told and "not in the register of bodies" in told
    import_file(
        "bodies", write(tmp_path, "c.csv", BODIES + "B1,南山区水务局,city,,2020-01-01\n"), url=fresh_database
    )
    officers = write(
        tmp_path,
        "d.csv",
        OFFICERS + "1,示例,2020-01-01,B1,,2020-01-01\n2,示例,2030-01-01,南山水务局,nobody,2020-01-01\n",
    )
    told = faults("officers", officers, fresh_database)
    assert "the certificate has ended" in told and "南山区水务局" in told and "no such account" in told
    matters = write(
        tmp_path, "e.csv", "item_code,name,domain,limit_overall,valid_from\nX,某事,urban,很快,2020-01-01\n"
    )
    assert "no time limit" in faults("matters", matters, fresh_database)
    assert rows(fresh_database, "SELECT count(*) FROM officers") == [(0,)]


def test_a_matter_sets_the_kind_of_alert_and_its_undo_sets_it_back(
    fresh_database: str, tmp_path: Path
) -> None:
    before = row_digests(fresh_database)
    book = openpyxl.Workbook()
    book.active.append(["事项编码", "事项名称", "领域", "办结时限", "法制审核", "预警类型", "生效日期"])
    book.active.append(
        ["X-1", "复工", "生态环境", "15工作日；紧急 24小时", "是", "illegal_resumption", "2024-01-01"]
    )
    book.save(tmp_path / "matters.xlsx")
    report = import_file("matters", tmp_path / "matters.xlsx", url=fresh_database)
    assert rows(fresh_database, "SELECT limits, legal_review FROM matters") == [
        (
            {
                "overall": {
                    "normal": {"kind": "working_days", "value": 15},
                    "urgent": {"kind": "natural_hours", "value": 24},
                }
            },
            True,
        )
    ]
    kind = "SELECT item_code FROM alert_kinds WHERE kind = 'illegal_resumption'"
    assert rows(fresh_database, kind) == [("X-1",)]
    with session(SYSTEM, fresh_database) as db:
        undo_batch(db, report.batch_id, by="tester", now=NOW)
    assert differing_tables(before, row_digests(fresh_database)) == []


@pytest.mark.parametrize("written", ["soon", "1工作日;2工作日", "0 days"])
def test_a_limit_that_is_none_is_refused(written: str) -> None:
    from grid.errors import GridError

    with pytest.raises(GridError):
        read_limits(written)
