"""The search finds by parts of names, pinyin, numbers and coordinates, in the caller's scope, with indexes under a policy."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from grid.search import Asked, find, read_coordinates
from grid.search.matching import name_matches, plain_words
from layers.city import city_in_force
from layers.postgres import SYSTEM, Scope, apply_scope
from tests.support.direct_writes import write_cases_directly
from tests.support.small_town import seed_town

EVERYTHING = frozenset({"cases", "alerts", "vehicles"})
READINGS = {
    "通州区": "tong zhou qu",
    "重庆长江银行": "chong qing chang jiang yin hang",
    "六安绿源": "lu an lv yuan",
    "厦门大厦": "xia men da sha",
    "成都都江堰": "cheng du du jiang yan",
    "ABC音乐厅 12": "abc yin yue ting 12",
}
"""Written by hand: words whose characters are read otherwise alone (重 zhòng, 长 zhǎng, 行 xíng, 六 liù, 厦 shà, 都 dōu, 乐 lè)."""


@pytest.fixture
def town(db: Session) -> dict[str, int]:
    ids = seed_town(db)
    db.execute(text("UPDATE areas SET name = '通州区' WHERE kind = 'county'"))
    db.execute(text("UPDATE areas SET name = '吕四港镇' WHERE name = 'A镇'"))
    db.execute(text("UPDATE enterprises SET name = '长江重庆化工有限公司' WHERE name = '测试A化工厂'"))
    db.execute(
        text(
            "INSERT INTO areas (code, name, kind, parent_id, valid_from, valid_to, geom, label_point, area_m2)"
            " SELECT code, '吕四镇', kind, parent_id, '2001-01-01', '2019-12-31', geom, label_point, area_m2 FROM areas"
            " WHERE name = '吕四港镇'"
        )
    )
    return ids


def found(db: Session, written: str, scope: Scope = SYSTEM) -> list[tuple[str, str, str]]:
    """Group, key and reason of every hit."""
    groups = find(db, Asked(written, scope, 20, EVERYTHING))
    return [(group.name, hit.key, hit.matched_by) for group in groups for hit in group.hits]


def test_readings_are_those_of_words(db: Session) -> None:
    assert {name: db.scalar(text("SELECT pinyin_of(:n)"), {"n": name}) for name in READINGS} == READINGS
    for name in (*READINGS, "Ａ·B（启东）", "No.3 Road—x", ""):
        assert " ".join(plain_words(name.replace(" ", ""))) == db.scalar(
            text("SELECT place_text(:n)"), {"n": name.replace(" ", "")}
        )
    keys = set(db.scalar(text("SELECT name_keys('通州区')")) or ())
    for typed in ("通", "通州", "州区", "Tongzhou", "tong", "zhouqu", "tzq", "TZ"):
        assert any(
            set(m.begins) <= keys or (m.holds and set(m.holds) <= keys) for m in name_matches(typed)
        ), typed
    assert all(not set(m.holds) <= keys for m in name_matches("tongqu"))


def test_what_people_type_finds_it_and_says_why(db: Session, town: dict[str, int]) -> None:
    site, county = ("companies", "S-A"), ("areas", "320601")
    for typed, expected in {
        "通州": (*county, "name"),
        "Tongzhou": (*county, "pinyin"),
        "tong zhou": (*county, "pinyin"),
        "tzq": (*county, "initials"),
        "320601": (*county, "code"),
        "吕四镇": ("areas", "320601001", "former_name"),
        "长江重庆": (*site, "name"),
        "化工 长江": (*site, "name"),
        "changjiangchongqing": (*site, "pinyin"),
        "cjcq": (*site, "initials"),
        "s-a": (*site, "site_id"),
        "913206000000": (*site, "uscc"),
        "苏fa12": ("vehicles", vehicle(db, "苏FA1234"), "plate"),
        "A·1234": ("vehicles", vehicle(db, "苏FA1234"), "plate"),
        f"#{town['alert_A']}": ("alerts", str(town["alert_A"]), "number"),
        "320601001001001": ("grids", "320601001001001", "code"),
    }.items():
        assert expected in found(db, typed), (typed, found(db, typed))
    for nothing in (
        "zhangjiangzhongqing",
        "苏F",
        "\x00",
        " ",
        "%",
        "'; DROP TABLE areas",
        "通_区",
        "999999999999",
    ):
        assert found(db, nothing) == [], nothing


def vehicle(db: Session, plate: str) -> str:
    return str(db.scalar(text("SELECT vehicle_id FROM vehicles WHERE plate = :p"), {"p": plate}))


def test_a_narrow_caller_finds_only_what_it_may_see(db: Session, town: dict[str, int]) -> None:
    start = f"{city_in_force().case_prefix}20260301-"
    write_cases_directly(db)
    for letter, number in (("A", f"{start}0001"), ("B", f"{start}0002")):
        db.execute(
            text(
                "INSERT INTO cases (number, title, item_code, domain, co_handlers, assignment, state, opened_at, geom, area_id)"
                " SELECT :number, 'x', 'X', 'ecology', '{}', '{}', 'filed', now(), geom, area_id FROM alerts WHERE id = :alert"
            ),
            {"number": number, "alert": town[f"alert_{letter}"]},
        )
    plates = {letter: vehicle(db, plate) for letter, plate in (("A", "苏FA1234"), ("B", "苏FB5678"))}
    scope = Scope("officer", area_ids=(town["town_A"], town["community_A"]), username="o")
    questions = (
        start[:-5],
        "20260301",
        "0001",
        "0002",
        "1234",
        "5678",
        f"{town['alert_A']}",
        f"#{town['alert_B']}",
    )
    everything = {q: {hit[:2] for hit in found(db, q)} for q in questions}
    assert ("cases", f"{start}0002") in everything["20260301"] and ("vehicles", plates["B"]) in everything[
        "5678"
    ]
    apply_scope(db, scope)
    mine = {q: {hit[:2] for hit in found(db, q, scope)} for q in questions}
    (cases,) = [g for g in find(db, Asked(start[:-5], scope, 20, EVERYTHING)) if g.name == "cases"]
    assert (cases.count, cases.more, [hit.key for hit in cases.hits]) == (1, False, [f"{start}0001"])
    assert ("cases", f"{start}0001") in mine["20260301"] & mine["0001"]
    assert ("vehicles", plates["A"]) in mine["1234"] and mine["5678"] == mine["0002"] == set()
    assert mine[f"#{town['alert_B']}"] == set()
    db.execute(text("SELECT set_config('role', 'none', true)"))


@pytest.mark.parametrize("role", ["city", "town"])
def test_every_statement_uses_its_index_under_a_policy(
    db: Session, engine: Engine, town: dict[str, int], role: str
) -> None:
    """Table by table: no sequential scan of what grows, even where the planner thinks that a table is small."""
    city = Scope("dispatcher", city_wide=True, username="d")
    scope = city if role == "city" else Scope("officer", area_ids=(town["town_A"],), username="o", body_id=1)
    asked: list[tuple[str, object]] = []
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
    apply_scope(db, scope)
    for written in ("长江重庆", "changjiang", "S-A1", "AJ20260301-0001", "苏FA1234"):
        find(db, Asked(written, scope, 5, EVERYTHING))
    db.execute(text("SET LOCAL enable_seqscan = off"))
    driver = db.connection().connection.driver_connection
    assert driver is not None
    statements = [each for each in asked if "FROM (" in each[0] and "ST_Extent" not in each[0]]
    plans = "\n".join(
        row[0] for sql, values in statements for row in driver.execute(f"EXPLAIN {sql}", values).fetchall()
    )
    assert not re.findall(r"Seq Scan on (?:areas|enterprises|sites|cases|vehicles)", plans)
    for index in (
        "areas_name_keys",
        "enterprises_name_keys",
        "cases_number",
        "vehicles_plate_keys",
        "sites_site_id_start",
    ):
        assert f"ix_{index}" in plans, index
    db.execute(text("SELECT set_config('role', 'none', true)"))


def test_coordinates_in_every_form_mean_the_same_place() -> None:
    """120°51'52.2" is 120.8645, 32°0'58.68" is 32.0163; the GCJ-02 and BD-09 of that place are those of public converters."""
    forms = (
        "120.8645, 32.0163", "32.0163，120.8645", "120.8645 32.0163", "32°0'58.68\"N 120°51'52.2\"E",
        "东经120°51′52.2″，北纬32°0′58.68″", "北纬32度0分58.68秒 东经120度51分52.2秒", "120°51.87' 32°0.978'",
        "lat: 32.0163, lng: 120.8645", "N32 0 58.68 E120 51 52.2", "GCJ-02 120.86874686,32.01414817",
        "高德：32.01414817,120.86874686", "百度 120.87522168,32.02016694",
    )  # fmt: skip
    for form in forms:
        first, *others = read_coordinates(form, (120.0, 31.0, 121.0, 33.0))
        assert (first.lon, first.lat) == pytest.approx((120.8645, 32.0163), abs=2e-6), form
        assert sorted(each.crs for each in (first, *others)) == ["bd09", "gcj02", "wgs84"], form
        assert first.distance_m == 0 and all(200 < each.distance_m < 1_600 for each in others), form
    both = read_coordinates("30.5, 31.5", (31.0, 30.0, 32.0, 31.0))
    assert (both[0].lon, both[0].lat, both[0].order) == (31.5, 30.5, "lat_lon") and len(both) == 6
    for nothing in (
        "120.8645",
        "1,2",
        "181.5 32.1",
        "120°61' 32°",
        "AJ20260301-0001",
        "120.8 32.1 7",
        "9" * 100,
        "°" * 100,
    ):
        assert read_coordinates(nothing) == [], nothing


def test_an_area_is_found_by_its_code_while_it_holds(db: Session, town: dict[str, int]) -> None:
    """Its end is planned, and its successor is not there yet."""
    code = "320601001001001"
    db.execute(
        text("UPDATE areas SET valid_to = now() + interval '1 year' WHERE code = :code"), {"code": code}
    )
    db.execute(
        text(
            "INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2)"
            " SELECT code, '未来网格', kind, parent_id, valid_to, geom, label_point, area_m2 FROM areas WHERE code = :code"
        ),
        {"code": code},
    )
    hits = [
        hit
        for group in find(db, Asked(code, SYSTEM, 20, EVERYTHING))
        for hit in group.hits
        if hit.key == code
    ]
    assert [hit.title for hit in hits] == ["A网格1"]
