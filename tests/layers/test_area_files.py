"""Area files as people hand them over: every form of the same town gives the same rows.

What cannot be read is told.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo_api.imports.import_file import import_file
from layers.errors import InputError, MissingColumns, RejectedRows
from layers.imports import read_area_file
from layers.postgres import SYSTEM, session
from layers.tables import Area

NAMES = ["甲市", "乙区", "丙县"]


def town() -> gpd.GeoDataFrame:
    island = shapely.union_all([shapely.box(120, 32, 120.5, 33), shapely.box(119.8, 32.2, 119.9, 32.3)])
    shapes = [
        shapely.union_all([island, shapely.box(120.5, 32, 121, 33)]),
        island,
        shapely.box(120.5, 32, 121, 33),
    ]
    rows = {
        "code": ["320600", "320602", "320623"],
        "name": NAMES,
        "kind": ["city", "county", "county"],
        "parent_code": [None, "320600", "320600"],
        "valid_from": "2020-07-23",
    }
    return gpd.GeoDataFrame(rows, geometry=shapes, crs=4326)


def _shapefile(folder: Path, *, page: str | None, encoding: str = "GBK") -> Path:
    path = folder / "areas.shp"
    town().rename(columns={"parent_code": "parent_cod"}).to_file(path, encoding=encoding)
    path.with_suffix(".cpg").unlink(missing_ok=True)
    if page:
        path.with_suffix(".cpg").write_text(page)
    return path


def _changed(change: Callable[[gpd.GeoDataFrame], Any]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        frame = town()
        change(frame).to_parquet(folder / "areas.parquet")
        return folder / "areas.parquet"

    return write


def _zipped(folder: Path) -> Path:
    shape = _shapefile(folder, page=None)
    with zipfile.ZipFile(folder / "areas.zip", "w") as archive:
        for file in folder.glob("areas.[!z]*"):
            archive.write(file, file.name)
    return shape.with_suffix(".zip")


def _second_layer(folder: Path) -> Path:
    path = folder / "areas.gpkg"
    gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326).to_file(
        path, layer="roads"
    )
    town().to_file(path, layer="areas")
    return path


CHINESE = {
    "code": "区域代码",
    "name": "名称",
    "kind": "类别",
    "parent_code": "上级代码",
    "valid_from": "生效日期",
}
FORMS: dict[str, Callable[[Path], Path]] = {
    "gbk without a code page": lambda folder: _shapefile(folder, page=None),
    "gbk that says UTF-8": lambda folder: _shapefile(folder, page="UTF-8"),
    "gbk that says so": lambda folder: _shapefile(folder, page="GBK"),
    "utf-8 without a code page": lambda folder: _shapefile(folder, page=None, encoding="UTF-8"),
    "zipped": _zipped,
    "second layer": _second_layer,
    "codes as numbers": _changed(
        lambda f: f.assign(code=f["code"].astype(int), parent_code=[float("nan"), 320600.0, 320600.0])
    ),
    "codes as text of numbers": _changed(lambda f: f.assign(code=[f"{code}.0" for code in f["code"]])),
    "blanks": _changed(
        lambda f: f.assign(
            code="　" + f["code"] + " ",
            kind=f["kind"] + "\u00a0",
            parent_code=["  ", "320600 ", "３２０６００"],
        )
    ),
    "upper case": _changed(lambda f: f.rename(columns={name: name.upper() for name in CHINESE})),
    "chinese": _changed(lambda f: f.rename(columns=CHINESE)),
    "day in words": _changed(lambda f: f.assign(valid_from=["2020/7/23", "2020年7月23日", "2020.7.23"])),
    "day as a time": _changed(lambda f: f.assign(valid_from=pd.Timestamp("2020-07-23"))),
    "empty label points": _changed(lambda f: f.assign(label_lon="", label_lat="")),
    "height": _changed(lambda f: f.set_geometry(shapely.force_3d(f.geometry.to_numpy(), 4.0))),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_the_same_town(fresh_database: str, tmp_path: Path, form: str) -> None:
    path = FORMS[form](tmp_path)
    report = import_file("areas", path, crs="wgs84", url=fresh_database)
    assert report.written.inserted == 3
    guessed = form in (
        "gbk without a code page",
        "gbk that says UTF-8",
        "utf-8 without a code page",
        "zipped",
    )
    told = "not taken" if form == "second layer" else "read as" if guessed else ""
    assert [told in note for note in report.notes] == [True] * bool(told)
    with session(SYSTEM, fresh_database) as db:
        stored = {area.code: area for area in db.query(Area)}
        assert {code: area.name for code, area in stored.items()} == dict(
            zip(town()["code"], NAMES, strict=True)
        )
        assert {area.parent_id for code, area in stored.items() if code != "320600"} == {stored["320600"].id}
        assert {area.valid_from.isoformat() for area in stored.values()} == {"2020-07-22T16:00:00+00:00"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: f.iloc[:0], "no rows 没有记录"),
        (lambda f: f.drop(columns=["name"]), "missing 缺少列: name"),
        (
            lambda f: f.set_geometry(shapely.transform(f.geometry.to_numpy(), lambda c: c[:, ::-1])),
            "look swapped 经纬度疑似颠倒",
        ),
        (lambda f: f.assign(code=["320600", None, "320623"]), "row 2 行, code: empty 为空"),
        (lambda f: f.assign(valid_from="1/2/2020"), "row 1 行, valid_from: not a date"),
    ],
)
def test_what_is_wrong_is_told(fresh_database: str, tmp_path: Path, change: Any, reason: str) -> None:
    path = tmp_path / "areas.parquet"
    change(town()).to_parquet(path)
    with pytest.raises(InputError) as told:
        import_file("areas", path, crs="wgs84", url=fresh_database)
    assert reason in str(told.value)
    with session(SYSTEM, fresh_database) as db:
        assert db.query(Area).count() == 0


def test_a_ring_that_touches_itself_is_told_with_its_place(fresh_database: str, tmp_path: Path) -> None:
    frame = town()
    ring = [(120, 32), (120.5, 32), (120.5, 33), (120.2, 33), (120.1, 32.5), (120.2, 32), (120, 32)]
    frame.loc[1, "geometry"] = shapely.Polygon(ring)
    frame.to_parquet(tmp_path / "areas.parquet")
    with pytest.raises(RejectedRows) as told:
        import_file("areas", tmp_path / "areas.parquet", crs="wgs84", url=fresh_database)
    assert "row 2 行, geometry: an outline touches itself at 120.2, 32 边界在 120.2, 32 处自接触" in str(
        told.value
    )


@pytest.mark.parametrize("name", ["areas.gpkg", "areas.geojson", "areas.parquet", "areas.shp", "areas.zip"])
@pytest.mark.parametrize("content", [b"", b"{", b"\0" * 200])
def test_garbage_is_one_clear_message(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"不符|无法读取"):
        read_area_file(tmp_path / name)


def test_a_table_without_geometry_is_told(tmp_path: Path) -> None:
    (tmp_path / "areas.csv").write_text("code,name\n320600,甲市\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"areas\.csv: one of \.gpkg"):
        read_area_file(tmp_path / "areas.csv")
    (tmp_path / "areas.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": []}))
    with pytest.raises(MissingColumns, match="缺少列"):
        read_area_file(tmp_path / "areas.geojson")
