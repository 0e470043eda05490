"""Registers of both cities: the demo's from its files, the second city's as its offices write them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from sqlalchemy import text

from geo_api.demo_city import FILES
from geo_api.imports.import_file import import_file
from geo_api.second_city import make_second_city
from geo_api.second_city.files.registers import TOWN_WITHOUT_OFFICERS, body_codes
from grid.dispatch import short_towns
from grid.registers import EntryFilter, RegisterEditor, edit_entry, list_entries, read_entry, written_register
from layers.exports import table_file
from layers.postgres import SYSTEM, session
from layers.tables.registers import REGISTERS
from tests.support.cities import NANTONG, SECOND, in_force
from tests.support.demo_files import demo_city

NOW = dt.datetime(2026, 3, 2, 2, tzinfo=dt.UTC)
TODAY = dt.date(2026, 3, 2)


def load_demo(url: str, factory: pytest.TempPathFactory) -> None:
    folder = demo_city(factory).folder
    for kind in ("areas", "bodies", "officers", "matters", "grid_workers", "grid_households"):
        import_file(kind, folder / FILES[kind], crs="wgs84", url=url, now=NOW)


def load_second(url: str, factory: pytest.TempPathFactory) -> None:
    city = make_second_city(factory.mktemp("second"))
    import_file("areas", city.plain / "areas.gpkg", crs="wgs84", url=url, now=NOW)
    for kind, name in (
        ("bodies", "主体名录.xlsx"),
        ("officers", "执法人员名册.csv"),
        ("matters", "事项目录.xlsx"),
    ):
        import_file(kind, city.office / "名录" / name, url=url, now=NOW)
    report = import_file("duties", city.plain / "duties.csv", url=url, now=NOW)
    assert not [note for note in report.notes if "not in the register" in note], (
        "every body and matter is known"
    )


@pytest.mark.parametrize("name", ["demo", "second"])
def test_a_register_goes_out_and_in_again_and_is_edited(
    name: str, fresh_database: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with in_force(NANTONG if name == "demo" else SECOND):
        (load_demo if name == "demo" else load_second)(fresh_database, tmp_path_factory)
        for register in REGISTERS if name == "demo" else ("bodies", "officers", "matters"):
            with session(SYSTEM, fresh_database) as db:
                frame = written_register(db, register)
            assert frame.height > 10
            for form in ("csv", "xlsx"):
                target = tmp_path / f"{register}.{form}"
                target.write_bytes(table_file(frame, form, sheet=register))  # type: ignore[arg-type]
                written = import_file(register, target, url=fresh_database, now=NOW).written
                assert (written.inserted, written.updated, written.unchanged) == (0, 0, frame.height)
        with session(SYSTEM, fresh_database) as db:
            page = list_entries(db, "bodies", EntryFilter(at=TODAY), today=TODAY, limit=100_000)
            body = page.entries[-1]
            day = TODAY + dt.timedelta(days=30)
            edit_entry(
                db,
                "bodies",
                body.key,
                {"short_name": "简称"},
                since=day,
                editor=RegisterEditor("tester"),
                now=NOW,
            )
            after = read_entry(db, "bodies", body.key, today=day)
        assert page.matched == len(page.entries) and page.unconfirmed == 0
        assert [version["short_name"] for version in after.versions[:2]] == [
            "简称",
            body.versions[0]["short_name"],
        ]
        assert after.versions[1]["valid_to"] == day


def test_the_second_city_keeps_the_former_name_of_its_bureau_and_a_town_without_officers(
    fresh_database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with in_force(SECOND):
        load_second(fresh_database, tmp_path_factory)
        with session(SYSTEM, fresh_database) as db:
            bureau = read_entry(db, "bodies", "YCZT-001", today=TODAY)
            towns = {town["code"]: town["officers"] for town in short_towns(db, NOW)}
            since = db.execute(
                text("SELECT count(*) FROM officers WHERE valid_from = '2021-03-01'")
            ).scalar_one()
    assert [version["name"] for version in bureau.versions] == ["砚川市生态环境局", "砚川市环境保护局"]
    assert bureau.versions[0]["former_names"] == ["砚川市环境保护局"]
    assert towns[TOWN_WITHOUT_OFFICERS] == 0 and since > 0


def test_codes_of_bodies_are_given_once() -> None:
    from geo_api.second_city.duties import make_duties

    codes = body_codes(make_duties())
    assert len(set(codes.values())) == len(codes)
