"""Clues and reports: received by every door, decided by clerks, nothing personal in public answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from geo_api.server.app import create_app
from grid.gazetteer import refresh_place_names
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, logged_in

AT_A = {"lon": 120.11, "lat": 31.21}
SEA = {"lon": 125.0, "lat": 31.2}


@pytest.fixture(scope="module")
def api(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """An application of this module's own: which matters and past cases there are decides what is suggested."""
    yield from api_over(seeded, "clues", tmp_path_factory.mktemp("clues"))


@pytest.fixture(scope="module")
def clerk(api: Api) -> TestClient:
    with session(SYSTEM, api.url) as db:
        refresh_place_names(db)
        db.execute(
            text(
                "INSERT INTO matters (item_code, name, domain, keywords, duplicate_radius_m, duplicate_days, valid_from, valid_to)"
                " VALUES ('ECO-001', '疑似非法复工', 'ecology', '{停产,复工,夜间生产}', 200, 10, '2020-01-01', NULL),"
                "  ('URB-9', '擅自占用道路摆摊经营', 'urban', '{摊贩}', NULL, NULL, '2020-01-01', NULL),"
                "  ('OLD-1', '旧事项', 'ecology', '{}', NULL, NULL, '2020-01-01', current_date)"
                " ON CONFLICT (item_code, valid_from) DO UPDATE SET keywords = excluded.keywords,"
                " duplicate_radius_m = 200, duplicate_days = 10"
            )
        )
    return logged_in(api.app, "dispatcher")


def clue(client: TestClient, **values: Any) -> dict[str, Any]:
    answer = client.post("/v1/clues", json={"text": "厂区夜间冒烟", **AT_A, **values})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_clue_is_verified_and_becomes_a_case_with_its_source(api: Api, clerk: TestClient) -> None:
    made = clue(clerk, source="hotline", name="张三", phone="13812345678", urgency="urgent")
    assert made["state"] == "received" and made["reporter"]["phone"] == "13812345678"
    body = {"title": "夜间冒烟", "item_code": "ECO-001", **AT_A}
    opened = clerk.post(f"/v1/clues/{made['id']}/open", json=body)
    assert opened.status_code == 201, opened.text
    case = clerk.get(f"/v1/cases/{opened.json()['number']}").json()
    first = case["events"][0]["payload"]
    assert (first["source"], first["clue"]) == ("hotline", made["id"])
    # Who handles the case reads what was told, wherever its own area lies; who told it stays with the clerks.
    with session(SYSTEM, api.url) as db:
        create_user(
            db,
            username="party",
            password=PASSWORD,
            role="officer",
            area_code="320601002",
            body=case["lead_body"],
        )
        create_user(db, username="nobody", password=PASSWORD, role="officer", area_code="320601002")
    party = logged_in(api.app, "party")
    (told,) = party.get(f"/v1/cases/{case['number']}").json()["told"]
    assert (told["clue_id"], told["text"]) == (made["id"], "厂区夜间冒烟")
    assert party.get(f"/v1/clues/{made['id']}").json()["reporter"] is None
    assert logged_in(api.app, "nobody").get(f"/v1/clues/{made['id']}").status_code == 404
    assert "张三" not in str(case) and "13812345678" not in str(case)
    again = clerk.post(f"/v1/clues/{made['id']}/open", json=body)
    assert again.status_code == 409 and "已处理" in again.json()["detail_zh"]
    assert clerk.get(f"/v1/clues/{made['id']}").json()["case_number"] == opened.json()["number"]


def test_rejected_merged_and_linked(api: Api, clerk: TestClient) -> None:
    first, second, third = clue(clerk), clue(clerk), clue(clerk)
    near = clerk.get("/v1/clues/duplicates", params={**AT_A, "item_code": "ECO-001"}).json()
    assert (near["radius_m"], near["days"]) == (200, 10)
    assert {str(first["id"]), str(second["id"])} <= {each["key"] for each in near["duplicates"]}
    far = clerk.get(
        "/v1/clues/duplicates", params={"lon": 120.114, "lat": 31.21, "item_code": "ECO-001"}
    ).json()
    assert str(first["id"]) not in {each["key"] for each in far["duplicates"]}, "380 m away"
    merged = clerk.post(f"/v1/clues/{second['id']}/merge", json={"clue_id": first["id"]}).json()
    assert (merged["state"], merged["merged_into"]) == ("merged", first["id"])
    itself = clerk.post(f"/v1/clues/{first['id']}/merge", json={"clue_id": second["id"]})
    assert itself.status_code == 422 and "自身" in itself.json()["detail_zh"]
    rejected = clerk.post(f"/v1/clues/{first['id']}/reject", json={"reason": "重复来电"}).json()
    assert (rejected["state"], rejected["reason"]) == ("rejected", "重复来电")
    case = clerk.post(
        "/v1/cases", json={"title": "案", "text": "内容", "item_code": "ECO-001", **AT_A}
    ).json()["number"]
    linked = clerk.post(f"/v1/clues/{third['id']}/link", json={"case_number": case}).json()
    assert linked["related_cases"] == [case] and linked["state"] == "received"
    into = clerk.post(f"/v1/clues/{third['id']}/merge", json={"case_number": case}).json()
    assert (into["state"], into["case_number"]) == ("merged", case)


def test_who_sees_a_clue_and_its_reporter(api: Api, clerk: TestClient) -> None:
    made = clue(clerk, name="李四", phone="13900000000")
    path = f"/v1/clues/{made['id']}"
    own = logged_in(api.app, "grid.a").get(path)
    assert own.status_code == 200 and own.json()["reporter"] is None and "李四" not in own.text
    assert logged_in(api.app, "officer.b").get(path).status_code == 404
    assert logged_in(api.app, "viewer.a").get(path).status_code == 403
    assert TestClient(api.app).get(path).status_code == 401
    listed = logged_in(api.app, "officer.b").get("/v1/clues").json()["clues"]
    assert made["id"] not in {each["id"] for each in listed}


@pytest.mark.parametrize(
    ("values", "member"),
    [
        ({**SEA}, "lon, lat"),
        ({"lon": None, "lat": None, "address": "上海市浦东新区世纪大道1号"}, "address"),
        ({"lon": None, "lat": None}, "address"),
        ({"lat": None}, "lon and lat"),
        ({"item_code": "OLD-1"}, "item_code"),
        ({"item_code": "NONE"}, "item_code"),
        ({"phone": "我的电话"}, "phone"),
        ({"text": "响铃\u0007响铃"}, "text"),
        ({"name": "a\u200b\u0000b"}, "name"),
        ({"email": "x"}, "email"),
    ],
)
def test_unfit_clues_name_the_member_and_write_nothing(
    api: Api, clerk: TestClient, values: dict[str, Any], member: str
) -> None:
    def stored() -> int:
        with session(SYSTEM, api.url) as db:
            return int(db.execute(text("SELECT count(*) FROM clues")).scalar_one())

    before = stored()
    answer = clerk.post("/v1/clues", json={"text": "厂区夜间冒烟", **AT_A, **values})
    assert answer.status_code in (400, 422), answer.text
    if "detail_zh" in answer.json():
        assert answer.json()["detail"].startswith(member) or answer.status_code == 400
    assert stored() == before


def test_huge_and_broken_texts_are_refused(clerk: TestClient) -> None:
    assert clerk.post("/v1/clues", json={"text": "x" * 20_000_000, **AT_A}).status_code == 413
    broken = clerk.post(
        "/v1/clues",
        content=b'{"text": "\\ud800\\ud800", "lon": 120.1, "lat": 31.2}',
        headers={"content-type": "application/json"},
    )
    assert broken.status_code in (400, 422)


def test_one_key_opens_one_case(api: Api, clerk: TestClient) -> None:
    with session(SYSTEM, api.url) as db:
        create_user(db, username="other.system", password=PASSWORD, role="service", area_code="320601001")
        key = create_key(db, "other.system")
    client = TestClient(api.app, headers={"Authorization": f"Bearer {key}", "Idempotency-Key": "k-1"})
    body = {"title": "平台转办", "text": "转办内容", "item_code": "ECO-001", **AT_A}
    first, second = client.post("/v1/cases", json=body), client.post("/v1/cases", json=body)
    assert first.status_code == second.status_code == 201 and first.json() == second.json()
    other = client.post("/v1/cases", json=body | {"title": "另一件"})
    assert other.status_code == 422 and "Idempotency-Key" in other.json()["detail_zh"]
    # The key has the rights of its account: no case in another town, and nothing half-written.
    beyond = client.post("/v1/cases", json=body | {"lon": 120.7}, headers={"Idempotency-Key": "k-2"})
    assert beyond.status_code == 403
    with session(SYSTEM, api.url) as db:
        assert db.execute(text("SELECT count(*) FROM clues WHERE idempotency_key = 'k-2'")).scalar_one() == 0


def test_the_public_reports_without_an_account_and_asks_by_code(api: Api, clerk: TestClient) -> None:
    public = TestClient(api.app)
    assert public.get("/report").status_code == 200
    sent = {"text": "河水发黑", "address": "A镇A社区", "name": "王五", "phone": "13700000000"}
    code = public.post("/v1/reports", json=sent).json()["code"]
    with session(SYSTEM, api.url) as db:
        stored = db.execute(text("SELECT clues::text FROM clues ORDER BY id DESC LIMIT 1")).scalar_one()
        clue_id = db.execute(text("SELECT max(id) FROM clues")).scalar_one()
    assert code not in stored and code.replace("-", "") not in stored
    assert "王五" not in stored
    found = public.post("/v1/reports/status", json={"code": code.lower()})
    assert found.json()["state"] == "received" and [s["step_en"] for s in found.json()["steps"]] == [
        "It was received"
    ]
    body = {"title": "河水发黑", "item_code": "ECO-001", **AT_A}
    number = clerk.post(f"/v1/clues/{clue_id}/open", json=body).json()["number"]
    told = public.post("/v1/reports/status", json={"code": code})
    assert told.json()["case_state"] == "reported" and len(told.json()["steps"]) == 2
    for secret in ("王五", "13700000000", "dispatcher", number, "河水"):
        assert secret not in told.text
    assert public.post("/v1/reports/status", json={"code": "AAAA"}).status_code == 404


def test_reports_of_one_address_are_limited(api: Api) -> None:
    settings = api.settings.model_copy(update={"rate_limits": "reports=0.01/3"})
    public = TestClient(create_app(settings))
    answers = [public.post("/v1/reports/status", json={"code": "AAAA"}).status_code for _ in range(5)]
    assert answers == [404, 404, 404, 429, 429]


def test_matters_and_places_are_suggested_never_chosen(clerk: TestClient) -> None:
    found = clerk.get("/v1/clues/matters", params={"text": "路口有人占道摆摊"}).json()["matters"]
    assert found[0]["item_code"] == "URB-9" and "摆摊" in found[0]["matched"]
    places = clerk.get("/v1/places", params={"address": "A镇A社区测试A化工厂"}).json()
    assert places["candidates"][0]["name"] == "测试A化工厂"
    made = clue(clerk, lon=None, lat=None, address="A镇A社区测试A化工厂")
    assert made["geometry"] is None and made["candidates"][0]["name"] == "测试A化工厂"


def test_a_clerk_gets_a_query_code_for_the_caller_once(api: Api, clerk: TestClient) -> None:
    body = {"text": "厂区夜间冒烟", "with_code": True, **AT_A}
    key = {"Idempotency-Key": "call-1"}
    made = clerk.post("/v1/clues", json=body, headers=key).json()
    told = TestClient(api.app).post("/v1/reports/status", json={"code": made["code"]})
    assert told.status_code == 200 and told.json()["state"] == "received"
    again = clerk.post("/v1/clues", json=body, headers=key).json()
    assert again["id"] == made["id"] and again["code"] is None, "it was shown before"
    assert clue(clerk)["code"] is None, "nobody asked for one"


def test_clues_are_listed_by_source_and_duplicates_tell_their_place(clerk: TestClient) -> None:
    made = clue(clerk, source="grid", item_code="ECO-001", lon=120.2, lat=31.4)
    listed = clerk.get("/v1/clues", params={"source": "grid", "limit": 500}).json()["clues"]
    assert made["id"] in [each["id"] for each in listed] and {each["source"] for each in listed} == {"grid"}
    near = clerk.get(
        "/v1/clues/duplicates", params={"lon": 120.201, "lat": 31.4, "item_code": "ECO-001"}
    ).json()
    (found,) = [each for each in near["duplicates"] if each["key"] == str(made["id"])]
    assert (found["lon"], found["lat"]) == (120.2, 31.4)
    assert 94 < found["distance_m"] < 96, "a thousandth of a degree at 31.4° north"
