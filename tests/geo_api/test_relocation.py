"""The place of a case is changed: shown before, areas and bodies of the new place after, the chain holds, who sees it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from geo_api.auth.access import create_user
from grid.cases import open_case, verify_chain
from grid.responsibility import assign
from layers.collections import COLLECTIONS, newest_position, read_changes
from layers.postgres import SYSTEM, Scope, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, logged_in
from tests.support.case_steps import move
from tests.support.small_town import TOWN_A

NOW = dt.datetime.now(dt.UTC)
ANY = {"If-Match": "*"}
IN_B = {"lon": 120.7, "lat": 31.3}


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    yield from api_over(seeded, f"relocation_{tmp_path.name}", tmp_path)


@pytest.fixture
def number(own: Api) -> str:
    with session(SYSTEM, own.url) as db:
        # Town B has a body of its own for the matter, since today.
        db.execute(
            text(
                "INSERT INTO bodies (code, name, level, valid_from) VALUES ('BB', 'B镇政府', 'town', '2020-01-01')"
            )
        )
        db.execute(
            text(
                "INSERT INTO duty_items (item_code, item, domain, legal_basis, kind, body, level, area_code, role,"
                " valid_from) VALUES ('ECO-001', '非法复工', 'ecology', '示例', 'penalty', 'B镇政府', 'town',"
                " '320601002', 'lead', '2020-01-01')"
            )
        )
        found = assign(db, lon=120.1, lat=31.2, item_code="ECO-001", at=NOW)
        place: dict[str, Any] = {"lon": 120.1, "lat": 31.2, "opened_at": NOW}
        made = open_case(db, title="t", item_code="ECO-001", assignment=found, **place).number
        move(db, made, "verify", "file", "dispatch")
    return made


def test_the_place_is_previewed_and_changed_and_others_see_the_case(own: Api, number: str) -> None:
    client = logged_in(own.app, "dispatcher")
    before = client.get(f"/v1/cases/{number}").json()
    at = f"/v1/cases/{number}/relocation"
    shown = client.post(f"{at}/preview", json=IN_B).json()
    assert {each["kind"]: (each["before"], each["after"]) for each in shown["areas"]} == {
        "unit_grid": ("A网格1", "B网格1"),
        "community": ("A社区", "B社区"),
        "town": ("A镇", "B镇"),
    }
    assert shown["bodies_change"] and shown["lead_body"] == "B镇政府"
    assert client.get(f"/v1/cases/{number}").json()["events"] == before["events"], "nothing was written"
    assert logged_in(own.app, "viewer.a").get(f"/v1/cases/{number}").status_code == 200
    body = {**IN_B, "reason": "实际地点在B镇"}
    assert client.post(at, json=body).status_code == 428
    assert client.post(at, json={**IN_B, "reason": " "}, headers=ANY).status_code == 409
    tag = {"If-Match": f'"{before["events"][-1]["hash"]}"'}
    answer = client.post(at, json=body, headers=tag)
    assert answer.status_code == 201, answer.text
    assert client.post(at, json={**body, "lon": IN_B["lon"] + 0.001}, headers=tag).status_code == 412
    assert client.post(at, json=body, headers=tag).status_code == 412, "also to where the case is already"
    assert client.post(at, json=body, headers=ANY).status_code == 422
    after = client.get(f"/v1/cases/{number}").json()
    assert after["geometry"]["coordinates"] == [120.7, 31.3] and after["town"] == "B镇"
    assert (after["lead_body"], after["state"], after["due_at"]) == (
        "B镇政府",
        "dispatched",
        before["due_at"],
    )
    assert [one["body"] for one in after["parties"] if one["part"] == "lead"] == ["B镇政府"]
    assert after["explanation"][-1]["rule"] == "relocated"
    assert logged_in(own.app, "viewer.a").get(f"/v1/cases/{number}").status_code == 404, (
        "town A has it no more"
    )
    assert logged_in(own.app, "officer.b").get(f"/v1/cases/{number}").status_code == 200
    with session(SYSTEM, own.url) as db:
        assert verify_chain(db, number) == []
        town = db.scalar(
            text("SELECT t.name FROM case_facts f JOIN areas t ON t.id = f.town_area_id WHERE f.number = :n"),
            {"n": number},
        )
        assert town == "B镇", "the indicators count it there"
        db.execute(text("SET LOCAL wangge.records_case = 'on'"))
        db.execute(
            text("UPDATE cases SET geom = ST_Translate(geom, 0.1, 0) WHERE number = :n"), {"n": number}
        )
        assert any("place" in str(fault) for fault in verify_chain(db, number))
        db.rollback()


def test_who_gets_a_case_has_its_whole_history_and_who_loses_it_has_nothing_of_it(
    own: Api, number: str
) -> None:
    """One rule for every table and feed: rows of a case are for who sees the case, wherever it was when they were made."""
    dispatcher = logged_in(own.app, "dispatcher")
    pdf = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
    sent = dispatcher.post(f"/v1/cases/{number}/attachments", params={"name": "a.pdf"}, content=pdf)
    assert sent.status_code == 201, sent.text
    with session(SYSTEM, own.url) as db:
        before = newest_position(db, NOW)
        case_id = db.scalar(text("SELECT id FROM cases WHERE number = :n"), {"n": number})
    dispatcher.post(f"/v1/cases/{number}/relocation", json={**IN_B, "reason": "地点有误"}, headers=ANY)
    kinds = ("town_{}", "community_{}", "grid_{}1", "grid_{}2")
    inside = {name: tuple(own.ids[kind.format(name)] for kind in kinds) for name in "AB"}
    seen: dict[str, dict[str, int]] = {}
    for name, role in (("A", "officer"), ("B", "officer"), ("A", "supervisor"), ("B", "supervisor")):
        with session(Scope(role=role, area_ids=inside[name], username="x"), own.url) as db:
            seen[f"{role} {name}"] = {
                table: db.scalar(text(f"SELECT count(*) FROM {table} WHERE case_id = :id"), {"id": case_id})
                or 0
                for table in ("case_events", "case_parties", "attachments", "case_facts")
            }
            changed = [
                (row.id, row.deleted)
                for row in read_changes(db, COLLECTIONS["cases"], before, dt.datetime.now(dt.UTC)).changes
                if row.id == case_id
            ]
            assert changed == [(case_id, name == "A")], (role, name)
    for role in ("officer", "supervisor"):
        assert not any(seen[f"{role} A"].values()), seen
        assert seen[f"{role} B"]["case_events"] == 6, "report to relocate, from before its time there too"
        assert all(seen[f"{role} B"].values()), seen
    theirs = logged_in(own.app, "officer.b").get(f"/v1/cases/{number}").json()
    assert [event["action"] for event in theirs["events"]] == [
        "report", "verify", "file", "dispatch", "attach", "relocate",
    ]  # fmt: skip
    files = logged_in(own.app, "officer.b").get(f"/v1/cases/{number}/attachments").json()
    assert [one["name"] for one in files["attachments"]] == ["a.pdf"]
    assert logged_in(own.app, "viewer.a").get(f"/v1/cases/{number}/attachments").status_code == 404


def test_a_place_outside_of_the_reach_or_of_the_city_and_a_wrong_role_are_refused(
    own: Api, number: str
) -> None:
    with session(SYSTEM, own.url) as db:
        create_user(db, username="dispatcher.a", password=PASSWORD, role="dispatcher", area_code=TOWN_A)
    local = logged_in(own.app, "dispatcher.a")
    at = f"/v1/cases/{number}/relocation"
    assert local.post(f"{at}/preview", json=IN_B).status_code == 403
    assert local.post(at, json={**IN_B, "reason": "x"}, headers=ANY).status_code == 403
    inside = {"lon": 120.4, "lat": 31.1, "reason": "门牌有误"}
    assert local.post(at, json=inside, headers=ANY).status_code == 201
    sea = local.post(at, json={"lon": 125.0, "lat": 31.2, "reason": "x"}, headers=ANY)
    assert sea.status_code == 422 and "海上" in sea.json()["detail_zh"]
    assert logged_in(own.app, "supervisor").post(at, json=inside, headers=ANY).status_code == 403
    bare = local.post(f"/v1/cases/{number}/events", json={"action": "relocate", "note": "x"}, headers=ANY)
    assert bare.status_code == 422
    forged = {"action": "note", "note": "x", "payload": {"moved": {"place": [0, 0]}}}
    assert local.post(f"/v1/cases/{number}/events", json=forged, headers=ANY).status_code == 422
    with session(SYSTEM, own.url) as db:
        assert verify_chain(db, number) == []
