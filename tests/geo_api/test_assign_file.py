"""``wangge assign FILE``: every row answered as one by one.

Faults named; CSV and Parquet; time of each row.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cli.main import app
from grid.responsibility import assign
from layers.codes.crs import wgs84_to_gcj02
from layers.errors import RejectedRows
from layers.postgres import SYSTEM, session
from tests.support.square_town import NOW, RESUME, STALL, insert_duties, insert_town, x, y


@pytest.fixture
def city(fresh_database: str) -> str:
    with session(SYSTEM, fresh_database) as db:
        insert_duties(db)
        insert_town(db)
    return fresh_database


def rows(n: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(3)
    return pl.DataFrame(
        {
            "id": [f"r{i}" for i in range(n)],
            "lon": x(0) + rng.uniform(-0.2, 4.2, n) * 0.001,
            "lat": y(0) + rng.uniform(-0.2, 4.2, n) * 0.001,
            "item_code": [RESUME if i % 3 else STALL for i in range(n)],
            "at": [["2021-06-01T00:00:00Z", "2024-01-01T12:00:00+08:00", ""][i % 3] for i in range(n)],
            "accuracy_m": ["25" if i % 7 == 0 else "" for i in range(n)],
            "remark": ["kept"] * n,
        }
    )


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["assign", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_every_row_is_answered_as_alone(city: str, tmp_path: Path) -> None:
    file = tmp_path / "places.csv"
    frame = rows()
    frame.write_csv(file)
    run(str(file), "--crs", "wgs84", "--at", NOW.replace(tzinfo=None).isoformat())
    got = pl.read_csv(tmp_path / "places.assigned.csv", infer_schema=False)
    assert got["id"].to_list() == frame["id"].to_list()
    with session(SYSTEM, city) as db:
        for given, told in zip(frame.iter_rows(named=True), got.iter_rows(named=True), strict=True):
            at = dt.datetime.fromisoformat(given["at"]) if given["at"] else NOW
            alone = assign(
                db,
                lon=given["lon"],
                lat=given["lat"],
                item_code=given["item_code"],
                at=at,
                accuracy_m=float(given["accuracy_m"] or 0),
            ).flat()
            alone["co_handlers"] = "; ".join(alone["co_handlers"])
            told = {name: told[name] or "" for name in alone}
            assert told == {name: value or "" for name, value in alone.items()}, given
    assert set(got["outcome"]) >= {"assigned", "ambiguous", "nearest_assumed"}


def test_crs_parquet_and_explanation(city: str, tmp_path: Path) -> None:
    frame = rows(6).with_columns(at=pl.lit(NOW), accuracy_m=pl.lit(None, dtype=pl.Float64))
    lon, lat = wgs84_to_gcj02(frame["lon"].to_numpy(), frame["lat"].to_numpy())
    frame.with_columns(lon=pl.Series(lon), lat=pl.Series(lat)).write_parquet(tmp_path / "g.parquet")
    frame.write_parquet(tmp_path / "w.parquet")
    run(str(tmp_path / "g.parquet"), "--crs", "gcj02", "--explain", "--out", str(tmp_path / "out.parquet"))
    run(str(tmp_path / "w.parquet"), "--crs", "wgs84")
    shifted, plain = (pl.read_parquet(tmp_path / name) for name in ("out.parquet", "w.assigned.parquet"))
    assert shifted["unit_grid"].to_list() == plain["unit_grid"].to_list()
    steps = json.loads(shifted["explanation"][0])
    assert {step["step"] for step in steps} >= {"locate", "lead"} and all(step["zh"] for step in steps)


def test_faulty_rows_are_named_and_nothing_is_written(city: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.csv"
    file.write_text(
        "lon,lat,item_code\n120.801,32.001,ECO-RESUME-001\n120.801,,NO-SUCH\n32.0,120.8,ECO-RESUME-001\n"
    )
    with pytest.raises(RejectedRows) as caught:
        CliRunner().invoke(app, ["assign", str(file), "--crs", "wgs84"], catch_exceptions=False)
    faults = {(fault.row, fault.field) for fault in caught.value.faults}
    assert {(2, "lat"), (2, "item_code"), (3, "lat")} <= faults
    assert [each for each in tmp_path.iterdir() if each.name != "city.toml"] == [file]


def test_the_index_follows_the_partition(city: str) -> None:
    """An edit between two bulk answers of one process is seen at once."""
    import tests.support.change_sets as editing
    from grid.responsibility import assign_many

    frame = pl.DataFrame({"lon": [x(0.25)], "lat": [y(0.5)], "item_code": [RESUME]})
    with session(SYSTEM, city) as db:
        assert assign_many(db, frame, at=dt.datetime.now(dt.UTC))["unit_grid"][0] == "320601001001001"
        unit = db.execute(text("SELECT id FROM areas WHERE code = '320601001001001'")).scalar_one()
        line = {"type": "LineString", "coordinates": [[x(0.5), y(0)], [x(0.5), y(1)]]}
        change = editing.draft(db, [{"op": "split", "area_id": unit, "line": line}], "a")
        editing.apply(db, change.id, "b")
        assert assign_many(db, frame, at=dt.datetime.now(dt.UTC))["unit_grid"][0] == "320601001001005"
        assert assign_many(db, frame, at=NOW)["unit_grid"][0] == "320601001001001"


HEADER = "lon,lat,item_code,id\n"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (f"编号;经度;纬度;事项编码\n甲;{x(0.5)};{y(0.5)};{STALL}\n", "gbk"),
        (f"编号\t经度\t纬度\t事项编码\n甲\t{x(0.5)}\t{y(0.5)}\t{STALL}\n", "utf-16"),
        (f"某市点位表\n\n编号,经度,纬度,事项编码\n甲,{x(0.5)},{y(0.5)},{STALL}\n", "utf-8-sig"),
        (HEADER + f"{x(0.5)},{y(0.5)},{STALL},\n" * 9000 + f"{x(0.5)},{y(0.5)},{STALL},甲\n", "gbk"),
    ],
)
def test_files_as_offices_write_them(city: str, tmp_path: Path, content: str, encoding: str) -> None:
    (tmp_path / "places.csv").write_bytes(content.encode(encoding))
    run(str(tmp_path / "places.csv"), "--crs", "wgs84", "--at", NOW.replace(tzinfo=None).isoformat())
    got = pl.read_csv(tmp_path / "places.assigned.csv", infer_schema=False).row(-1, named=True)
    assert (got["id"], got["unit_grid"]) == ("甲", "320601001001001")


@pytest.mark.parametrize(
    ("rows_", "told"),
    [
        (f"{x(0)},{y(0)},{STALL},a\n{x(0)},{y(0)},{STALL},b,c,d\n", "row 2 行, : 6 values under 4 headers"),
        (f'{x(0)},{y(0)},{STALL},"a\n{x(0)},{y(0)},{STALL},b\n', "row 1 行, : quotes do not match"),
        (f"nan,{y(0)},{STALL},a\n", "row 1 行, lon: not a finite number 不是有限数"),
    ],
)
def test_rows_that_cannot_be_read_are_named(city: str, tmp_path: Path, rows_: str, told: str) -> None:
    (tmp_path / "places.csv").write_text(HEADER + rows_, encoding="utf-8")
    result = CliRunner().invoke(app, ["assign", str(tmp_path / "places.csv"), "--crs", "wgs84"])
    assert isinstance(result.exception, RejectedRows) and told in str(result.exception)
    assert {file.name for file in tmp_path.iterdir()} - {"city.toml"} == {"places.csv"}


def test_an_id_is_no_formula_in_the_answers(city: str, tmp_path: Path) -> None:
    ids = ["=cmd|' /C calc'!A0", "@SUM(A1)", "-5", "+x", "plain"]
    lines = "".join(f"{x(0.5)},{y(0.5)},{STALL},{name}\n" for name in ids)
    (tmp_path / "places.csv").write_text(HEADER + lines, encoding="utf-8")
    run(str(tmp_path / "places.csv"), "--crs", "wgs84")
    got = pl.read_csv(tmp_path / "places.assigned.csv", infer_schema=False)["id"].to_list()
    assert got == ["'=cmd|' /C calc'!A0", "'@SUM(A1)", "-5", "'+x", "plain"]
