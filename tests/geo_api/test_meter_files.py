"""Files of meters in all their forms: days, hours, bills, registers; what is refused, replaced, flagged and undone."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cli.main import app as command_line
from geo_api.imports.import_file import ImportReport, import_file
from layers.batches import undo_batch
from layers.errors import BatchInUse, RejectedRows
from layers.local_time import start_of_day
from layers.postgres import SYSTEM, session
from layers.readings import daily_readings
from layers.records import meters
from tests.support.cities import BERLIN, NANTONG, in_force
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.row_digests import differing_tables, row_digests

NOW = dt.datetime(2027, 1, 15, tzinfo=dt.UTC)


@pytest.fixture
def url(fresh_database: str) -> str:
    with session(SYSTEM, fresh_database) as db:
        enterprise = insert_enterprise(db, status="closed", hazard="chemical")
        insert_site(db, enterprise, "S-1", 120.8, 32.0)
        insert_site(db, enterprise, "S-2", 120.81, 32.0)
    return fresh_database


@pytest.fixture
def berlin() -> Iterator[None]:
    with in_force(BERLIN):
        yield


def load(url: str, folder: Path, header: str, *rows: str, skip_bad: bool = False) -> ImportReport:
    path = folder / "meters.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return import_file("meters", path, url=url, skip_bad=skip_bad, now=NOW)


def stored(url: str, kind: str = "power") -> list[Any]:
    """Interval by local time, value, quality, flags of S-1."""
    with session(SYSTEM, url) as db:
        rows = db.execute(
            text(
                "SELECT m.began_at, m.ended_at, m.value, m.quality, m.flags, m.register FROM meter_readings m"
                " JOIN sites s ON s.id = m.site_id WHERE s.site_id = 'S-1' AND m.kind = :kind ORDER BY meter_id, 1, 2"
            ),
            {"kind": kind},
        ).all()
    return [tuple(row) for row in rows]


def values(url: str, kind: str = "power") -> list[float | None]:
    return [row[2] for row in stored(url, kind)]


def days(first: str, n: int) -> list[str]:
    return [str(dt.date.fromisoformat(first) + dt.timedelta(days=i)) for i in range(n)]


def test_the_columns_of_before_are_read_as_before(url: str, tmp_path: Path) -> None:
    report = load(
        url, tmp_path, "site_id,kind,day,value,quality",
        "S-1,power,2026-10-01,1520.5,measured", "S-1,power,2026-10-02,,missing",
    )  # fmt: skip
    assert (report.written.inserted, report.notes) == (2, [])
    midnight = [start_of_day(dt.date(2026, 10, n)) for n in (1, 2, 3)]
    assert stored(url) == [
        (midnight[0], midnight[1], 1520.5, "measured", [], None), (midnight[1], midnight[2], None, "missing", [], None),
    ]  # fmt: skip
    again = load(url, tmp_path, "site_id,kind,day,value,quality", "S-1,power,2026-10-01,1520.5,measured")
    assert (again.written.unchanged, again.written.inserted, again.written.updated) == (1, 0, 0)
    corrected = load(url, tmp_path, "site_id,kind,day,value,quality", "S-1,power,2026-10-01,2,estimated")
    assert corrected.written.updated == 1 and values(url) == [2.0, None]


@pytest.mark.parametrize(
    ("header", "row", "begin", "end"),
    [
        ("from,to", "2026-09-10,2026-10-09", "2026-09-10", "2026-10-09"),
        ("from,to", "2026-09-10T08:00,2026-09-10T09:00", "2026-09-10T08:00", "2026-09-10T09:00"),
        ("from,to", "2026-09-10T00:00Z,2026-09-10T01:00+00:00", "2026-09-10T08:00", "2026-09-10T09:00"),
        ("month", "2026-09", "2026-09-01", "2026-10-01"),
        ("month", "202612", "2026-12-01", "2027-01-01"),
        ("period", "2026年9月", "2026-09-01", "2026-10-01"),
        ("period", "2026-09/2026-10", "2026-09-01", "2026-11-01"),
        ("period", "2026-11~2026-12", "2026-11-01", "2027-01-01"),
    ],
)
def test_every_form_of_a_time(url: str, tmp_path: Path, header: str, row: str, begin: str, end: str) -> None:
    load(url, tmp_path, f"site_id,kind,value,quality,{header}", f"S-1,电,3000,实抄,{row}")
    (found,) = stored(url)
    expected = [dt.datetime.fromisoformat(each).replace(tzinfo=NANTONG.zone) for each in (begin, end)]
    assert [*found[:2]] == expected and found[2:4] == (3000.0, "measured")


@pytest.mark.parametrize(
    ("kind", "unit", "value"),
    [
        ("power", "万kWh", 25000.0),
        ("power", "MWh", 2500.0),
        ("power", "度", 2.5),
        ("water", "吨", 2.5),
        ("water", "L", 0.0025),
    ],
)
def test_units_are_converted_and_told(url: str, tmp_path: Path, kind: str, unit: str, value: float) -> None:
    report = load(
        url, tmp_path, "site_id,kind,month,value,unit,quality", f"S-1,{kind},2026-09,2.5,{unit},实测"
    )
    assert values(url, kind) == [pytest.approx(value)]
    assert any(unit in note for note in report.notes) == (value != 2.5)


@pytest.mark.parametrize(
    ("columns", "row", "field", "reason"),
    [
        ("day,value", "2026-09-01,9.9e12", "value", "impossible"),
        ("day,value", "2026-09-01,-1", "value", "below 0"),
        ("value", "1", "day", "no time"),
        ("day,month,value", "2026-09-01,2026-09,1", "day", "two times"),
        ("from,to,value", "2026-09-01,,1", "to", "empty"),
        ("from,to,value", "2026-09-02,2026-09-01,1", "to", "not after"),
        ("from,to,value", "2026-09-02,yesterday,1", "to", "not a time"),
        ("from,to,value", "2024-01-01,2026-01-01,1", "to", "400 days"),
        ("from,to,value", "2027-01-01,2027-02-01,1", "to", "future"),
        ("month,value", "2026-13,1", "period", "not a month"),
        ("month,value,unit", "2026-09,1,吨", "unit", "not a unit"),
        ("month,value,quality", "2026-09,1,猜", "quality", "not one of"),
        ("at,register", "2026-09-01,", "register", "empty"),
        ("at,value", "2026-09-01,5", "value", "from and to"),
        ("day,register", "2026-09-01,5", "register", "`at`"),
    ],
)
def test_what_is_refused_by_row(
    url: str, tmp_path: Path, columns: str, row: str, field: str, reason: str
) -> None:
    with pytest.raises(RejectedRows) as refused:
        load(url, tmp_path, f"site_id,kind,{columns}", f"S-1,power,{row}")
    assert any(f.row == 1 and f.field == field and reason in f.reason for f in refused.value.faults), (
        refused.value.faults
    )
    assert stored(url) == []


def test_a_year_of_bills_stays_twelve_sums(url: str, tmp_path: Path) -> None:
    months = [f"S-1,power,2025-{n:02},{1000 + n},实抄" for n in range(1, 13)]
    report = load(url, tmp_path, "site_id,kind,month,value,quality", *months)
    assert report.written.inserted == 12 and sum(v or 0 for v in values(url)) == 12 * 1000 + 78
    with session(SYSTEM, url) as db:
        found = meters.read_readings(db, until=dt.date(2025, 12, 31))
        assert found.height == 12 and meters.read_readings(db, until=dt.date(2025, 12, 30)).height == 11
    assert daily_readings(found, "Asia/Shanghai").is_empty(), "never spread over days"
    lengths = (found["to_at"] - found["from_at"]).dt.total_days().to_list()
    assert lengths == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def test_finer_readings_replace_a_bill_and_a_bill_never_replaces_them(url: str, tmp_path: Path) -> None:
    bill = "site_id,kind,month,value", "S-1,power,2026-09,300"
    daily = [f"S-1,power,{day},10" for day in days("2026-09-01", 30)]
    load(url, tmp_path, *bill)
    with pytest.raises(RejectedRows, match="overlaps 2026-09-01 – 2026-10-01") as refused:
        load(url, tmp_path, "site_id,kind,day,value", *daily[:15])
    assert len(refused.value.faults) == 15 and values(url) == [300.0]
    report = load(url, tmp_path, "site_id,kind,day,value", *daily)
    assert values(url) == [10.0] * 30 and any("1 stored coarser" in note for note in report.notes)
    agreed = load(url, tmp_path, *bill)
    assert values(url) == [10.0] * 30 and any("sum of finer" in note for note in agreed.notes)
    with pytest.raises(RejectedRows, match="contradicts the finer readings of that time, their sum is 300"):
        load(url, tmp_path, bill[0], "S-1,power,2026-09,400")
    skipped = load(url, tmp_path, bill[0], "S-1,power,2026-09,400", "S-1,power,2026-10,9", skip_bad=True)
    assert skipped.skipped == 1 and skipped.rejected is not None and values(url) == [*[10.0] * 30, 9.0]
    assert "contradicts" in skipped.rejected.read_text(encoding="utf-8")


def test_registers_are_differences_also_of_later_files(url: str, tmp_path: Path) -> None:
    header = "site_id,kind,meter_id,at,register,unit,quality"
    load(
        url,
        tmp_path,
        header,
        "S-1,power,A,2026-09-01,0.10,万kWh,实抄",
        "S-1,power,A,2026-09-11,0.12,万kWh,实抄",
    )
    assert values(url) == [None, 200.0]
    load(url, tmp_path, header, "S-1,power,A,2026-09-21,1500,kWh,实抄")
    assert values(url) == [None, 200.0, 300.0]
    load(url, tmp_path, header, "S-1,power,A,2026-09-16,1450,kWh,实抄")  # late: in between
    assert values(url) == [None, 200.0, 250.0, 50.0]
    load(url, tmp_path, header, "S-1,power,A,2026-09-16,1400,kWh,实抄")  # corrected
    assert values(url) == [None, 200.0, 200.0, 100.0]
    assert [row[5] for row in stored(url)] == [1000.0, 1200.0, 1400.0, 1500.0]


def test_estimated_registers_between_read_ones_are_left_out(url: str, tmp_path: Path) -> None:
    header = "site_id,kind,at,register,quality"
    first = [
        "S-1,water,2026-01-01,100,实抄",
        "S-1,water,2026-02-01,130,估抄",
        "S-1,water,2026-03-01,160,估抄",
    ]
    load(url, tmp_path, header, *first)
    assert [row[2:4] for row in stored(url, "water")] == [
        (None, "measured"),
        (30.0, "estimated"),
        (30.0, "estimated"),
    ]
    report = load(url, tmp_path, header, "S-1,water,2026-04-01,110,实抄")
    assert [row[2:4] for row in stored(url, "water")] == [(None, "measured"), (10.0, "computed")]
    assert not report.faults


def test_a_rollover_and_a_swap_are_told_by_site(url: str, tmp_path: Path) -> None:
    registers = [99940, 99960, 99980, 7, 27, 47]
    swapped = [5000, 5020, 5040, 3, 23, 43]
    at = days("2026-09-01", 6)
    rows = [f"S-1,power,{day},{r}" for day, r in zip(at, registers, strict=True)]
    rows += [f"S-2,power,{day},{r}" for day, r in zip(at, swapped, strict=True)]
    report = load(url, tmp_path, "site_id,kind,at,register", *rows)
    assert values(url) == [None, 20.0, 20.0, 27.0, 20.0, 20.0]
    assert stored(url)[3][3:5] == ("computed", ["rollover"])
    told = {note.partition(":")[0]: note for note in report.notes}
    assert "S-1 (1)" in told["rollover"] and "S-2 (1)" in told["meter_swap"]
    with session(SYSTEM, url) as db:
        frame = meters.read_readings(db, until=dt.date(2026, 9, 6))
    assert frame.filter(frame["site_id"] == "S-2")["value"].to_list() == [20.0, 20.0, None, 20.0, 20.0]


def test_a_stuck_meter_is_flagged_over_several_files_and_the_flag_goes_with_an_undo(
    url: str, tmp_path: Path
) -> None:
    rows = [f"S-1,power,{day},123.4" for day in days("2026-09-01", 14)]
    load(url, tmp_path, "site_id,kind,day,value", *rows[:13])
    assert [row[4] for row in stored(url)] == [[]] * 13
    before = row_digests(url)
    report = load(url, tmp_path, "site_id,kind,day,value", rows[13])
    assert [row[4] for row in stored(url)] == [["stuck"]] * 14
    assert any(note.startswith("stuck: 14 ") for note in report.notes)
    with session(SYSTEM, url) as db:
        undo_batch(db, report.batch_id, by="test", now=NOW)
    assert differing_tables(before, row_digests(url)) == []


def test_an_undo_brings_the_bill_back_unless_others_stand_in_its_time(url: str, tmp_path: Path) -> None:
    load(url, tmp_path, "site_id,kind,month,value", "S-1,power,2026-09,300")
    before = row_digests(url)
    daily = [f"S-1,power,{day},10" for day in days("2026-09-01", 30)]
    report = load(url, tmp_path, "site_id,kind,day,value", *daily)
    hours = [f"S-1,power,2026-09-01T{h:02}:00,2026-09-01T{h + 1:02}:00,0.4" for h in range(23)]
    finer = load(
        url, tmp_path, "site_id,kind,from,to,value", *hours, "S-1,power,2026-09-01T23:00,2026-09-02T00:00,0.8"
    )
    assert len(values(url)) == 53
    with pytest.raises(BatchInUse), session(SYSTEM, url) as db:
        undo_batch(db, report.batch_id, by="test", now=NOW)
    for batch in (finer, report):
        with session(SYSTEM, url) as db:
            undo_batch(db, batch.batch_id, by="test", now=NOW)
    assert differing_tables(before, row_digests(url)) == []


def test_an_undo_is_refused_where_rows_of_another_batch_would_lie_in_the_bill(
    url: str, tmp_path: Path
) -> None:
    """A bill is replaced by days; one of them goes by a correction of the office, and others come in its place."""
    load(url, tmp_path, "site_id,kind,from,to,value", "S-1,power,2026-09-01,2026-09-03,20")
    days_of = load(
        url, tmp_path, "site_id,kind,day,value", "S-1,power,2026-09-01,10", "S-1,power,2026-09-02,10"
    )
    with session(SYSTEM, url) as db:
        db.execute(text("DELETE FROM meter_readings WHERE began_at >= '2026-09-02 00:00+08'"))
    load(url, tmp_path, "site_id,kind,from,to,value", "S-1,power,2026-09-02T01:00,2026-09-02T02:00,1")
    with pytest.raises(BatchInUse) as refused, session(SYSTEM, url) as db:
        undo_batch(db, days_of.batch_id, by="test", now=NOW)
    assert "meter_readings" in {one["kind"] for one in refused.value.rests_on}


def test_the_hours_of_the_night_in_which_the_clocks_go_back(url: str, tmp_path: Path, berlin: None) -> None:
    walls = [f"2026-10-25T{h:02}:00" for h in (0, 1, 2, 2, 3)]
    ends = [f"2026-10-25T{h:02}:00" for h in (1, 2, 3, 3, 4)]
    rows = [f"S-1,power,{b},{e},{n}" for n, (b, e) in enumerate(zip(walls, ends, strict=True), start=1)]
    report = load(url, tmp_path, "site_id,kind,from,to,value", *rows)
    found = stored(url)
    assert [row[2] for row in found] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert all(row[1] - row[0] == dt.timedelta(hours=1) for row in found)
    assert found[0][0] == dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC)
    assert any("Europe/Berlin" in note for note in report.notes), "times without a zone are told"


def test_the_hour_that_the_clocks_skip(url: str, tmp_path: Path, berlin: None) -> None:
    header = "site_id,kind,from,to,value"
    load(
        url,
        tmp_path,
        header,
        "S-1,power,2026-03-29T01:00,2026-03-29T02:00,1",
        "S-1,power,2026-03-29T03:00,2026-03-29T04:00,2",
    )
    assert [row[0].astimezone(dt.UTC).hour for row in stored(url)] == [0, 1]
    with pytest.raises(RejectedRows, match="clocks skip"):
        load(url, tmp_path, header, "S-1,power,2026-03-29T02:00,2026-03-29T03:00,1")


def test_days_of_a_zone_with_summer_time_begin_at_its_midnight(
    url: str, tmp_path: Path, berlin: None
) -> None:
    load(url, tmp_path, "site_id,kind,day,value", "S-1,power,2026-10-25,5")
    ((begin, end, *_),) = stored(url)
    assert end - begin == dt.timedelta(hours=25)


def test_bills_whose_end_was_meant_as_the_last_day_are_told(url: str, tmp_path: Path) -> None:
    rows = [
        "S-1,power,2026-07-01,2026-07-31,9",
        "S-1,power,2026-08-01,2026-08-31,9",
        "S-1,power,2026-09-01,2026-09-30,9",
    ]
    report = load(url, tmp_path, "site_id,kind,from,to,value", *rows)
    assert any("2 times exactly one day" in note for note in report.notes)


def test_two_meters_of_a_site_do_not_disturb_each_other(url: str, tmp_path: Path) -> None:
    rows = ["S-1,power,1,2026-09-01,10", "S-1,power,2,2026-09-01,7", "S-1,power,2,2026-09-01,8"]
    report = load(url, tmp_path, "site_id,kind,meter_id,day,value", *rows)
    assert values(url) == [10.0, 8.0] and any("twice" in note for note in report.notes)


def test_missing_rows_give_way_to_values(url: str, tmp_path: Path) -> None:
    load(
        url,
        tmp_path,
        "site_id,kind,day,value,quality",
        *(f"S-1,power,{day},,缺失" for day in days("2026-09-01", 3)),
    )
    load(url, tmp_path, "site_id,kind,month,value", "S-1,power,2026-09,300")
    assert values(url) == [300.0]
    report = load(url, tmp_path, "site_id,kind,day,value,quality", "S-1,power,2026-09-02,,未抄")
    assert values(url) == [300.0] and any("without a value" in note for note in report.notes)


def test_quality_is_told_by_site_and_meter(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        f"S-1,power,{day},123.4,{'估算' if n < 7 else '实测'}" for n, day in enumerate(days("2026-09-01", 14))
    ]
    load(
        url,
        tmp_path,
        "site_id,kind,day,value,quality",
        *rows,
        "S-2,water,2026-09-01,5,实测",
        "S-2,water,2026-09-04,5,实测",
    )
    monkeypatch.setenv("WANGGE_DATABASE_URL", url)
    monkeypatch.setenv("WANGGE_DATA_DIR", str(tmp_path / "data"))
    told = CliRunner().invoke(command_line, ["meters", "quality", "--json"], catch_exceptions=False)
    first, second = json.loads(told.stdout)
    assert (first["site_id"], first["kind"], first["readings"], first["flags"]) == (
        "S-1",
        "power",
        14,
        {"stuck": 14},
    )
    assert (first["estimated_share"], first["missing_share"], first["usual_length_s"]) == (0.5, 0.0, 86400.0)
    assert (second["site_id"], second["flags"], second["missing_share"]) == ("S-2", {}, 0.5)
    shown = CliRunner().invoke(command_line, ["meters", "quality", "--flagged"], catch_exceptions=False)
    assert "S-1" in shown.output and "S-2" not in shown.output
