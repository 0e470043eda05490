"""Officers who are sent to cases: who may be sent, who answers, who sees it; the chain holds through all of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from grid.cases import open_case, verify_chain
from grid.responsibility import assign
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, logged_in
from tests.support.case_steps import move
from tests.support.officers import OfficerFacts, add_officer
from tests.support.small_town import TOWN_A, TOWN_B

NOW = dt.datetime.now(dt.UTC)
LEAD, JOINT, OTHER = "测试区生态环境局", "测试区应急管理局", "别的单位"
ANY = {"If-Match": "*"}


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    yield from api_over(seeded, f"dispatches_{tmp_path.name}", tmp_path)


@pytest.fixture
def number(own: Api) -> str:
    """A case of two bodies in town A that was dispatched."""
    with session(SYSTEM, own.url) as db:
        found = assign(db, lon=120.1, lat=31.2, item_code="ECO-001", at=NOW)
        place: dict[str, Any] = {"lon": 120.1, "lat": 31.2, "opened_at": NOW}
        made = open_case(db, title="非法复工", item_code="ECO-001", assignment=found, **place).number
        db.execute(
            text(
                "INSERT INTO bodies (code, name, level, valid_from) VALUES ('B9', :name, 'town', '2020-01-01')"
            ),
            {"name": OTHER},
        )
        move(db, made, "verify", "file", "dispatch")
    return made


def enter(api: Api, **facts: Any) -> int:
    """An officer in the register, and an account for the one who has a name of one: it names no body itself."""
    facts = {"body": LEAD, "area": TOWN_A, **facts}
    with session(SYSTEM, api.url) as db:
        if facts.get("username"):
            create_user(db, username=facts["username"], password=PASSWORD, role="officer", area_code=TOWN_B)
        return add_officer(db, OfficerFacts(**facts))


def send(client: TestClient, number: str, officer: int, reason: str = "", tag: str = "*") -> Any:
    return client.post(
        f"/v1/cases/{number}/dispatches",
        json={"officer_id": officer, "reason": reason},
        headers={"If-Match": tag},
    )


def holds(api: Api) -> bool:
    with session(SYSTEM, api.url) as db:
        return verify_chain(db) == []


def test_an_officer_is_sent_accepts_and_arrives_and_the_case_is_arrived(own: Api, number: str) -> None:
    one = enter(own, name="李一", username="li.yi", phone="13800000001")
    dispatcher, li = logged_in(own.app, "dispatcher"), logged_in(own.app, "li.yi")
    assert li.get("/v1/dispatches").json() == {"dispatches": [], "next_before": None, "links": []}
    sent = send(dispatcher, number, one)
    assert sent.status_code == 201, sent.text
    made = sent.json()
    assert (made["state"], made["officer"], made["body"], made["mine"]) == ("sent", "李一", LEAD, False)
    assert made["proposed_officer_id"] == one and made["reason"] is None and made["unfit"] == []
    (mine,) = li.get("/v1/dispatches", params={"mine": True, "state": "sent"}).json()["dispatches"]
    assert mine["mine"] and mine["case_number"] == number and mine["officer"] == "李一"
    at = f"/v1/dispatches/{made['id']}"
    stale = li.post(f"{at}/accept", json={}, headers={"If-Match": '"0"'})
    assert stale.status_code == 412
    assert li.post(f"{at}/accept", json={}).status_code == 428
    accepted = li.post(f"{at}/accept", json={}, headers={"If-Match": mine["case_etag"]})
    assert accepted.status_code == 200 and accepted.json()["state"] == "accepted", accepted.text
    # A thousandth of a degree of longitude at 31.2° north is 95.3 m on the ellipsoid.
    arrived = li.post(f"{at}/arrive", json={"lon": 120.101, "lat": 31.2}, headers=ANY)
    assert arrived.status_code == 200, arrived.text
    told = arrived.json()
    assert told["state"] == "arrived" and told["distance_m"] == 95 and told["case_state"] == "arrived"
    assert told["arrival"]["coordinates"] == [120.101, 31.2] and told["arrived_at"] is not None
    found = dispatcher.get(f"/v1/cases/{number}").json()
    assert [event["action"] for event in found["events"]][-3:] == ["send_officer", "accept_call", "arrive"]
    assert "李一" not in str(found["events"]) and "13800000001" not in str(found), "the chain names nobody"
    assert found["events"][-1]["payload"]["body"] == LEAD == li.get("/v1/me").json()["body"]
    assert "dispose" in li.get(f"/v1/cases/{number}").json()["available_actions"], (
        "it acts for its officer's body"
    )
    assert holds(own)
    with session(SYSTEM, own.url) as db:
        types = db.scalars(
            text("SELECT type FROM outbox WHERE data ->> 'number' = :n ORDER BY id"), {"n": number}
        ).all()
    assert types[-3:] == ["case.send_officer", "case.accept_call", "case.arrive"]


def test_another_than_the_first_suggestion_and_the_unfit_need_a_reason_or_are_refused(
    own: Api, number: str
) -> None:
    first = enter(own, name="甲")
    second = enter(own, name="乙", area=TOWN_B)
    off = enter(own, name="丙", on_duty=False)
    other_domain = enter(own, name="丁", domain="urban")
    expired = enter(own, name="戊", certified_until="2026-01-01")
    stranger = enter(own, name="己", body=OTHER)
    joint = enter(own, name="庚", body=JOINT)
    client = logged_in(own.app, "dispatcher")
    for officer, word_zh, word_en in (
        (second, "不是首位推荐人员（甲）", "not the first suggestion"),
        (off, "不在岗", "off duty"),
        (other_domain, "执法领域不符", "another domain"),
    ):
        refused = send(client, number, officer)
        assert refused.status_code == 409, refused.text
        assert word_zh in refused.json()["detail_zh"] and word_en in refused.json()["detail"]
    for officer, word_zh in ((expired, "没有有效的执法证件"), (stranger, "未承办")):
        refused = send(client, number, officer, "有理由")
        assert refused.status_code == 409 and word_zh in refused.json()["detail_zh"], refused.text
    assert send(client, number, 999_999, "有理由").status_code == 404
    made = send(client, number, off, "值班人员均已出动")
    assert made.status_code == 201 and made.json()["unfit"] == ["off_duty"]
    assert made.json()["proposed_officer_id"] == first and made.json()["reason"] == "值班人员均已出动"
    assert send(client, number, off, "再派").status_code == 409, "called already"
    assert send(client, number, joint, "联合").status_code == 201, "a co-handler of the same case"
    assert send(client, number, first).status_code == 201
    assert send(client, number, second).status_code == 201, "the first of those who are left"
    found = client.get(f"/v1/cases/{number}/officers").json()["officers"]
    assert {one["name"]: one["open_calls"] for one in found}["甲"] == 1
    assert [one["called"] for one in found if one["name"] in "甲乙丙庚"] == [True] * 4
    assert holds(own)


def test_an_officer_with_many_calls_comes_after_the_others(own: Api, number: str) -> None:
    busy = enter(own, name="一")
    free = enter(own, name="二")
    client = logged_in(own.app, "dispatcher")
    assert [one["name"] for one in client.get(f"/v1/cases/{number}/officers").json()["officers"]] == [
        "一",
        "二",
    ]
    with session(SYSTEM, own.url) as db:
        found = assign(db, lon=120.1, lat=31.2, item_code="ECO-001", at=NOW)
        place: dict[str, Any] = {"lon": 120.1, "lat": 31.2, "opened_at": NOW}
        other = open_case(db, title="另一案", item_code="ECO-001", assignment=found, **place).number
        move(db, other, "verify", "file", "dispatch")
    assert send(client, other, busy).status_code == 201
    (first, second) = client.get(f"/v1/cases/{number}/officers").json()["officers"]
    assert (first["officer_id"], second["officer_id"], second["open_calls"]) == (free, busy, 1)


def test_only_who_was_called_answers_and_a_dispatcher_says_how_it_is_known(own: Api, number: str) -> None:
    one = enter(own, name="李一", username="li.yi")
    enter(own, name="王二", username="wang.er")
    dispatcher, wang = logged_in(own.app, "dispatcher"), logged_in(own.app, "wang.er")
    at = f"/v1/dispatches/{send(dispatcher, number, one).json()['id']}"
    assert wang.get(at).status_code == 404 and wang.get("/v1/dispatches").json()["dispatches"] == []
    assert wang.post(f"{at}/accept", json={}, headers=ANY).status_code == 404
    assert logged_in(own.app, "viewer.a").get("/v1/dispatches").status_code == 403
    assert logged_in(own.app, "supervisor").post(f"{at}/accept", json={}, headers=ANY).status_code == 403
    bare = dispatcher.post(f"{at}/accept", json={}, headers=ANY)
    assert bare.status_code == 409 and "代为答复" in bare.json()["detail_zh"]
    assert (
        dispatcher.post(f"{at}/accept", json={"note": "电话告知"}, headers=ANY).json()["answered_by"]
        == "dispatcher"
    )
    reported = dispatcher.post(f"{at}/arrive", json={"note": "电话告知"}, headers=ANY).json()
    assert (reported["state"], reported["case_state"]) == ("arrived", "dispatched"), (
        "no officer of the body says it"
    )
    assert dispatcher.post(f"{at}/decline", json={"reason": "x"}, headers=ANY).status_code == 409
    assert logged_in(own.app, "supervisor").get(at).json()["state"] == "arrived"
    assert holds(own)


def test_a_decline_and_a_recall_keep_their_reasons_and_let_the_officer_be_sent_again(
    own: Api, number: str
) -> None:
    one = enter(own, name="李一", username="li.yi")
    dispatcher, li = logged_in(own.app, "dispatcher"), logged_in(own.app, "li.yi")
    first = send(dispatcher, number, one).json()["id"]
    assert li.post(f"/v1/dispatches/{first}/decline", json={"reason": ""}, headers=ANY).status_code == 422
    blank = li.post(f"/v1/dispatches/{first}/decline", json={"reason": "  "}, headers=ANY)
    assert blank.status_code == 409 and "必须填写原因" in blank.json()["detail_zh"]
    declined = li.post(f"/v1/dispatches/{first}/decline", json={"reason": "在外地"}, headers=ANY).json()
    assert (declined["state"], declined["decline_reason"]) == ("declined", "在外地")
    second = send(dispatcher, number, one).json()["id"]
    assert li.post(f"/v1/dispatches/{second}/recall", json={"reason": "x"}, headers=ANY).status_code == 403
    recalled = dispatcher.post(f"/v1/dispatches/{second}/recall", json={"reason": "改派"}, headers=ANY).json()
    assert (recalled["state"], recalled["end_reason"], recalled["ended_step"]) == (
        "recalled",
        "改派",
        "recall",
    )
    assert li.post(f"/v1/dispatches/{second}/accept", json={}, headers=ANY).status_code == 409
    page = dispatcher.get("/v1/dispatches", params={"case": number, "limit": 1}).json()
    assert [row["id"] for row in page["dispatches"]] == [second] and page["next_before"] == second
    rest = dispatcher.get("/v1/dispatches", params={"case": number, "before": second}).json()
    assert [row["id"] for row in rest["dispatches"]] == [first] and rest["next_before"] is None
    by_body = dispatcher.get("/v1/dispatches", params={"body": JOINT}).json()
    assert by_body["dispatches"] == [] and holds(own)


def test_the_work_of_an_officer_ends_with_that_of_the_body(own: Api, number: str) -> None:
    one = enter(own, name="李一", username="li.yi")
    other = enter(own, name="庚", body=JOINT)
    client = logged_in(own.app, "dispatcher")
    first, second = (send(client, number, who, "两人").json()["id"] for who in (one, other))
    li = logged_in(own.app, "li.yi")
    for action in ("dispose", "feed_back"):
        step = li.post(f"/v1/cases/{number}/events", json={"action": action}, headers=ANY)
        assert step.status_code == 201, step.text
    states = {each: client.get(f"/v1/dispatches/{each}").json() for each in (first, second)}
    assert (states[first]["state"], states[first]["ended_step"]) == ("ended", "feed_back")
    assert states[second]["state"] == "sent", "the co-handler still works"
    refused = send(client, number, one, "再派")
    assert refused.status_code == 409 and "已办结" in refused.json()["detail_zh"]
    assert holds(own)


def test_phones_are_for_dispatchers_and_their_reading_is_logged(own: Api, number: str) -> None:
    one = enter(own, name="李一", username="li.yi", phone="13800000001")
    enter(own, name="王二", phone="13800000002")
    client = logged_in(own.app, "dispatcher")
    send(client, number, one, "近")
    address = f"/v1/cases/{number}/called-people"
    assert [(each["name"], each["phone"]) for each in client.get(address).json()["people"]] == [
        ("李一", "13800000001")
    ]
    for name in ("supervisor", "officer.a", "li.yi", "viewer.a"):
        assert logged_in(own.app, name).get(address).status_code == 403
    log = (
        logged_in(own.app, "supervisor")
        .get("/v1/access-log", params={"path": address, "user": "dispatcher"})
        .json()
    )
    assert [row["status"] for row in log["calls"]] == [200]


def test_of_two_at_the_same_moment_one_goes_through(own: Api, number: str) -> None:
    one = enter(own, name="李一", username="li.yi")
    clients = [logged_in(own.app, "dispatcher") for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda client: send(client, number, one), clients))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    at = next(f"/v1/dispatches/{answer.json()['id']}" for answer in answers if answer.status_code == 201)
    both = [logged_in(own.app, "li.yi") for _ in range(2)]
    steps = [("accept", {}), ("recall", {"reason": "撤"})]
    with ThreadPoolExecutor(2) as pool:
        same = list(pool.map(lambda client: client.post(f"{at}/accept", json={}, headers=ANY), both))
    assert sorted(answer.status_code for answer in same) == [200, 409]
    who = [both[0], clients[0]]
    with ThreadPoolExecutor(2) as pool:
        asked = zip(who, [("arrive", {}), steps[1]], strict=True)
        mixed = list(
            pool.map(lambda each: each[0].post(f"{at}/{each[1][0]}", json=each[1][1], headers=ANY), asked)
        )
    assert sorted(answer.status_code for answer in mixed) in ([200, 200], [200, 409])
    assert clients[0].get(at).json()["state"] in ("arrived", "recalled") and holds(own)


def test_rows_follow_the_chain_and_nobody_writes_them_beside_it(own: Api, number: str) -> None:
    one = enter(own, name="李一")
    made = send(logged_in(own.app, "dispatcher"), number, one).json()["id"]
    with pytest.raises(Exception, match="written by record_case_event"), session(SYSTEM, own.url) as db:
        db.execute(text("UPDATE dispatches SET state = 'arrived' WHERE id = :id"), {"id": made})
    for forged in ("UPDATE dispatches SET state = 'arrived'", "UPDATE dispatches SET officer_id = officer_id + 1",
                   "UPDATE dispatches SET state = 'ended', ended_at = now()", "DELETE FROM dispatches"):  # fmt: skip
        with session(SYSTEM, own.url) as db:
            db.execute(text("SET LOCAL wangge.records_case = 'on'"))
            db.execute(text(forged))
            (fault,) = verify_chain(db, number)
            assert "dispatches are not those of its events" in str(fault), forged
            db.rollback()
    assert holds(own)


def test_a_step_of_a_dispatch_is_not_taken_as_a_bare_event(own: Api, number: str) -> None:
    client = logged_in(own.app, "dispatcher")
    for action in ("send_officer", "accept_call", "decline_call", "report_in", "recall"):
        answer = client.post(f"/v1/cases/{number}/events", json={"action": action, "note": "x"}, headers=ANY)
        assert answer.status_code == 422 and "派员接口" in answer.json()["detail_zh"], answer.text
        assert action not in client.get(f"/v1/cases/{number}").json()["available_actions"]
    forged = {"action": "note", "note": "x", "payload": {"dispatch": {"of": 1}}}
    assert client.post(f"/v1/cases/{number}/events", json=forged, headers=ANY).status_code == 422
