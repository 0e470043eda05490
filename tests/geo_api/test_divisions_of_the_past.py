"""Nantong's changes of 2018 and 2020, through the importer.

A matter of 2019 is answered with the districts of then.

2018: 320621 海安县 became 320685 海安市 (a new code). 2020: 320602 崇川区 and 320611 港闸区 became 320613 崇川区 (two into
one), 320684 海门市 became 320614 海门区. The shapes are squares; the codes are the real ones.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from geo_api.imports.import_file import import_file
from grid.areas import ancestors, read_areas
from grid.responsibility import assign
from grid.responsibility.succession import successors
from layers.errors import RejectedRows
from layers.postgres import SYSTEM, session
from tests.support.square_town import insert_duty

WEST, SOUTH = 120.8, 32.0
BOX = {"320602": 0, "320611": 1, "320621": 2, "320684": 3}
NAMES = {"320602": "崇川区", "320611": "港闸区", "320621": "海安县", "320684": "海门市"}
ITEM = "ECO-RESUME-001"


def box(first: int, last: int) -> Any:
    corners = [(WEST + i * 0.1, SOUTH) for i in range(first, last + 1)]
    corners += [(WEST + i * 0.1, SOUTH + 0.1) for i in range(last, first - 1, -1)]
    return shapely.Polygon(corners)


def inside(code: str) -> tuple[float, float]:
    return WEST + BOX[code] * 0.1 + 0.05, SOUTH + 0.05


def area(
    code: str, name: str, kind: str, parent: str | None, start: str, shape: Any, before: str = ""
) -> dict[str, Any]:
    return {"code": code, "name": name, "kind": kind, "parent_code": parent, "valid_from": start, "predecessor_codes": before, "geometry": shape}  # fmt: skip


def load(url: str, path: Path, rows: list[dict[str, Any]]) -> Any:
    gpd.GeoDataFrame(rows, crs=4326).to_file(path, driver="GPKG")
    return import_file("areas", path, crs="wgs84", url=url)


@pytest.fixture
def city(fresh_database: str, tmp_path: Path) -> str:
    old = [area("320600", "南通市", "city", None, "2000-01-01", box(0, 4))]
    for code, column in BOX.items():
        shape = box(column, column + 1)
        old.append(area(code, NAMES[code], "county", "320600", "2000-01-01", shape))
        for suffix, kind in (("001", "town"), ("001001", "community"), ("001001001", "unit_grid")):
            parent = code + suffix[:-3]
            old.append(area(code + suffix, f"{NAMES[code]}{suffix}", kind, parent, "2000-01-01", shape))
    of_2018 = [area("320685", "海安市", "county", "320600", "2018-06-12", box(2, 3), "320621")]
    of_2020 = [
        area("320613", "崇川区", "county", "320600", "2020-07-23", box(0, 2), "320602; 320611"),
        area("320614", "海门区", "county", "320600", "2020-07-23", box(3, 4), "320684"),
        # The towns of 海门 come with their new codes, those of the others are not in the file.
        area("320614001", "海门街道", "town", "320614", "2020-07-23", box(3, 4), "320684001"),
        area("320614001001", "海门社区", "community", "320614001", "2020-07-23", box(3, 4), "320684001001"),
        area(
            "320614001001001",
            "第1网格",
            "unit_grid",
            "320614001001",
            "2020-07-23",
            box(3, 4),
            "320684001001001",
        ),
    ]
    for year, rows in ((2000, old), (2018, of_2018), (2020, of_2020)):
        report = load(fresh_database, tmp_path / f"{year}.gpkg", rows)
        assert report.notes == [], "the squares are a partition at every time"
    with session(SYSTEM, fresh_database) as db:
        for code, body, start, end in (
            ("320602", "崇川区生态环境局(旧)", "2015-01-01", "2020-07-23"),
            ("320611", "港闸区生态环境局", "2015-01-01", "2020-07-23"),
            ("320613", "崇川区生态环境局", "2020-07-23", None),
            ("320621", "海安县生态环境局", "2015-01-01", "2018-06-12"),
            ("320685", "海安市生态环境局", "2018-06-12", None),
            ("320684", "海门市生态环境局", "2015-01-01", "2020-07-23"),
            ("320614", "海门区生态环境局", "2020-07-23", None),
        ):
            dates = {
                "valid_from": dt.date.fromisoformat(start),
                "valid_to": end and dt.date.fromisoformat(end),
            }
            insert_duty(db, ITEM, body, "county", code, **dates)
    return fresh_database


def ask(db: Session, code: str, year: int) -> Any:
    lon, lat = inside(code)
    return assign(db, lon=lon, lat=lat, item_code=ITEM, at=dt.datetime(year, 3, 1, tzinfo=dt.UTC))


def test_a_matter_of_2019_has_the_district_of_then_and_the_successor_of_now(city: str) -> None:
    with session(SYSTEM, city) as db:
        answer = ask(db, "320611", 2019)
        assert (answer.areas.hierarchy["county"].code, answer.lead.body) == ("320611", "港闸区生态环境局")
        assert [area.code for area in answer.now.areas["county"]] == ["320613"]
        assert answer.now.lead.body == "崇川区生态环境局"
        rules = {s.rule: s for s in answer.explanation if s.step == "successor"}
        assert (
            "崇川区（320613）" in rules["area_succession"].zh and "2020-07-23" in rules["area_succession"].en
        )
        assert rules["body_of_now"].chosen == "崇川区生态环境局"
        later = ask(db, "320611", 2021)
        assert (later.areas.hierarchy["county"].code, later.lead.body, later.now) == (
            "320613",
            "崇川区生态环境局",
            None,
        )


@pytest.mark.parametrize(
    ("place", "year", "then", "now"),
    [
        ("320602", 2019, "320602", "320613"),
        ("320621", 2017, "320621", "320685"),
        ("320621", 2019, "320685", None),
        ("320684", 2019, "320684", "320614"),
    ],
)
def test_each_change(city: str, place: str, year: int, then: str, now: str | None) -> None:
    with session(SYSTEM, city) as db:
        answer = ask(db, place, year)
        assert answer.areas.hierarchy["county"].code == then and answer.lead.area_code == then
        if now is None:
            assert answer.now is None
        else:
            assert [area.code for area in answer.now.areas["county"]] == [now]
            assert answer.now.lead.area_code == now


def test_counties_of_each_time_and_who_followed_whom(city: str) -> None:
    with session(SYSTEM, city) as db:
        for year, expected in (
            (2017, ["320602", "320611", "320621", "320684"]),
            (2019, ["320602", "320611", "320684", "320685"]),
            (2021, ["320613", "320614", "320685"]),
        ):
            frame = read_areas(db, kind="county", at=dt.datetime(year, 1, 1, tzinfo=dt.UTC))
            assert frame["code"].tolist() == expected
            assert frame.geometry.union_all().symmetric_difference(box(0, 4)).area < 1e-12
        ids = {
            row.code: row.id for row in db.execute(text("SELECT code, id FROM areas WHERE kind = 'county'"))
        }
        followed = successors(db, [ids[code] for code in BOX])
        assert {code: [area.code for area in followed[ids[code]]] for code in BOX} == {
            "320602": ["320613"], "320611": ["320613"], "320621": ["320685"], "320684": ["320614"],
        }  # fmt: skip
        # A town that was not in the file of 2020 lies in the district that holds its place.
        town = db.execute(text("SELECT id FROM areas WHERE code = '320602001'")).scalar_one()
        assert [area.code for area in ancestors(db, town)] == ["320602001", "320613", "320600"]
        then = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)
        assert [area.code for area in ancestors(db, town, then)] == ["320602001", "320602", "320600"]


def test_an_import_again_changes_nothing_and_unknown_predecessors_are_named(
    city: str, tmp_path: Path
) -> None:
    again = import_file("areas", tmp_path / "2020.gpkg", crs="wgs84", url=city)
    assert (again.written.inserted, again.written.updated) == (0, 0)
    wrong = [area("320685", "海安市", "county", "320600", "2024-01-01", box(2, 3), "320699")]
    with pytest.raises(RejectedRows) as caught:
        load(city, tmp_path / "wrong.gpkg", wrong)
    assert [(f.row, f.field) for f in caught.value.faults] == [(1, "predecessor_codes")]


FORMATS = {
    "areas.gpkg": "GPKG",
    "areas.geojson": "GeoJSON",
    "areas.shp": "ESRI Shapefile",
    "areas.parquet": "",
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_fault_of_topology_is_told_with_its_place(
    fresh_database: str, tmp_path: Path, name: str
) -> None:
    """Known faults in a file of every format: each is found, at the place where it was made."""

    def flat(west: float, south: float, east: float, north: float) -> Any:
        return shapely.box(120 + west / 100, 32 + south / 100, 120 + east / 100, 32 + north / 100)

    rows = [
        area("320600", "市", "city", None, "2020-01-01", flat(0, 0, 10, 10)),
        area("320601", "甲", "county", "320600", "2020-01-01", flat(0, 0, 5, 10)),
        area(
            "320602", "乙", "county", "320600", "2020-01-01", flat(4.8, 0, 9, 10)
        ),  # overlaps 甲, leaves a gap
        area("320602001", "镇", "town", "320602", "2020-01-01", flat(4.8, 0, 9.5, 10)),  # leaves 乙
        area("W1", "河", "water", "320600", "2020-01-01", flat(1, 1, 2, 2)),
        area("W2", "河", "water", "320600", "2020-01-01", flat(1, 1, 2, 2)),  # the same shape twice
    ]
    frame = gpd.GeoDataFrame(rows, crs=4326)
    frame["label_lon"] = [None, 120.0 + 0.07, None, None, None, None]  # 甲's label lies in 乙
    frame["label_lat"] = [None, 32.05, None, None, None, None]
    path = tmp_path / name
    if FORMATS[name]:
        frame.to_file(path, driver=FORMATS[name], engine="pyogrio")
    else:
        frame.to_parquet(path)
    report = import_file("areas", path, crs="wgs84", url=fresh_database)
    told = gpd.read_file(path.with_name(name + ".topology.geojson"))
    found = {(row.rule, row.kind): row for row in told.itertuples()}
    assert set(found) == {("overlap", "county"), ("gap", "county"), ("outside_parent", "town"), ("duplicate", "water"), ("label_outside", "county")}  # fmt: skip
    for key, place in {
        ("overlap", "county"): flat(4.8, 0, 5, 10),
        ("gap", "county"): flat(9, 0, 10, 10),
        ("outside_parent", "town"): flat(9, 0, 9.5, 10),
        ("duplicate", "water"): flat(1, 1, 2, 2),
    }.items():
        assert place.contains(found[key].geometry), key
        metres = place.area * 111_320**2 * 0.848  # cos 32°
        assert found[key].area_m2 == pytest.approx(metres, rel=0.01)
    assert len(report.notes) == 6 and "topology.geojson" in report.notes[0]
    assert any("overlap" in note and "120.0" in note for note in report.notes)
