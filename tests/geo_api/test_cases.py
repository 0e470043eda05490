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
from tests.support.small_town import TOWN_A, TOWN_B

ANY = {"If-Match": "*"}
LEAD, PARTNER = "测试区生态环境局", "测试区应急管理局"
Login = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def api(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An application of this module's own: its cases move."""
    for made in api_over(seeded, "api_cases", tmp_path_factory.mktemp("data")):
        with session(SYSTEM, made.url) as db:
            db.execute(
                text(
                    "INSERT INTO bodies (body_id, code, name, level, valid_from)"
                    " VALUES (0, 'WL', '测试区文化旅游局', 'county', '2020-01-01')"
                )
            )
            for name, role, body, area in (
                ("colleague", "supervisor", LEAD, None),
                ("officer.lead", "officer", LEAD, TOWN_A),
                ("officer.partner", "officer", PARTNER, TOWN_B),
                ("officer.stranger", "officer", "测试区文化旅游局", TOWN_A),
            ):
                create_user(db, username=name, password=PASSWORD, role=role, body=body, area_code=area)
        yield made


@pytest.fixture
def numbers(api: Api) -> dict[str, str]:
    """A fresh case in each town, from its alert."""
    return {letter: open_case_of(api.url, api.ids, letter) for letter in "AB"}


def step(client: TestClient, number: str, action: str, note: str = "") -> Any:
    return client.post(f"/v1/cases/{number}/events", json={"action": action, "note": note}, headers=ANY)


def test_a_case_goes_through_all_its_states(login: Login, numbers: dict[str, str]) -> None:
    dispatcher, officer, supervisor = login("dispatcher"), login("officer.lead"), login("supervisor")
    partner = login("officer.partner")
    number = numbers["A"]
    assert dispatcher.get(f"/v1/cases/{number}").json()["available_actions"] == ["verify", "merge", "note"]
    walk = [
        (dispatcher, "verify", "accepted"),
        (dispatcher, "file", "filed"),
        (dispatcher, "dispatch", "dispatched"),
        (officer, "arrive", "arrived"),
        (officer, "dispose", "arrived"),
        (partner, "dispose", "disposed"),
        (officer, "feed_back", "disposed"),
        (partner, "feed_back", "fed_back"),
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
    assert (verified["events"], verified["holds"]) == (11, True)


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
    dispatcher, officer, partner = login("dispatcher"), login("officer.lead"), login("officer.partner")
    number = numbers["A"]
    early = step(officer, number, "dispose")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/illegal-transition")
    assert early.json()["detail_zh"]
    for client, action in (
        (dispatcher, "verify"),
        (dispatcher, "file"),
        (dispatcher, "dispatch"),
        (officer, "dispose"),
        (partner, "dispose"),
        (officer, "feed_back"),
        (partner, "feed_back"),
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
        "outcome",
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
    wrong = [
        {**body, "id": 7},
        {**body, "id": "b", "item_code": "NONE"},
        {**body, "lon": "x"},
        {**body, "lat": 91},
    ]
    told = public.post("/v1/assign/bulk", json={"points": wrong}).json()
    assert [(one["row"], one["id"], one["town"]) for one in told["assignments"]] == [(1, 7, "320601001")]
    assert [(one["row"], one["id"], one["field"]) for one in told["faults"]] == [
        (2, "b", "item_code"), (3, None, "lon"), (4, None, "lat"),
    ]  # fmt: skip
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


def test_bodies_that_take_part_see_and_handle_a_case_and_others_do_not(
    login: Login, numbers: dict[str, str]
) -> None:
    dispatcher, lead, partner = login("dispatcher"), login("officer.lead"), login("officer.partner")
    stranger, number = login("officer.stranger"), numbers["A"]
    for action in ("verify", "file", "dispatch"):
        assert step(dispatcher, number, action).status_code == 201
    # The partner's account is for the other town: it sees this case because its body takes part.
    assert partner.get(f"/v1/cases/{number}").status_code == 200
    assert login("officer.b").get(f"/v1/cases/{number}").status_code == 404
    assert number in partner.get("/collections/cases/items?limit=1000").text
    assert number.encode() in partner.get("/collections/cases/tiles/WebMercatorQuad/8/104/213").content
    refused = step(stranger, number, "dispose")
    assert refused.status_code == 409 and LEAD in refused.json()["detail_zh"]
    refused = step(login("officer.a"), number, "dispose")  # whose body is in no register
    assert refused.status_code == 409 and "未绑定" in refused.json()["detail_zh"]
    claimed = lead.post(
        f"/v1/cases/{number}/events",
        json={"action": "dispose", "payload": {"body": PARTNER}},
        headers=ANY,
    )
    assert claimed.status_code in (400, 422) and "body" in claimed.json()["detail"]
    document = step(lead, number, "dispose").json()
    assert {party["body"]: party["state"] for party in document["parties"] if party["part"] != "copied"} == {
        LEAD: "disposed",
        PARTNER: "awaiting",
    }
    early = step(lead, number, "check", "x")
    assert early.status_code == 409


def test_a_step_names_the_state_that_it_knows(login: Login, numbers: dict[str, str]) -> None:
    dispatcher, number = login("dispatcher"), numbers["A"]
    path, verify = f"/v1/cases/{number}/events", {"action": "verify"}
    assert dispatcher.post(path, json=verify).status_code == 428
    known = dispatcher.get(f"/v1/cases/{number}").headers["ETag"]
    moved = dispatcher.post(path, json=verify, headers={"If-Match": known})
    assert moved.status_code == 201 and moved.headers["ETag"] != known
    stale = dispatcher.post(path, json={"action": "file"}, headers={"If-Match": known})
    assert stale.status_code == 412 and "刷新" in stale.json()["detail_zh"]


def test_bodies_are_given_from_the_register_and_the_explanation_follows(
    login: Login, numbers: dict[str, str]
) -> None:
    dispatcher, number = login("dispatcher"), numbers["A"]
    step(dispatcher, number, "verify")
    body = {"action": "reassign", "note": "错派", "payload": {"lead_body": "不存在的单位XYZ"}}
    unknown = dispatcher.post(f"/v1/cases/{number}/events", json=body, headers=ANY)
    assert unknown.status_code in (400, 422) and "不存在的单位XYZ" in unknown.json()["detail_zh"]
    assert dispatcher.get(f"/v1/cases/{number}").json()["lead_body"] == LEAD
    body["payload"] = {"lead_body": PARTNER, "co_handlers": []}
    document = dispatcher.post(f"/v1/cases/{number}/events", json=body, headers=ANY).json()
    assert (document["lead_body"], document["explanation"][-1]["chosen"]) == (PARTNER, PARTNER)
    assert "错派" in document["explanation"][-1]["zh"]
    assert login("officer.a").get(f"/v1/cases/{number}/verify").json()["holds"] is True
