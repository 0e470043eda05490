"""All sources of the second city's offices from one ``city.toml``: looked at, imported, imported again."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cli.main import app
from geo_api.imports.import_file import import_file
from geo_api.second_city import SecondCity, make_second_city
from layers.imports.column_map import ColumnMap
from layers.postgres import SYSTEM, session
from tests.support.cities import SECOND, in_force
from tests.support.row_digests import row_digests

DAYS = ("20260127.csv",)
"""Days of tracks that are kept, with five fixes twice and three at 0, 0."""
READINGS = 400


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SecondCity:
    """The offices' files with two days of tracks and a part of the readings."""
    made = make_second_city(tmp_path_factory.mktemp("offices"))
    office = made.folder / "office"
    for path in (office / "轨迹").rglob("*.csv"):
        if path.name not in DAYS:
            path.unlink()
    frozen = office / "水电气" / "智能表日冻结.csv"
    frozen.write_bytes(b"".join(frozen.read_bytes().splitlines(keepends=True)[: READINGS + 1]))
    return made


@pytest.fixture
def database(fresh_database: str) -> Iterator[str]:
    with in_force(SECOND):
        yield fresh_database


def run(city: SecondCity, *options: str) -> tuple[int, str]:
    arguments = ["import", "--city", str(city.folder / "office" / "city.toml"), *options]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


def counted(url: str, sql: str) -> int:
    with session(SYSTEM, url) as db:
        return int(db.execute(text(sql)).scalar_one())


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(encoding="gb18030").splitlines()))


def test_the_offices_files_come_in_from_one_file_and_nothing_is_passed_over(
    city: SecondCity, database: str
) -> None:
    office = city.folder / "office"
    CliRunner().invoke(app, ["imports", "list"])  # the first command puts the matters of alerts in order
    before = row_digests(database)
    code, told = run(city, "--dry-run")
    assert code == 2 and row_digests(database) == before
    assert counted(database, "SELECT count(*) FROM batches") == 0
    for name in ("停产关闭企业台账.xlsx", "乡镇沿革表.xlsx"):
        assert re.search(f"{name}.*no source names it", told), name
    page = (office / "city.toml.dry-run.html").read_text(encoding="utf-8")
    assert "导入预览" in page and "What the import would change" in page and "企业场所: YC-S0001" in page
    assert "default-src 'none'" in page  # it asks no other host

    code, imported = run(city)
    assert code == 2 and "refused" in imported and "✗" not in imported
    files = [path for path in office.rglob("*.rejected.csv")]
    assert {path.name for path in files} >= {"企业名录.xlsx.rejected.csv", "企业场所坐标.csv.rejected.csv"}
    sites = rows_of(office / "企业场所坐标.csv")[1:]
    assert counted(database, "SELECT count(*) FROM sites WHERE geom IS NOT NULL") > 0.7 * len(sites)
    fixes = {
        (row[vehicle], row[clock])
        for operator, vehicle, clock, lon in (("甲", 0, 2, 3), ("乙", 1, 0, 2))
        for path in (office / "轨迹" / operator).glob("*.csv")
        for row in rows_of(path)[1:]
        if float(row[lon])
    }
    assert counted(database, "SELECT count(*) FROM fixes") == len(fixes)
    book = openpyxl.load_workbook(office / "权责清单.xlsx").active
    assert counted(database, "SELECT count(*) FROM duty_items") == book.max_row - 3
    truth = {site.site_id: site.xy for _, site in city.enterprises.sites() if site.xy}
    with session(SYSTEM, database) as db:
        found = db.execute(text(
            "SELECT site_id, ST_X(p), ST_Y(p) FROM (SELECT site_id, ST_Transform(geom, 4544) p FROM sites) s"
            " WHERE p IS NOT NULL"
        )).all()  # fmt: skip
    off = [np.hypot(x - truth[site][0], y - truth[site][1]) for site, x, y in found]
    assert (
        np.median(off) < 0.2 and max(off) < 1
    )  # six decimals of a degree, the shift of public maps inverted

    code, again = run(city)
    assert code == 2 and "unchanged, batch" in again
    assert counted(database, "SELECT count(*) FROM batches WHERE state = 'done'") == again.count("= ") > 20
    shown = json.loads(
        CliRunner().invoke(app, ["imports", "show", str(batch_of(database, "企业场所"))]).stdout
    )
    assert shown["options"]["department"] == "砚川市市场监督管理局"
    assert any("GB18030" in note for note in shown["notes"])


def batch_of(url: str, source: str) -> int:
    return counted(url, f"SELECT id FROM batches WHERE options->>'named_source' = '{source}'")


def test_what_would_move_is_told_in_metres(database: str, tmp_path: Path) -> None:
    folder = tmp_path / "delivered"
    folder.mkdir()
    (folder / "enterprises.csv").write_text(
        "uscc,name,industry,hazard,status,status_since\n919901000000000940,甲,x,none,operating,\n",
        encoding="utf-8",
    )
    sites = folder / "sites.csv"
    sites.write_text(
        "site_id,uscc,kind,东,北\nA,919901000000000940,厂,104.30,38.00\nB,919901000000000940,厂,104.31,38.00\n",
        encoding="utf-8",
    )
    (folder / "city.toml").write_text(
        '[[sources]]\nname = "e"\nkind = "enterprises"\nfiles = "enterprises.csv"\n'
        '[[sources]]\nname = "s"\nkind = "sites"\nfiles = "sites.csv"\ncrs = "wgs84"\n'
        '[sources.columns]\nlon = "东"\nlat = "北"\n[sources.values.kind]\n"厂" = "production"\n',
        encoding="utf-8",
    )
    arguments = ["import", "--city", str(folder / "city.toml")]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    sites.write_text(
        sites.read_text(encoding="utf-8").replace("104.31,38.00", "104.31,38.001"), encoding="utf-8"
    )
    result = CliRunner().invoke(app, [*arguments, "--dry-run", "--only", "s"], env={"COLUMNS": "300"})
    assert result.exit_code == 0
    # a thousandth of a degree of latitude at 38 N is 111.0 m (meridian arc of the ellipsoid)
    assert "~111.0" in result.output and "≤111.0" in result.output, result.output
    assert counted(database, "SELECT count(*) FROM sites WHERE ST_Y(geom) > 38.0005") == 0


def test_options_of_one_file_do_what_a_source_does(database: str, tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text("类,东,北,公里\n油站,104.30,38.00,0.06\n", encoding="utf-16")
    given = ["--map", "lon=东", "--map", "lat=北", "--map", "radius_m=公里", "--map", "radius_m*=1000"]
    given += ["--map", "kind=类", "--map", "kind[油站]=petrol", "--map", "encoding=utf-16", "--crs", "wgs84"]
    result = CliRunner().invoke(app, ["import", "places", str(path), *given])
    assert result.exit_code == 0, result.output
    with session(SYSTEM, database) as db:
        assert db.execute(text("SELECT kind, radius_m FROM places")).one() == ("petrol", 60)
        (options,) = db.execute(text("SELECT options FROM batches")).one()
    assert options["map"]["headings"] == {"lon": "东", "lat": "北", "radius_m": "公里", "kind": "类"}
    wrong = CliRunner().invoke(app, ["import", "places", str(path), "--map", "lun=东", "--crs", "wgs84"])
    assert wrong.exit_code == 2 and "lon" in wrong.output


def test_a_heading_that_is_not_there_and_a_wrong_encoding_are_refused_by_name(
    database: str, tmp_path: Path
) -> None:
    path = tmp_path / "p.csv"
    path.write_text("kind,lon,lat,radius_m\npetrol,104.3,38.0,60\n", encoding="utf-8")
    with pytest.raises(Exception, match=r"东 \(lon\)"):
        import_file("places", path, crs="wgs84", url=database, column_map=ColumnMap({"lon": "东"}))
    path.write_bytes("kind,lon,lat,radius_m\n加油站,104.3,38.0,60\n".encode("gb18030"))
    with pytest.raises(Exception, match=r"编码不是 utf-8 .*第 2 行"):
        import_file("places", path, crs="wgs84", url=database, column_map=ColumnMap(encoding="utf-8"))


def test_what_breaks_its_contract_is_refused_by_row_until_somebody_says_so(
    database: str, tmp_path: Path
) -> None:
    folder = tmp_path / "delivered"
    folder.mkdir()
    (folder / "places.csv").write_text(
        "kind,lon,lat,radius_m\npetrol,104.3,38.0,60\npetrol,104.31,38.0,900\n", encoding="utf-8"
    )
    radius = {"name": "radius_m", "type": "number", "constraints": {"maximum": 500}}
    names = [{"name": name} for name in ("kind", "lon", "lat")]
    contract = folder / "places.json"
    contract.write_text(json.dumps({"fields": [*names, radius]}), encoding="utf-8")
    (folder / "city.toml").write_text(
        '[[sources]]\nname = "p"\nkind = "places"\nfiles = "*.csv"\ncrs = "wgs84"\ncontract = "places.json"\n',
        encoding="utf-8",
    )
    arguments = ["import", "--city", str(folder / "city.toml")]
    held = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert held.exit_code == 2 and counted(database, "SELECT count(*) FROM places") == 0, held.output
    told = " ".join(held.output.split())
    assert "row 2 · radius_m" in told and "no source names" not in told, held.output
    allowed = CliRunner().invoke(app, [*arguments, "--despite-contracts"], env={"COLUMNS": "300"})
    assert allowed.exit_code == 0 and counted(database, "SELECT count(*) FROM places") == 2, allowed.output
    assert "breaks its contract" in " ".join(allowed.output.split())
    contract.write_text(
        json.dumps({"fields": [*names, radius], "wangge": {"warn": ["radius_m.maximum"]}}), encoding="utf-8"
    )
    warned = CliRunner().invoke(app, arguments, env={"COLUMNS": "300"})
    assert warned.exit_code == 0 and "breaks its contract" in " ".join(warned.output.split()), warned.output
