"""A file that states its CRS is not read in another one, and degrees are not read as metres."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cli.main import app as command_line
from geo_api.imports.crs_choice import choose_crs
from geo_api.imports.import_file import import_file
from layers.codes.crs import from_storage
from layers.errors import InputError, RejectedRows, UnknownCrs
from layers.imports import template
from layers.postgres import SYSTEM, session

CM_120_5 = (
    'PROJCS["NT_LOCAL",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",'
    'SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],'
    'PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],'
    'PARAMETER["Central_Meridian",120.5],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],'
    'UNIT["Meter",1.0]]'
)
XIAN_80 = (
    'GEOGCS["GCS_Xian_1980",DATUM["D_Xian_1980",SPHEROID["Xian_1980",6378140.0,298.257]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)


def city(crs: object = 4490) -> gpd.GeoDataFrame:
    rows = {
        "code": ["320600"],
        "name": ["甲市"],
        "kind": ["city"],
        "parent_code": [None],
        "valid_from": "2020-07-23",
    }
    frame = gpd.GeoDataFrame(rows, geometry=[shapely.box(120, 32, 121, 33)], crs=4490)
    return frame if crs is None else frame.to_crs(crs)


def write(frame: gpd.GeoDataFrame, folder: Path, ending: str) -> Path:
    path = folder / f"areas{ending}"
    if ending == ".parquet":
        frame.to_parquet(path)
    else:
        frame.rename(columns={"parent_code": "parent_cod"} if ending == ".shp" else {}).to_file(path)
    return path


def stored_west(url: str) -> list[float]:
    with session(SYSTEM, url) as db:
        return list(db.execute(text("SELECT ST_XMin(geom) FROM areas")).scalars())


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".fgb", ".parquet", ".geojson"])
@pytest.mark.parametrize("named", ["gcj02", "bd09", "EPSG:4549", "EPSG:4610"])
def test_a_file_that_states_another_crs_is_refused_and_both_are_named(
    tmp_path: Path, ending: str, named: str
) -> None:
    path = write(city(), tmp_path, ending)
    with pytest.raises(
        UnknownCrs, match=rf"areas{ending}: the file says EPSG:4490, the command says {named}"
    ):
        choose_crs(path, named)


def test_geojson_without_a_crs_member_states_nothing(tmp_path: Path) -> None:
    path = write(city(4326), tmp_path, ".geojson")
    assert '"crs"' in path.read_text(encoding="utf-8")
    path.write_text(city(4326).to_json(drop_id=True), encoding="utf-8")
    assert '"crs"' not in path.read_text(encoding="utf-8")
    assert choose_crs(path, "gcj02").name == "gcj02"


@pytest.mark.parametrize(
    ("prj", "named", "difference"),
    [
        (CM_120_5, "EPSG:4549", "central meridian 中央子午线 120.5, not 120"),
        (CM_120_5.replace("120.5", "120.0").replace("500000.0", "40500000.0"), "EPSG:4549", "false easting"),
        (CM_120_5, "cgcs2000", "metres, not degrees"),
        (XIAN_80, "wgs84", "datum 基准 Xian 1980"),
        (XIAN_80, "gcj02", "gcj02"),
        ('LOCAL_CS["our own",UNIT["metre",1]]', "EPSG:4549", "local system"),
    ],
)
def test_a_prj_is_compared_by_its_parameters(tmp_path: Path, prj: str, named: str, difference: str) -> None:
    path = write(city(), tmp_path, ".shp")
    path.with_suffix(".prj").write_text(prj)
    with pytest.raises(UnknownCrs) as told:
        choose_crs(path, named)
    assert difference in str(told.value)


@pytest.mark.parametrize(
    ("prj", "named"),
    [(CM_120_5.replace("120.5", "120.0"), "EPSG:4549"), (XIAN_80, "EPSG:4610"), (CM_120_5, "file")],
)
def test_a_prj_without_a_code_agrees_by_its_parameters(tmp_path: Path, prj: str, named: str) -> None:
    path = write(city(), tmp_path, ".shp")
    path.with_suffix(".prj").write_text(prj)
    assert not choose_crs(path, named).note


def test_a_system_without_a_code_is_read_as_the_file_states(fresh_database: str, tmp_path: Path) -> None:
    frame = city(4549)
    path = write(
        frame.set_geometry(shapely.transform(frame.geometry.to_numpy(), lambda xy: xy)), tmp_path, ".shp"
    )
    path.with_suffix(".prj").write_text(CM_120_5)
    import_file("areas", path, crs="file", url=fresh_database)
    # the same metres from a central meridian half a degree further east
    assert stored_west(fresh_database) == pytest.approx([120.5], abs=1e-6)


def test_the_command_for_a_folder_is_for_files_that_state_nothing(
    fresh_database: str, tmp_path: Path
) -> None:
    path = write(city(), tmp_path, ".gpkg")
    report = import_file("areas", path, crs="gcj02", crs_use="fallback", url=fresh_database)
    assert stored_west(fresh_database) == [120.0]
    assert any("read as the file says" in note for note in report.notes)


def test_a_file_that_is_wrong_is_read_as_named_when_asked(fresh_database: str, tmp_path: Path) -> None:
    report = import_file(
        "areas", write(city(), tmp_path, ".gpkg"), crs="gcj02", crs_use="override", url=fresh_database
    )
    # GCJ-02 lies some 0.0045 degrees east of WGS-84 here
    assert 0.003 < 120.0 - stored_west(fresh_database)[0] < 0.006
    assert any("read as the command says" in note for note in report.notes)


@pytest.mark.parametrize("kind", ["areas", "fences", "buildings", "sites"])
@pytest.mark.parametrize("metres", [True, False])
def test_degrees_are_no_metres_and_metres_no_degrees(
    fresh_database: str, tmp_path: Path, kind: str, metres: bool
) -> None:
    frame = city(4549 if metres else None).drop(columns="parent_code")
    box = frame.geometry.iloc[0]
    named = "wgs84" if metres else "EPSG:4549"
    if kind == "sites":
        path = tmp_path / "sites.csv"
        x, y = box.centroid.coords[0]
        path.write_text(
            f'site_id,uscc,kind,lon,lat,boundary\nS-1,919901000000000940,sales,{x},{y},"{box.wkt}"\n'
        )
    else:
        path = tmp_path / f"{kind}.geojson"
        frame = frame.assign(fence_id="F-1", rule="forbid_enter", parent_code=None)
        frame["kind"] = "city" if kind == "areas" else None
        path.write_text(frame.set_crs(None, allow_override=True).to_json(drop_id=True), encoding="utf-8")
    with pytest.raises(RejectedRows) as told:
        import_file(kind, path, crs=named, url=fresh_database)
    reasons = [fault.reason for fault in told.value.faults]
    word = "no degrees: not wgs84?" if metres else "looks like degrees, not metres of EPSG:4549"
    assert any(word in reason for reason in reasons), reasons
    assert all(fault.row == 1 for fault in told.value.faults)


def test_the_right_file_after_a_wrong_one_is_told_which_batch_to_undo(
    fresh_database: str, tmp_path: Path
) -> None:
    path = write(city(), tmp_path, ".gpkg")
    wrong = import_file("areas", path, crs="gcj02", crs_use="override", url=fresh_database)
    with pytest.raises(InputError, match=f"wangge imports undo {wrong.batch_id}"):
        import_file("areas", path, crs="cgcs2000", url=fresh_database)


def test_the_command_without_a_crs_says_so(tmp_path: Path) -> None:
    write(city(), tmp_path, ".gpkg")
    help_text = CliRunner().invoke(command_line, ["import", "--help"], env={"COLUMNS": "200"}).output
    assert "--ignore-file-crs" in help_text


def sites_csv(folder: Path, name: str, crs: str, n: int = 8) -> Path:
    """Sites 10 km apart within the city, written in a datum."""
    lon, lat = np.linspace(120.2, 120.9, n), np.linspace(32.2, 32.8, n)
    x, y = from_storage(lon, lat, crs)
    lines = [
        f"S-{i},919901000000000940,sales,{a:.7f},{b:.7f}," for i, (a, b) in enumerate(zip(x, y, strict=True))
    ]
    path = folder / name
    path.write_text("\n".join(["site_id,uscc,kind,lon,lat,boundary", *lines]) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("delivered", ["wgs84", "gcj02", "bd09"])
@pytest.mark.parametrize("named", ["wgs84", "gcj02", "bd09"])
def test_known_sites_tell_a_wrong_datum(
    fresh_database: str, tmp_path: Path, delivered: str, named: str
) -> None:
    import_file("areas", write(city(), tmp_path, ".gpkg"), crs="cgcs2000", url=fresh_database)
    (tmp_path / "enterprises.csv").write_text(template("enterprises"), encoding="utf-8")
    import_file("enterprises", tmp_path / "enterprises.csv", url=fresh_database)
    first = import_file("sites", sites_csv(tmp_path, "a.csv", "wgs84"), crs="wgs84", url=fresh_database)
    assert not [note for note in first.notes if "CRS right" in note]
    again = import_file("sites", sites_csv(tmp_path, "b.csv", delivered), crs=named, url=fresh_database)
    told = [note for note in again.notes if "known sites" in note]
    assert told[0].endswith(f"m in {delivered}") if delivered != named else not told


def test_points_outside_of_the_city_are_told(fresh_database: str, tmp_path: Path) -> None:
    import_file("areas", write(city(), tmp_path, ".gpkg"), crs="cgcs2000", url=fresh_database)
    path = tmp_path / "places.csv"
    path.write_text("kind,lon,lat,radius_m\npetrol,120.5,32.5,50\npetrol,121.5,32.5,50\n", encoding="utf-8")
    report = import_file("places", path, crs="wgs84", url=fresh_database)
    assert [note for note in report.notes if "1 / 2" in note and "outside of the city" in note]
