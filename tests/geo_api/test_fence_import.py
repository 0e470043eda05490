"""`wangge import fences`.

Every kind of file, faults by row, field and reason, read back as the model takes them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import polars as pl
import pytest
import shapely
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cli.main import app
from geo_api.imports.import_file import import_file
from layers.errors import InputError, MissingColumns, RejectedRows, UnknownCrs
from layers.imports import template
from layers.postgres import SYSTEM, session
from layers.records.fences import read_fences
from spatial_models.fences.shapes import read_fences as checked_by_the_model

BOX = shapely.box(120.8, 31.9, 120.9, 32.0)
SUMMER = {"yearly": [["05-01T12:00", "08-16T12:00"]]}


def stored(url: str) -> pl.DataFrame:
    with session(SYSTEM, url) as db:
        return read_fences(db)


def csv(folder: Path, *lines: str) -> Path:
    path = folder / "fences.csv"
    path.write_text("\n".join([template("fences").splitlines()[0], *lines]) + "\n", encoding="utf-8")
    return path


def line(
    fence_id: str = "F", rule: str = "forbid_enter", boundary: str = BOX.wkt, rest: str = "," * 10
) -> str:
    return f'{fence_id},name,{rule},"{boundary}",{rest}'


def test_the_template_loads_and_is_what_the_model_takes(fresh_database: str, tmp_path: Path) -> None:
    path = tmp_path / "fences.csv"
    path.write_text(template("fences"), encoding="utf-8")
    assert import_file("fences", path, crs="wgs84", url=fresh_database).written.inserted == 2
    again = import_file("fences", path, crs="wgs84", url=fresh_database).written
    assert (again.inserted, again.updated, again.unchanged) == (0, 0, 2)
    frame = stored(fresh_database)
    shapes = checked_by_the_model(frame)
    assert shapes.ids == ["F-001", "F-002"] and shapes.vehicle_kinds == [["vessel"], ["hazmat"]]
    assert shapes.threshold_us.tolist() == [300_000_000, 1_800_000_000] and shapes.medium == ["water", "land"]
    assert shapes.tables[0].yearly == (("05-01T12:00", "08-16T12:00"),) and not shapes.tables[1].is_always
    assert shapely.from_wkb(frame["boundary"][0]).equals(shapely.box(104.8, 35.1, 104.9, 35.2))


@pytest.mark.filterwarnings("ignore:.*(longer than 10|laundered)")  # what a Shapefile is known for
@pytest.mark.parametrize("ending", [".geojson", ".gpkg", ".shp", ".parquet"])
def test_geometry_files_give_the_same_fence(fresh_database: str, tmp_path: Path, ending: str) -> None:
    row: dict[str, Any] = {
        "fence_id": "F", "name": "禁渔区", "rule": "forbid_enter", "medium": "water", "below_speed_kmh": 8.0,
        "vehicle_kinds": "vessel;other", "vehicle_ids": "V1; V2", "times": json.dumps(SUMMER),
    }  # fmt: skip
    frame = gpd.GeoDataFrame([row], geometry=[BOX], crs=4326)
    path = tmp_path / f"fences{ending}"
    if ending == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_file(path, engine="pyogrio")
    import_file("fences", path, crs="wgs84", url=fresh_database)
    got = stored(fresh_database).row(0, named=True)
    assert got["vehicle_kinds"] == ["vessel", "other"] and got["vehicle_ids"] == ["V1", "V2"]
    assert (got["medium"], got["below_speed_kmh"], json.loads(got["times"])) == ("water", 8.0, SUMMER)
    assert shapely.from_wkb(got["boundary"]).equals(BOX)


def test_lists_and_documents_of_geojson(fresh_database: str, tmp_path: Path) -> None:
    feature = {
        "type": "Feature", "geometry": shapely.geometry.mapping(BOX),
        "properties": {"fence_id": "F", "name": "n", "rule": "dwell_limit", "limit_s": 60,
                       "vehicle_kinds": ["hazmat"], "times": SUMMER},
    }  # fmt: skip
    path = tmp_path / "fences.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    import_file("fences", path, crs="wgs84", url=fresh_database)
    got = stored(fresh_database).row(0, named=True)
    assert got["vehicle_kinds"] == ["hazmat"] and json.loads(got["times"]) == SUMMER and got["limit_s"] == 60


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        (line(rule="forbid"), "rule", "not one of"),
        (line(rule="dwell_limit"), "limit_s", "限停规则须填写"),
        (line(boundary="POLYGON ((0 0, 1 1, 0 1, 1 0, 0 0))"), "boundary", "WKT"),
        (line(boundary="POINT (120 32)"), "boundary", "WKT"),
        (line(boundary=""), "boundary", "为空"),
        (line(boundary="POLYGON ((320 31, 321 31, 321 32, 320 31))"), "boundary", "坐标系不符"),
        (line(rest="sky" + "," * 10), "medium", "not one of"),
        (line(rest=",-1" + "," * 9), "buffer_m", "below 0"),
        (line(rest=",,1.5" + "," * 8), "enter_fixes", "须为整数"),
        (line(rest=",,,0" + "," * 7), "leave_fixes", "below 1"),
        (line(rest="," * 7 + "lorry" + ",,,"), "vehicle_kinds", "lorry"),
        (line(rest="," * 9 + "nightly,"), "times", "时段有误"),
        (line(rest="," * 9 + '"{""weekly"": [{""days"": [8], ""from"": ""22:00"", ""to"": ""06:00""}]}",'), "times", "weekdays"),
        (line("GOOD"), "fence_id", "重复"),
        (line(""), "fence_id", "为空"),
    ],
)  # fmt: skip
def test_a_wrong_fence_is_named_and_nothing_is_written(
    fresh_database: str, tmp_path: Path, wrong: str, field: str, reason: str
) -> None:
    path = csv(tmp_path, line("GOOD"), wrong)
    with pytest.raises(RejectedRows) as caught:
        import_file("fences", path, crs="wgs84", url=fresh_database)
    assert [(f.row, f.field) for f in caught.value.faults] == [(2, field)]
    assert reason in caught.value.faults[0].reason
    assert stored(fresh_database).height == 0
    report = import_file("fences", path, crs="wgs84", url=fresh_database, skip_bad=True)
    assert report.written.inserted == 1 and report.rejected is not None
    assert reason in report.rejected.read_text(encoding="utf-8")


def test_the_file_as_a_whole(fresh_database: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownCrs, match="no default"):
        import_file("fences", csv(tmp_path, line()), url=fresh_database)
    with pytest.raises(RejectedRows, match="metres of EPSG:4549"):
        import_file("fences", csv(tmp_path, line()), crs="EPSG:4549", url=fresh_database)
    with pytest.raises(InputError, match="no such file"):
        import_file("fences", tmp_path / "none.gpkg", crs="wgs84", url=fresh_database)
    broken = tmp_path / "broken.gpkg"
    broken.write_bytes(b"nothing")
    with pytest.raises(InputError, match="not what its ending says"):
        import_file("fences", broken, crs="wgs84", url=fresh_database)
    frame = gpd.GeoDataFrame({"fence_id": ["F"]}, geometry=[BOX], crs=4326)
    frame.to_file(tmp_path / "f.geojson", engine="pyogrio")
    with pytest.raises(MissingColumns, match="name, rule"):
        import_file("fences", tmp_path / "f.geojson", crs="wgs84", url=fresh_database)
    with pytest.raises(UnknownCrs, match="4326"):
        import_file("fences", tmp_path / "f.geojson", crs="EPSG:4549", url=fresh_database)


def test_metres_and_gaode_are_converted(fresh_database: str, tmp_path: Path) -> None:
    """EPSG:4549: the central meridian 120 E is x = 500 000; GCJ-02 lies some hundred metres off."""
    metres = csv(tmp_path, line("M", boundary=shapely.box(500_000, 3_540_000, 501_000, 3_541_000).wkt))
    import_file("fences", metres, crs="EPSG:4549", url=fresh_database)
    import_file("fences", csv(tmp_path, line("G")), crs="gcj02", url=fresh_database)
    shapes = dict(zip(*(stored(fresh_database)[c].to_list() for c in ("fence_id", "boundary")), strict=True))
    assert shapely.from_wkb(shapes["M"]).bounds[0] == pytest.approx(120.0, abs=1e-6)
    moved = shapely.from_wkb(shapes["G"]).centroid.distance(BOX.centroid) * 111_195
    assert 200 < moved < 800


def test_the_command(fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", fresh_database)
    said = CliRunner().invoke(app, ["import", "fences", "--template"])
    assert said.exit_code == 0 and said.stdout == template("fences")
    (tmp_path / "fences.csv").write_text(said.stdout, encoding="utf-8")
    assert CliRunner().invoke(app, ["import", "all", str(tmp_path), "--crs", "wgs84"]).exit_code == 0
    with session(SYSTEM, fresh_database) as db:
        assert db.execute(text("SELECT count(*) FROM fences")).scalar_one() == 2
