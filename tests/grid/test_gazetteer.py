"""Addresses find places: ranked, with what matched, and what belongs to another city is told so."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.gazetteer import find_places, refresh_place_names, source_states
from tests.support.small_town import seed_town


@pytest.fixture
def town(db: Session) -> Session:
    seed_town(db)
    db.execute(text("UPDATE areas SET name = '启东县城区' WHERE kind = 'county'"))
    db.execute(text("UPDATE areas SET name = '吕四港镇' WHERE name = 'A镇'"))
    db.execute(text("UPDATE areas SET name = '海复镇' WHERE name = 'B镇'"))
    db.execute(
        text(
            "INSERT INTO areas (code, name, kind, parent_id, valid_from, valid_to, geom, label_point, area_m2)"
            " SELECT code, '吕四镇', kind, parent_id, '2001-01-01', '2019-12-31', geom, label_point, area_m2 FROM areas"
            " WHERE name = '吕四港镇'"
        )
    )
    for source, zh, en, lon in (
        ("r1", "大洋港路", "Dayanggang Road", 120.2),
        ("r2", "大洋港路", None, 120.7),
    ):
        db.execute(
            text(
                "INSERT INTO roads (source_id, name, name_en, kind, indicative, min_zoom, oneway, geom) VALUES"
                " (:source, :zh, :en, 'local', false, 10, false,"
                "  ST_Multi(ST_SetSRID(ST_MakeLine(ST_MakePoint(:lon, 31.2), ST_MakePoint(:lon + 0.01, 31.2)), 4326)))"
            ),
            {"source": source, "zh": zh, "en": en, "lon": lon},
        )
    assert refresh_place_names(db) > 10
    return db


def test_the_town_that_the_address_names_decides_between_two_roads(town: Session) -> None:
    west, east, bare = find_places(town, ["吕四港镇大洋港路88号", "海复镇 大洋港路，88号", "大洋港路88号"])
    assert [round(found.candidates[0].lon, 1) for found in (west, east)] == [120.2, 120.7]
    assert west.candidates[0].kind == "road" and west.candidates[0].matched == "大洋港路"
    assert west.candidates[0].score > west.candidates[1].score
    assert west.candidates[0].lies_in != east.candidates[0].lies_in, "two roads of one name are told apart"
    # Without a town both are told, and neither is better.
    first, second = bare.candidates[:2]
    assert {round(first.lon, 1), round(second.lon, 1)} == {120.2, 120.7} and first.score == second.score


def test_sites_latin_names_and_former_names(town: Session) -> None:
    site, latin, former = find_places(town, ["测试B化工厂门口", "near dayanggang road 5", "吕四镇东街"])
    assert (site.candidates[0].name, site.candidates[0].kind) == ("测试B化工厂", "site")
    assert latin.candidates[0].name == "Dayanggang Road"
    assert former.candidates[0].former and former.candidates[0].name == "吕四镇"


@pytest.mark.parametrize(
    ("address", "outcome", "city"),
    [
        ("上海市浦东新区世纪大道1号", "another_city", "上海市"),
        ("江苏省苏州市吴中区东街", "another_city", "苏州市"),
        ("测试市测试B化工厂", "found", None),
        ("完全不沾边的字眼", "nothing_found", None),
        ("", "nothing_found", None),
        ("\x00\x07 'DROP TABLE areas; --", "nothing_found", None),
    ],
)
def test_another_city_and_nothing_are_told(
    town: Session, address: str, outcome: str, city: str | None
) -> None:
    (found,) = find_places(town, [address])
    assert (found.outcome, found.another_city) == (outcome, city)


def test_a_changed_source_is_stale_until_names_are_made_anew(town: Session) -> None:
    assert not any(state.stale for state in source_states(town))
    town.execute(text("UPDATE roads SET id = id + 1000 WHERE source_id = 'r2'"))
    assert [state.source for state in source_states(town) if state.stale] == ["roads"]
    refresh_place_names(town)
    assert not any(state.stale for state in source_states(town))
