"""Duty lists: read from CSV and XLSX, checked, compared, imported.

Empowerment of towns with dates and withdrawal.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from geo_api.cli.main import app
from geo_api.imports.duty_files import DUTIES, read_duties
from geo_api.imports.import_file import import_file
from layers.errors import InputError, MissingColumns

HEADER = "item_code,item,domain,legal_basis,kind,body,level,area_code,role,valid_from,valid_to".split(",")
COUNTY = [
    "I-1",
    "占道经营",
    "urban",
    "城市管理条例",
    "处罚",
    "区城管局",
    "county",
    "320601",
    "lead",
    "2020-01-01",
    "",
]
TOWN = [
    "I-1",
    "占道经营",
    "urban",
    "省赋权决定",
    "处罚",
    "甲镇政府",
    "town",
    "320601001",
    "lead",
    "2022-03-01",
    "2025-07-01",
]


def write(path: Path, rows: list[list[str]], header: list[str] = HEADER) -> Path:
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active.append(header)
        for row in rows:
            dates = [dt.date.fromisoformat(v) if v.startswith("20") and len(v) == 10 else v for v in row]
            book.active.append([int(v) if isinstance(v, str) and v.isdigit() else v for v in dates])
        book.save(path)
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    return path


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["duties", *arguments], catch_exceptions=False, env={"COLUMNS": "200"})
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize("name", ["list.csv", "list.xlsx"])
@pytest.mark.parametrize("chinese", [False, True])
def test_a_list_is_the_same_from_every_format(
    square_city: str, tmp_path: Path, name: str, chinese: bool
) -> None:
    names = {column.name: column.zh for column in DUTIES.columns}
    header = [names[column] for column in HEADER] if chinese else HEADER
    path = write(tmp_path / name, [COUNTY, TOWN], header)
    report = read_duties(path)
    assert report.ok and [d.body for d in report.duties] == ["区城管局", "甲镇政府"]
    assert report.duties[1].valid_to == dt.date(2025, 7, 1) and report.duties[0].area_code == "320601"
    assert import_file("duties", path, url=square_city).written.inserted == 2
    assert import_file("duties", path, url=square_city).written.inserted == 0
    assert "甲镇政府" in run("empowered", "--town", "320601001") and "2025-07-01" in run("empowered")
    assert "2 行 lines, 1 事项 items, 0 问题 faults" in run("check")


def test_check_tells_every_fault(square_city: str, tmp_path: Path) -> None:
    rows = [
        COUNTY,
        [*COUNTY[:5], "区执法局", *COUNTY[6:]],  # a second lead of the county
        [
            "I-2",
            "扬尘",
            "ecology",
            "法",
            "处罚",
            "区住建局",
            "county",
            "320601",
            "joint",
            "2020-01-01",
            "",
        ],  # no lead
        [
            "I-1",
            "占道经营",
            "market",
            "法",
            "处罚",
            "甲镇政府",
            "town",
            "329999001",
            "lead",
            "2022-03-01",
            "2021-01-01",
        ],
        [*COUNTY[:7], "320602", "boss", "2020-13-01", ""],  # role and date
    ]
    out = run("check", str(write(tmp_path / "bad.csv", rows)), code=1)
    for rule in ("two_leads", "no_lead", "unknown_area", "dates_reversed", "two_domains"):
        assert rule in out, rule
    assert "row 5" in out and "valid_from" in out and "role" in out
    notes = import_file("duties", write(tmp_path / "two.csv", rows[:2]), url=square_city).notes
    told = [note for note in notes if "not in the register" not in note]
    assert len(told) == 1 and told[0].startswith("two_leads")


def test_diff_of_files_and_of_dates(square_city: str, tmp_path: Path) -> None:
    old = [
        COUNTY,
        [*TOWN[:10], ""],
        ["I-3", "旧事项", "market", "法", "处罚", "市监局", "county", "320601", "lead", "2020-01-01", ""],
    ]
    new = [
        [*COUNTY[:5], "区综合执法局", *COUNTY[6:9], "2024-01-01", ""],  # handed on
        TOWN,  # withdrawn
        ["I-4", "新事项", "market", "法", "处罚", "市监局", "county", "320601", "lead", "2024-01-01", ""],
    ]
    a, b = write(tmp_path / "a.csv", old), write(tmp_path / "b.xlsx", new)
    changes: list[dict[str, Any]] = json.loads(run("diff", str(a), str(b), "--json"))
    told = {(c["change"], c["item_code"]): c for c in changes}
    assert set(told) == {("handed_on", "I-1"), ("withdrawn", "I-1"), ("removed", "I-3"), ("added", "I-4")}
    assert (told["handed_on", "I-1"]["body_before"], told["handed_on", "I-1"]["body"]) == (
        "区城管局",
        "区综合执法局",
    )
    assert told["withdrawn", "I-1"]["fields"]["valid_to"] == [None, "2025-07-01"]
    assert "4 处变化" in run("diff", str(a), str(b)) and "0 处变化" in run("diff", str(a), str(a))
    import_file("duties", write(tmp_path / "stored.csv", [COUNTY, TOWN]), url=square_city)
    dated = json.loads(run("diff", "2024-01-01", "2025-07-01", "--json"))
    assert [(c["change"], c["body"]) for c in dated] == [("removed", "甲镇政府")]
    assert json.loads(run("diff", "2022-02-28", "2022-03-01", "--json"))[0]["change"] == "added"


def test_unreadable_files(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_bytes(b"no workbook")
    with pytest.raises(InputError, match="XLSX"):
        read_duties(tmp_path / "x.xlsx")
    with pytest.raises(MissingColumns, match="legal_basis"):
        read_duties(write(tmp_path / "y.csv", [], ["item_code", "item"]))
    with pytest.raises(InputError, match="no such file"):
        read_duties(tmp_path / "none.csv")


def test_duty_items_by_place_level_and_day(public: TestClient) -> None:
    everything = public.get("/v1/duty-items?limit=1000").json()["items"]
    counties = public.get("/v1/duty-items?level=county").json()["items"]
    assert counties and {line["level"] for line in counties} == {"county"}
    code = everything[0]["area_code"]
    assert {line["area_code"] for line in public.get(f"/v1/duty-items?area_code={code}").json()["items"]} == {
        code
    }
    assert public.get("/v1/duty-items?on=1990-01-01").json()["items"] == []
    assert public.get("/v1/duty-items?level=galaxy").status_code in (400, 422)


@pytest.mark.parametrize(
    "day",
    ["0", "1767225600", "2026-1-1", "20260101", "2026-01-01T00:00:00Z", "2026-02-30", "２０２６-01-01", ""],
)
def test_a_day_that_is_not_written_as_one_is_refused(public: TestClient, day: str) -> None:
    answer = public.get("/v1/duty-items", params={"on": day})
    assert answer.status_code == 400 and "on" in answer.json()["detail"]
    assert public.get("/v1/duty-items", params={"on": "2026-02-28"}).status_code == 200
