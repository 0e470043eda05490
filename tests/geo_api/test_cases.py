"""A case over HTTP: through all its states, by the right people, with its proof and its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from tests.support.application import PASSWORD, Api, Seeded, api_over
from tests.support.private_town import open_case_of

Login = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def api(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An application of this module's own: its cases move."""
    for made in api_over(seeded, "api_cases", tmp_path_factory.mktemp("data")):
        with session(SYSTEM, made.url) as db:
            create_user(
                db, username="colleague", password=PASSWORD, role="supervisor", body="officer.a 的单位"
            )
        yield made


@pytest.fixture
def numbers(api: Api) -> dict[str, str]:
    """A fresh case in each town, from its alert."""
    return {letter: open_case_of(api.url, api.ids, letter) for letter in "AB"}


def step(client: TestClient, number: str, action: str, note: str = "") -> Any:
    return client.post(f"/v1/cases/{number}/events", json={"action": action, "note": note})


def test_a_case_goes_through_all_its_states(login: Login, numbers: dict[str, str]) -> None:
    dispatcher, officer, supervisor = login("dispatcher"), login("officer.a"), login("supervisor")
    number = numbers["A"]
    assert dispatcher.get(f"/v1/cases/{number}").json()["available_actions"] == ["verify", "note"]
    walk = [
        (dispatcher, "verify", "accepted"),
        (dispatcher, "file", "filed"),
        (dispatcher, "dispatch", "dispatched"),
        (officer, "dispose", "disposed"),
        (officer, "feed_back", "fed_back"),
        (supervisor, "check", "checked"),
        (supervisor, "close", "closed"),
    ]
    for client, action, state in walk:
        answer = step(client, number, action)
        assert answer.status_code == 201, answer.text
        assert answer.json()["state"] == state
    document = officer.get(f"/v1/cases/{number}").json()
    assert [event["action"] for event in document["events"]] == ["report", *(action for _, action, _ in walk)]
    assert document["closed_at"] and document["available_actions"] == []
    verified = officer.get(f"/v1/cases/{number}/verify").json()
    assert (verified["events"], verified["holds"]) == (8, True)


def test_the_case_names_grid_areas_bodies_and_reasons(login: Login, numbers: dict[str, str]) -> None:
    case = login("officer.a").get(f"/v1/cases/{numbers['A']}").json()
    assert (case["grid_code"], case["community"], case["town"], case["county"]) == (
        "320601001001001",
        "A社区",
        "A镇",
        "测试区",
    )
    assert (case["lead_body"], case["co_handlers"]) == ("测试区生态环境局", ["测试区应急管理局"])
    assert case["due_at"] == "2026-03-08T08:00:00Z" and case["overdue"] is True
    assert case["explanation"] and all(s["zh"] and s["en"] and s["rule"] for s in case["explanation"])


def test_who_disposes_cannot_close_and_steps_keep_their_order(login: Login, numbers: dict[str, str]) -> None:
    dispatcher, officer = login("dispatcher"), login("officer.a")
    number = numbers["A"]
    early = step(officer, number, "dispose")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/illegal-transition")
    assert early.json()["detail_zh"]
    for client, action in (
        (dispatcher, "verify"),
        (dispatcher, "file"),
        (dispatcher, "dispatch"),
        (officer, "dispose"),
        (officer, "feed_back"),
    ):
        assert step(client, number, action).status_code == 201
    assert step(officer, number, "check").status_code == 409
    # A supervisor of the body that disposed may not check either; one of another body may.
    assert step(login("colleague"), number, "check").status_code == 409
    assert step(login("viewer.a"), number, "note", "x").status_code == 403
    assert step(dispatcher, number, "fly").status_code == 409


def test_a_case_of_another_area_is_not_there(login: Login, numbers: dict[str, str], api: Api) -> None:
    officer, number = login("officer.a"), numbers["B"]
    for path in (f"/v1/cases/{number}", f"/v1/cases/{number}/verify", f"/v1/cases/{number}/report.html"):
        assert officer.get(path).status_code == 404, path
    assert step(officer, number, "note", "x").status_code == 404
    page = officer.get("/collections/cases/items?limit=1000&count=exact")
    assert numbers["A"] in page.text and number not in page.text
    assert all(f["properties"]["town"] == "A镇" for f in page.json()["features"])
    tile = officer.get("/collections/cases/tiles/WebMercatorQuad/8/104/213")
    assert numbers["A"].encode() in tile.content and number.encode() not in tile.content
    assert officer.get(f"/collections/cases/items?number={number}").json()["features"] == []
    assert login("dispatcher").get(f"/v1/cases/{number}").status_code == 200


def test_an_outcome_becomes_an_event_of_the_case(login: Login, numbers: dict[str, str], api: Api) -> None:
    officer = login("officer.a")
    answer = officer.post(
        f"/v1/alerts/{api.ids['alert_A']}/outcome", json={"outcome": "legal_use", "note": "拆除中"}
    )
    assert answer.json()["noted_in_case"] == numbers["A"]
    last = officer.get(f"/v1/cases/{numbers['A']}").json()["events"][-1]
    assert (last["action"], last["payload"]["note"], last["payload"]["outcome"]) == (
        "note",
        "拆除中",
        "legal_use",
    )
    assert officer.get(f"/v1/alerts/{api.ids['alert_A']}").json()["case_number"] == numbers["A"]


def test_an_event_that_was_changed_is_found(login: Login, numbers: dict[str, str], api: Api) -> None:
    number = numbers["A"]
    with database.engine(api.url).begin() as connection:
        connection.execute(text("ALTER TABLE case_events DISABLE TRIGGER case_events_append_only"))
        connection.execute(
            text(
                "UPDATE case_events SET actor = 'somebody' WHERE case_id = (SELECT id FROM cases WHERE"
                " number = :n)"
            ),
            {"n": number},
        )
        connection.execute(text("ALTER TABLE case_events ENABLE TRIGGER case_events_append_only"))
    verified = login("officer.a").get(f"/v1/cases/{number}/verify").json()
    assert verified["holds"] is False and verified["faults"]


def test_assign_over_http(login: Login, api: Api) -> None:
    public = TestClient(api.app)
    body = {"lon": 120.1, "lat": 31.2, "item_code": "ECO-001"}
    answer = public.post("/v1/assign", json=body).json()
    assert answer["outcome"] == "assigned" and answer["areas"]["unit_grid"]["code"] == "320601001001001"
    assert answer["lead"]["body"] == "测试区生态环境局"
    many = public.post(
        "/v1/assign/bulk", json={"points": [body, {**body, "lon": 120.6}], "at": "2026-03-01T08:00:00Z"}
    ).json()["assignments"]
    assert [a["town"] for a in many] == ["320601001", "320601002"] and many[0][
        "lead_body"
    ] == "测试区生态环境局"
    # GCJ-02 shifts by some hundred metres to the east here; the answer is in WGS-84.
    shifted = public.post("/v1/assign", json={**body, "crs": "gcj02"}).json()
    assert 0.003 < body["lon"] - shifted["lon"] < 0.006
    unknown = public.post("/v1/assign", json={**body, "item_code": "NONE"})
    assert (unknown.status_code, unknown.json()["type"]) == (422, "/problems/unknown-item")


def test_the_report_is_one_file(login: Login, numbers: dict[str, str], tmp_path: Path) -> None:
    answer = login("officer.a").get(f"/v1/cases/{numbers['A']}/report.html")
    assert (
        answer.status_code == 200 and numbers["A"] in answer.text and "用电为停产基线的 4.2 倍" in answer.text
    )
    assert "苏F·A**34" in answer.text and "苏FA1234" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    hot = TestClient(login("officer.a").app).get("/v1/hot-spots/report.html")
    assert hot.status_code == 200 and "891f1d48b03ffff" in hot.text
