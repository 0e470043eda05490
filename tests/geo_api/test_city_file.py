"""The city file: written, read, checked field by field, and what follows from it in two zones and two
systems.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyproj
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from typer.testing import CliRunner

from geo_api.city_file import (
    WrongCityFile,
    open_city,
    read_city,
    set_matter_in_file,
    stored_faults,
    write_city,
)
from geo_api.cli.check import check_city
from geo_api.cli.check_database import check_city_against_areas, check_matters
from geo_api.cli.main import app
from geo_api.demo_city import CITY
from geo_api.http.settings import Settings
from geo_api.imports.import_file import import_file
from geo_api.second_city.land.gazetteer import CENTRE_LONLAT, EPSG
from grid.cases.opening import next_number
from layers.city import City, city_in_force
from layers.codes import metric_epsg_at, published_uris, reference_system
from layers.errors import RejectedRows
from layers.local_time import start_of_day, zone_note
from layers.postgres import SYSTEM, engine, session
from tests.support.cities import BERLIN, NANTONG, SECOND, in_force
from tests.support.direct_writes import write_cases_directly
from tests.support.square_town import insert_duties, insert_duty, insert_town

CITIES = [NANTONG, SECOND, BERLIN]
WHOLE = """
name_zh = "某市"
name_en = "Some"
code = "621700"
case_prefix = "SM"
time_zone = "Asia/Shanghai"
metric_crs = "EPSG:4544"
served_crs = "EPSG:4544"
languages = ["zh", "en"]
[matters]
illegal_resumption = "A-1"
"""


@pytest.mark.parametrize("city", CITIES, ids=lambda city: city.name_en)
def test_a_file_reads_as_it_was_written(tmp_path: Path, city: City) -> None:
    path = tmp_path / "folder" / "city.toml"
    write_city(path, city)
    assert read_city(path) == city
    assert [found.name for found in path.parent.iterdir()] == ["city.toml"]


def test_systems_that_are_not_known_yet_stand_as_comments(tmp_path: Path) -> None:
    path = tmp_path / "city.toml"
    write_city(path, replace(NANTONG, metric_epsg=None, served_epsg=None))
    assert '# metric_crs = "EPSG:…"' in path.read_text(encoding="utf-8")
    assert read_city(path).served_epsg is None


def test_the_file_of_the_demo_is_the_city_of_the_tests() -> None:
    assert replace(CITY, matters=NANTONG.matters) == NANTONG
    assert CITY.matters.items() > NANTONG.matters.items(), "the demo plants places of the other models too"


@pytest.mark.parametrize(
    ("line", "instead", "field", "reason_en", "reason_zh"),
    [
        ('code = "621700"', 'code = "62170"', "code", "5 digits, not 6", "六位"),
        ('code = "621700"', "code = 621700", "code", "text in quotes", "引号"),
        ('code = "621700"', 'code = "621721"', "code", "a county's code", "县级"),
        ('case_prefix = "SM"', 'case_prefix = "案"', "case_prefix", "capital letters", "大写字母"),
        ('"Asia/Shanghai"', '"Asia/Shangai"', "time_zone", "nearest: Asia/Shanghai", "没有此时区"),
        ('metric_crs = "EPSG:4544"', 'metric_crs = "EPSG:4326"', "metric_crs", "in metres", "以米计"),
        ('served_crs = "EPSG:4544"', 'served_crs = "4544"', "served_crs", "not EPSG:n", "EPSG:n"),
        ('served_crs = "EPSG:4544"', 'served_crs = "EPSG:99999"', "served_crs", "99999", "投影坐标系"),
        ('languages = ["zh", "en"]', 'languages = ["zh", "de"]', "languages", "zh, en", "列表"),
        ('name_en = "Some"', 'name_en = " "', "name_en", "not a name", "不是名称"),
        ('name_zh = "某市"', "", "name_zh", "missing", "缺少"),
        ('case_prefix = "SM"', 'case_prefix = "SM"\nprefix = "X"', "prefix", "unknown key; case_prefix?", "未知字段"),
        ("illegal_resumption =", "resumption =", "matters.resumption", "illegal_resumption?", "没有此类预警"),
        ('= "A-1"', "= 1", "matters.illegal_resumption", "not the code", "不是事项编码"),
        ("[matters]", "[matters", "TOML", "line", "不是有效的 TOML"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_with_its_reason_in_both_languages(
    tmp_path: Path, line: str, instead: str, field: str, reason_en: str, reason_zh: str
) -> None:
    path = tmp_path / "city.toml"
    assert line in WHOLE
    path.write_text(WHOLE.replace(line, instead), encoding="utf-8")
    with pytest.raises(WrongCityFile) as caught:
        read_city(path)
    (fault,) = caught.value.faults
    assert fault.field == field and reason_en in fault.reason_en and reason_zh in fault.reason_zh
    (found,) = check_city(Settings(city_file=path))
    assert not found.ok and field in found.detail_en and reason_zh in found.detail_zh


def test_all_faults_are_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "city.toml"
    path.write_text('code = "1"\ntime_zone = "x"\n', encoding="utf-8")
    with pytest.raises(WrongCityFile) as caught:
        read_city(path)
    assert {fault.field for fault in caught.value.faults} == {
        "name_zh", "name_en", "case_prefix", "code", "time_zone",
    }  # fmt: skip


def test_a_command_refuses_a_wrong_file_and_changes_nothing(fresh_database: str, tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text(WHOLE.replace("621700", "x"), encoding="utf-8")
    done = CliRunner().invoke(app, ["cases", "verify"])
    assert done.exit_code != 0 and isinstance(done.exception, WrongCityFile)
    assert city_in_force() == NANTONG


def test_setting_a_matter_keeps_what_a_person_wrote(tmp_path: Path) -> None:
    path = tmp_path / "city.toml"
    path.write_text("# ours\n" + WHOLE, encoding="utf-8")
    set_matter_in_file(path, "illegal_resumption", "B-2")
    assert path.read_text(encoding="utf-8") == "# ours\n" + WHOLE.replace("A-1", "B-2")


@pytest.fixture
def stored(fresh_database: str, tmp_path: Path) -> str:
    """A database with a town at 120° E and a duty list; there is no city file."""
    (tmp_path / "city.toml").unlink()
    with session(SYSTEM, fresh_database) as db:
        insert_town(db)
        insert_duties(db)
        db.execute(text("UPDATE alert_kinds SET item_code = NULL"))
    return fresh_database


def test_init_suggests_from_what_is_stored(stored: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["init", "--name-en", "Testing", "--case-prefix", "CS"])
    assert done.exit_code == 0, done.output
    city = read_city(tmp_path / "city.toml")
    assert (city.code, city.name_en, city.case_prefix) == ("320600", "Testing", "CS")
    assert city.name_zh and dict(city.matters) == {"illegal_resumption": "ECO-RESUME-001"}
    # By hand: the town lies within 1.5 degrees of 120° E, the meridian of EPSG:4549.
    assert (city.metric_epsg, city.served_epsg) == (4549, 4549)
    before = (tmp_path / "city.toml").read_bytes()
    assert CliRunner().invoke(app, ["init"]).exit_code == 2
    assert (tmp_path / "city.toml").read_bytes() == before


def test_init_without_anything_stored_names_what_it_needs(fresh_database: str, tmp_path: Path) -> None:
    (tmp_path / "city.toml").unlink()
    done = CliRunner().invoke(app, ["init", "--lon", "13.4", "--lat", "52.5"])
    assert isinstance(done.exception, WrongCityFile)
    assert {fault.field for fault in done.exception.faults} == {"name_zh", "name_en", "code"}
    assert not (tmp_path / "city.toml").exists()


def test_an_installation_without_a_file_gets_one_and_is_told(stored: str, tmp_path: Path) -> None:
    with session(SYSTEM, stored) as db:
        db.execute(
            text("UPDATE alert_kinds SET item_code = 'ECO-RESUME-001' WHERE kind = 'illegal_resumption'")
        )
        write_cases_directly(db)
        db.execute(
            text(
                "INSERT INTO cases (number, title, item_code, domain, state, opened_at, geom, co_handlers,"
                " assignment) VALUES ('XY20260302-0001', 't', 'i', 'ecology', 'reported', now(),"
                " ST_MakePoint(120, 32), '{}', '{}')"
            )
        )
    settings = Settings(database_url=stored, city="南通市 Nantong")
    opened = open_city(settings, stored)
    assert opened.written_to == str(tmp_path / "city.toml")
    assert "look it through" in opened.told and "请核对" in opened.told
    kept = replace(NANTONG, case_prefix="XY")
    assert opened.city == kept == city_in_force()
    assert open_city(settings, stored).written_to is None


def test_the_matters_of_the_file_are_those_that_cases_are_opened_for(stored: str, tmp_path: Path) -> None:
    write_city(tmp_path / "city.toml", replace(NANTONG, matters={"illegal_resumption": "URB-STALL-002"}))
    open_city(Settings(database_url=stored), stored)
    with session(SYSTEM, stored) as db:
        assert (
            db.scalar(text("SELECT item_code FROM alert_kinds WHERE kind = 'illegal_resumption'"))
            == "URB-STALL-002"
        )
    done = CliRunner().invoke(app, ["duties", "matter", "illegal_resumption", "ECO-RESUME-001"])
    assert done.exit_code == 0, done.output
    assert read_city(tmp_path / "city.toml").matters == {"illegal_resumption": "ECO-RESUME-001"}


def test_check_names_what_contradicts_the_stored_city(stored: str, tmp_path: Path) -> None:
    settings = Settings(database_url=stored)
    write_city(tmp_path / "city.toml", SECOND)
    with engine(stored).connect() as connection:
        faults = {fault.field: fault for fault in stored_faults(connection, SECOND)}
        assert set(faults) == {"code", "metric_crs", "served_crs"}
        assert "320600" in faults["code"].reason_en and "EPSG:4549" in faults["metric_crs"].reason_zh
        assert len(check_city_against_areas(connection, settings)) == 3
        (matter,) = check_matters(connection, {"illegal_resumption": SECOND.matters["illegal_resumption"]})
        assert not matter.ok and "YC-STHJ-0412" in matter.detail_en and "ECO-RESUME-001" in matter.detail_en
        assert stored_faults(connection, NANTONG) == []


@pytest.mark.parametrize("city", [SECOND, BERLIN], ids=lambda city: city.name_en)
def test_the_api_offers_the_system_of_its_city(city: City) -> None:
    place = CENTRE_LONLAT if city is SECOND else (13.4, 52.5)
    with in_force(city):
        uri = f"http://www.opengis.net/def/crs/EPSG/0/{city.served_epsg}"
        assert uri in published_uris() and not any(other.endswith("/4549") for other in published_uris())
        system = reference_system(uri)
        moved = system.from_storage(np.array([place]))
    expected = pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{city.served_epsg}").transform(*place)
    assert moved[0] == pytest.approx(expected, abs=1e-3)


def test_the_system_in_metres_follows_the_longitude() -> None:
    assert metric_epsg_at(*CENTRE_LONLAT) == EPSG


@pytest.mark.parametrize(
    ("city", "moment", "number"),
    [
        (SECOND, "2026-07-01T15:59:00+00:00", "YC20260701-0001"),
        (SECOND, "2026-07-01T16:00:00+00:00", "YC20260702-0001"),
        # In Berlin a day of summer ends at 22:00 UTC, one of winter at 23:00.
        (BERLIN, "2026-07-01T21:59:00+00:00", "BE20260701-0001"),
        (BERLIN, "2026-07-01T22:00:00+00:00", "BE20260702-0001"),
        (BERLIN, "2026-01-01T22:30:00+00:00", "BE20260101-0001"),
    ],
)
def test_case_numbers_have_the_prefix_and_the_day_of_the_city(
    db: Session, city: City, moment: str, number: str
) -> None:
    with in_force(city):
        assert next_number(db, dt.datetime.fromisoformat(moment)) == number


def test_a_day_begins_when_it_begins_in_the_city() -> None:
    with in_force(BERLIN):
        assert start_of_day(dt.date(2026, 7, 1)).isoformat() == "2026-07-01T00:00:00+02:00"
        assert start_of_day(dt.date(2026, 1, 1)).isoformat() == "2026-01-01T00:00:00+01:00"
        assert zone_note(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) == "Europe/Berlin (UTC+1)"
    assert zone_note(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)) == "Asia/Shanghai (UTC+8)"


def test_an_item_whose_name_says_nothing_of_a_resumption_is_not_suggested(stored: str) -> None:
    with session(SYSTEM, stored) as db:
        db.execute(text("DELETE FROM duty_items WHERE item_code = 'ECO-RESUME-001'"))
        insert_duty(db, "SX-9", "城市管理局", "city", "320600", item="占道经营")
    done = CliRunner().invoke(app, ["init", "--name-en", "Testing"])
    assert done.exit_code == 0, done.output
    assert "illegal_resumption =" not in done.output


def test_times_without_a_zone_are_of_the_city_and_said(fresh_database: str, tmp_path: Path) -> None:
    """Berlin: two hours ahead of UTC in summer, one in winter."""
    path = tmp_path / "tracks.csv"
    lines = ["2026-07-01 12:00:00", "2026-01-01 12:00:00", "2026-10-25 02:30:00", "2026-07-01T12:00:00+08:00"]
    path.write_text("vehicle_id,t,lon,lat\n" + "".join(f"V,{t},13.4,52.5\n" for t in lines), encoding="utf-8")
    later = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    with in_force(BERLIN):
        report = import_file("tracks", path, crs="wgs84", url=fresh_database, now=later)
    with session(SYSTEM, fresh_database) as db:
        times = db.scalars(text("SELECT t FROM fixes ORDER BY t")).all()
    assert [moment.astimezone(dt.UTC).strftime("%m-%d %H:%M") for moment in times] == [
        "01-01 11:00", "07-01 04:00", "07-01 10:00", "10-25 00:30",
    ]  # fmt: skip
    (note,) = [note for note in report.notes if "without a zone" in note]
    assert note.startswith("3 ") and "Europe/Berlin (UTC+1)" in note and "未注明时区" in note


def test_an_hour_that_the_clocks_skip_is_refused(fresh_database: str, tmp_path: Path) -> None:
    path = tmp_path / "tracks.csv"
    path.write_text("vehicle_id,t,lon,lat\nV,2026-03-29 02:30:00,13.4,52.5\n", encoding="utf-8")
    with in_force(BERLIN), pytest.raises(RejectedRows, match=r"row 1 .*t: not a time"):
        import_file("tracks", path, crs="wgs84", url=fresh_database)
    with in_force(SECOND):
        assert import_file("tracks", path, crs="wgs84", url=fresh_database).written.inserted == 1
