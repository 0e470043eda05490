"""Officers suggested for a case: whose body acts, certified, in the domain, on duty, the nearest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from grid.cases import open_case
from grid.responsibility import assign
from layers.postgres import SYSTEM, session
from tests.support.application import Api, Seeded, api_over, logged_in
from tests.support.small_town import TOWN_A, TOWN_B

OPENED = dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    yield from api_over(seeded, f"officers_{tmp_path.name}", tmp_path)


def officer(api: Api, name: str, code: str = "B1", area: str = TOWN_A, to: str = "2999-01-01", domain: str = "ecology",
            on_duty: bool = True) -> None:  # fmt: skip
    with session(SYSTEM, api.url) as db:
        db.execute(
            text(
                "INSERT INTO officers (certificate_no, name, certificate_from, certificate_to, body_code, area_codes,"
                " domains, on_duty, valid_from) VALUES (:name, :name, '2020-01-01', :to, :code, ARRAY[:area],"
                " ARRAY[:domain], :on_duty, '2020-01-01')"
            ),
            {"name": name, "to": to, "code": code, "area": area, "domain": domain, "on_duty": on_duty},
        )


def test_the_suited_and_nearest_come_first_with_the_reasons(own: Api) -> None:
    with session(SYSTEM, own.url) as db:
        lon, lat = db.execute(
            text(
                "SELECT ST_X(label_point), ST_Y(label_point) FROM areas WHERE code = :code AND valid_to IS NULL"
            ),
            {"code": TOWN_A},
        ).one()
        answer = assign(db, lon=lon, lat=lat, item_code="ECO-001", at=OPENED)
        number = open_case(
            db, title="t", item_code="ECO-001", assignment=answer, lon=lon, lat=lat, opened_at=OPENED
        ).number
        assert answer.lead is not None
        db.execute(
            text(
                "UPDATE bodies SET code = 'B1', valid_from = '2020-01-01' WHERE body_id = (SELECT p.body_id"
                " FROM case_parties p JOIN cases c ON c.id = p.case_id WHERE c.number = :number AND p.part = 'lead')"
            ),
            {"number": number},
        )
        db.execute(
            text(
                "INSERT INTO bodies (code, name, level, valid_from) VALUES ('B2', '别的单位', 'town', '2020-01-01')"
            )
        )
    officer(own, "far", area=TOWN_B)
    officer(own, "near")
    officer(own, "expired", to="2026-01-01")
    officer(own, "off", on_duty=False)
    officer(own, "other domain", domain="urban")
    officer(own, "other body", code="B2")
    client = logged_in(own.app, "dispatcher")
    found = client.get(f"/v1/cases/{number}/officers").json()["officers"]
    assert [one["name"] for one in found[:2]] == ["near", "far"]
    assert {one["name"] for one in found[2:]} == {"expired", "off", "other domain"}
    assert [one["suited"] for one in found] == [True, True, False, False, False]
    assert found[0]["distance_m"] == 0 and found[1]["distance_m"] > 100
    said = {one["name"]: [reason["zh"] for reason in one["reasons"]] for one in found}
    assert "执法证无效" in said["expired"] and "不在岗" in said["off"] and "领域不符" in said["other domain"]
    assert logged_in(own.app, "officer.a").get(f"/v1/cases/{number}/officers").status_code == 403
    towns = {town["code"]: town["officers"] for town in client.get("/v1/short-towns").json()["towns"]}
    assert towns[TOWN_A] == 4 and towns[TOWN_B] == 1
    officer(own, "fifth"), officer(own, "sixth")
    towns = {town["code"]: town["officers"] for town in client.get("/v1/short-towns").json()["towns"]}
    assert TOWN_A not in towns, "six are enough"
