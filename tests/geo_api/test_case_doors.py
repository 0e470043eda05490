"""Bad input at every door of the case: field and reason in both languages, and nothing written.

Photos and PDFs are tried in ``test_attachments``, bombs and forms of files in ``test_hostile_bombs`` and
``test_hostile_forms``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from grid.cases import open_case
from grid.gazetteer import refresh_place_names
from grid.responsibility import assign
from layers.local_time import local_day
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, logged_in
from tests.support.case_steps import move
from tests.support.officers import OfficerFacts, add_officer

NOW = dt.datetime.now(dt.UTC)
AT = {"lon": 120.11, "lat": 31.21}
SEA = {"lon": 125.0, "lat": 31.2}
BODY = "测试区生态环境局"
HAN = re.compile(r"[㐀-鿿]")
WRITTEN = (
    "clues", "clue_reporters", "cases", "case_events", "dispatches", "attachments", "bodies", "officers", "matters",
    "duty_proposals", "batches", "webhooks", "api_keys",
)  # fmt: skip


@dataclass(frozen=True)
class Doors:
    """The application with a dispatched case, and what stands for its ids in paths and bodies."""

    api: Api
    clients: dict[str, TestClient]
    ids: dict[str, Any]

    def counts(self) -> tuple[int, ...]:
        with session(SYSTEM, self.api.url) as db:
            counted = ", ".join(f"(SELECT count(*) FROM {table})" for table in WRITTEN)
            return tuple(db.execute(text(f"SELECT {counted}")).one())


@pytest.fixture(scope="module")
def doors(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    for api in api_over(seeded, "doors", tmp_path_factory.mktemp("doors")):
        with session(SYSTEM, api.url) as db:
            refresh_place_names(db)
            db.execute(
                text(
                    "INSERT INTO matters (item_code, name, domain, keywords, valid_from, valid_to) VALUES"
                    " ('ECO-001', '疑似非法复工', 'ecology', '{停产}', '2020-01-01', NULL),"
                    " ('OLD-1', '旧事项', 'ecology', '{}', '2020-01-01', :today)"
                ),
                {"today": local_day(NOW)},
            )
            found = assign(db, lon=120.1, lat=31.2, item_code="ECO-001", at=NOW)
            place: dict[str, Any] = {"lon": 120.1, "lat": 31.2, "opened_at": NOW}
            number = open_case(db, title="t", item_code="ECO-001", assignment=found, **place).number
            move(db, number, "verify", "file", "dispatch")
            officers = {
                "fit": add_officer(db, OfficerFacts("甲", BODY)),
                "ended": add_officer(db, OfficerFacts("戊", BODY, certified_until="2026-01-01")),
                "gone": add_officer(db, OfficerFacts("辛", BODY)),
            }
            db.execute(
                text("UPDATE officers SET valid_to = :today WHERE officer_id = :gone"),
                {"today": local_day(NOW), **officers},
            )
            create_user(db, username="systems", password=PASSWORD, role="service")
            ids = {"number": number, **officers, "key": create_key(db, "systems")}
        names = ("dispatcher", "supervisor", "officer.a")
        clients = {name: logged_in(api.app, name) for name in names}
        clients["public"] = TestClient(api.app, raise_server_exceptions=False)
        clue = clients["dispatcher"].post("/v1/clues", json={"text": "厂区夜间冒烟", **AT}).json()
        sent = clients["dispatcher"].post(
            f"/v1/cases/{number}/dispatches", json={"officer_id": ids["fit"]}, headers={"If-Match": "*"}
        )
        assert sent.status_code == 201, sent.text
        yield Doors(api, clients, ids | {"clue": clue["id"], "dispatch": sent.json()["id"]})


CLUE = {"text": "厂区夜间冒烟", **AT}
CASE = {"title": "平台转办", **CLUE, "item_code": "ECO-001"}
OPEN = {"title": "夜间冒烟", "item_code": "ECO-001", **AT}
ENTRY = {"valid_from": "2026-12-01"}
CERTIFIED = {
    "name": "王",
    "certificate_from": "2020-01-01",
    "certificate_to": "2999-01-01",
    "body_code": BODY,
}
DUTY = "item_code,item,domain,legal_basis,kind,body,level,area_code,role,valid_from,valid_to\n"
LINE = "ECO-009,某,ecology,法,penalty,{body},county,320601,lead,2027-01-01,{until}\n"
LIST = "/v1/duty-proposals?effective_on=2027-01-01&covers=items"
STEP, MOVE = "/v1/cases/{number}/events", "/v1/cases/{number}/relocation"
SEND, CALL = "/v1/cases/{number}/dispatches", "/v1/dispatches/{dispatch}"

# who, path, body, status, what the English reason begins with, a part of the Chinese one
BAD: list[tuple[str, str, Any, int, str, str]] = [
    ("dispatcher", "/v1/clues", {**AT}, 422, "text: ", "text：缺少此项"),
    ("dispatcher", "/v1/clues", {**CLUE, "colour": 1}, 422, "colour: ", "colour：没有此项"),
    ("dispatcher", "/v1/clues", {**CLUE, "text": "烟" * 4001}, 422, "text: ", "最多 4000 个字符"),
    ("dispatcher", "/v1/clues", {**CLUE, "text": 5}, 422, "text: ", "应为文本"),
    ("dispatcher", "/v1/clues", {**CLUE, "lon": 999}, 422, "lon: ", "不得大于 180"),
    ("dispatcher", "/v1/clues", {**CLUE, "lon": "东"}, 422, "lon: ", "应为数字"),
    ("dispatcher", "/v1/clues", {**CLUE, "source": "moon"}, 422, "source: ", "'grid' 或 'system'"),
    ("dispatcher", "/v1/clues", {**CLUE, "item_code": "a\0"}, 422, "item_code: ", "空字符"),
    ("dispatcher", "/v1/clues", {**CLUE, "text": "冒\ufffd烟"}, 422, "text: ", "已损坏"),
    ("dispatcher", "/v1/clues", b'{"text": "\\ud800\\ud800", "lon": 1, "lat": 1}', 400, "body: ", "请求体"),
    ("dispatcher", "/v1/clues", [1], 422, "body: ", "应为 JSON 对象"),
    ("public", "/v1/reports", {**CLUE, "text": "冒\0烟"}, 422, "text: ", "空字符"),
    ("public", "/v1/reports", {**CLUE, "address": "a\u0007"}, 422, "address: ", "控制字符"),
    ("public", "/v1/reports", SEA | {"text": "冒烟"}, 422, "lon, lat: ", "不在本市"),
    ("public", "/v1/reports", {"text": "冒烟", "address": "上海市浦东新区世纪大道1号"}, 422, "address: ", "不在本市"),
    ("public", "/v1/reports/status", {"code": "AAAA"}, 404, "code: ", "没有此查询码"),
    ("dispatcher", "/v1/clues/{clue}/open", {**OPEN, "item_code": "OLD-1"}, 422, "item_code: ", "已于"),
    ("dispatcher", "/v1/clues/{clue}/open", {**OPEN, **SEA}, 422, "lon, lat: ", "不在本市"),
    ("dispatcher", "/v1/clues/{clue}/open", {**OPEN, "title": "  "}, 422, "title: ", "不能为空"),
    ("dispatcher", "/v1/clues/{clue}/open", {**OPEN, "title": "a\u0007"}, 422, "title: ", "控制字符"),
    ("dispatcher", "/v1/clues/{clue}/reject", {"reason": " "}, 422, "reason: ", "理由"),
    ("dispatcher", "/v1/clues/{clue}/merge", {}, 422, "case_number, clue_id: ", "须给出其一"),
    ("dispatcher", "/v1/clues/{clue}/link", {"case_number": "NO"}, 404, "no case", "没有案件 NO"),
    ("dispatcher", "/v1/clues/9999/reject", {"reason": "x"}, 404, "no clue", "没有线索"),
    ("dispatcher", "/v1/cases", {**CASE, "item_code": "OLD-1"}, 422, "item_code: ", "已于"),
    ("dispatcher", "/v1/cases", {**CASE, "title": " "}, 422, "title: ", "不能为空"),
    ("dispatcher", "/v1/cases", {**CASE, **SEA}, 422, "lon, lat: ", "不在本市"),
    ("officer.a", STEP, {"action": "fly"}, 409, "unknown step", "未知的操作"),
    ("officer.a", STEP, {"action": "return", "note": "a\0"}, 422, "note: ", "空字符"),
    ("officer.a", STEP, {"action": "return", "note": "x", "payload": {"a": ["b\0"]}}, 422, "payload.a.0: ", "空字符"),
    ("officer.a", STEP, {"action": "return", "note": "x", "payload": {"body": BODY}}, 422, "payload.body: ", "系统写入"),
    ("dispatcher", STEP, {"action": "reassign", "note": "x", "payload": {"lead_body": "甲局", "co_handlers": []}}, 422,
     "", "没有“甲局”"),
    ("officer.a", STEP, {"action": "extend", "note": "x", "payload": {"days": -5}}, 422, "payload.days: ", "1 至 365"),
    ("officer.a", "/v1/cases/NO/events", {"action": "close"}, 404, "no case", "没有案件"),
    ("dispatcher", "/v1/cases/{number}/attachments?name=a%00", b"%PDF-1.4", 400, "name: ", "空字符"),
    ("dispatcher", "/v1/cases/{number}/attachments?name=x", b"x" * (26 << 20), 413, "A body", "字节"),
    ("dispatcher", "/v1/cases/{number}/attachments/9/take-back", {"reason": "x"}, 404, "no attachment", "没有附件"),
    ("dispatcher", MOVE, {**SEA, "reason": "x"}, 422, "lon, lat: ", "不在本市"),
    ("dispatcher", MOVE, {"lon": 120.1, "lat": 31.2, "reason": "x"}, 422, "lon, lat: ", "已在此位置"),
    ("dispatcher", MOVE, {**AT, "reason": " "}, 409, "change the place", "必须填写原因"),
    ("dispatcher", SEND, {"officer_id": "ended", "reason": "x"}, 409, "戊 has no certificate", "没有有效的执法证件"),
    ("dispatcher", SEND, {"officer_id": "gone", "reason": "x"}, 404, "officer_id: ", "没有执法人员"),
    ("dispatcher", SEND, {"officer_id": "甲"}, 422, "officer_id: ", "应为整数"),
    ("dispatcher", CALL + "/arrive", {"lon": 120.1}, 422, "body: ", "须同时给出"),
    ("dispatcher", CALL + "/accept", {}, 409, "note: ", "须填写说明"),
    ("dispatcher", "/v1/dispatches/9999/accept", {}, 404, "no dispatch", "没有派员"),
    ("dispatcher", "PUT /v1/registers/bodies/N", {**ENTRY, "values": {"name": "a\0"}}, 422, "values.name: ", "空字符"),
    ("dispatcher", "PUT /v1/registers/bodies/N%00", {**ENTRY, "values": {"name": "a"}}, 400, "key: ", "空字符"),
    ("dispatcher", "PUT /v1/registers/bodies/N", {"valid_from": "2026-13-01", "values": {"name": "a"}}, 422,
     "valid_from: ", "应为日期"),
    ("dispatcher", "PUT /v1/registers/bodies/N", {**ENTRY, "values": {"name": "a", "level": "moon"}}, 422, "level", "可选值"),
    ("dispatcher", "PUT /v1/registers/bodies/N", {**ENTRY, "values": {"name": "局" * 2001, "level": "city"}}, 422,
     "name", "超过 2000"),
    ("dispatcher", "PUT /v1/registers/officers/N", {**ENTRY, "values": CERTIFIED | {"body_code": "甲局"}}, 422,
     "body_code", "主体登记簿中没有"),
    ("dispatcher", "PUT /v1/registers/officers/N", {**ENTRY, "values": CERTIFIED | {"certificate_to": "2021-01-01"}}, 422,
     "certificate_to", "证件已过期"),
    ("dispatcher", "PUT /v1/registers/officers/N", {**ENTRY, "values": CERTIFIED | {"certificate_to": "2019-01-01"}}, 422,
     "certificate_to", "早于起日"),
    ("dispatcher", "PUT /v1/registers/matters/N", {**ENTRY, "values": {"name": "a", "domain": "ecology", "public": "?"}}, 422,
     "public", "可选值"),
    ("dispatcher", "PUT /v1/registers/matters/N", {**ENTRY, "values": {"name": "a", "domain": "ecology",
     "limit_overall": "soon"}}, 422, "limit_overall", "时限写法有误"),
    ("dispatcher", LIST, (DUTY + LINE.format(body="甲局", until="")).encode(), 422, "body: ", "不在登记簿中"),
    ("dispatcher", LIST, (DUTY + LINE.format(body=BODY, until="2026-01-01")).encode(), 422, "dates_reversed", "止日不晚于起日"),
    ("dispatcher", LIST, (DUTY + LINE.format(body="a\0b", until="")).encode(), 422, "body", "空字符"),
    ("dispatcher", LIST, b"x" * (9 << 20), 413, "A body", "字节"),
    ("supervisor", "/v1/duty-proposals/9999/approve", None, 404, "no proposal", "没有清单提案"),
    ("supervisor", "/v1/webhooks", {"url": "ftp://a/b"}, 422, "url: ", "网址"),
    ("supervisor", "/v1/webhooks", {"url": "https://10.1.2.3/"}, 422, "10.1.2.3: ", "不是公网地址"),
    ("supervisor", "/v1/webhooks", {"url": "https://[::1]/x"}, 422, "::1: ", "不是公网地址"),
    ("supervisor", "/v1/webhooks", {"url": "https://a.example/", "types": ["a b"]}, 422, "types: ", "类型无效"),
    ("dispatcher", "/v1/account/keys", {"name": "a\0", "password": PASSWORD}, 422, "name: ", "空字符"),
    ("dispatcher", "/v1/account/keys", {"name": " ", "password": PASSWORD}, 422, "name: ", "不能为空"),
    ("dispatcher", "/v1/account/keys", {"name": "a", "password": PASSWORD, "days": 999}, 422, "days: ", "不得大于 366"),
    ("supervisor", "/v1/cases/{number}/take-down", {"reason": "x"}, 404, "case", "未公示"),
    ("public", "GET /v1/published-cases?town=a%00", None, 400, "town: ", "空字符"),
    ("public", "GET /v1/published-cases?since=2026-02-30", None, 400, "since: ", "应为日期"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "path", "body", "status", "told", "told_zh"),
    BAD,
    ids=[f"{n} {each[1]}" for n, each in enumerate(BAD)],
)
def test_bad_input_is_told_with_field_and_reason_in_both_languages_and_writes_nothing(
    doors: Doors, who: str, path: str, body: Any, status: int, told: str, told_zh: str
) -> None:
    before = doors.counts()
    method, _, path = path.rpartition(" ") if " " in path else ("POST", "", path)
    if isinstance(body, dict) and body.get("officer_id") in doors.ids:
        body = body | {"officer_id": doors.ids[body["officer_id"]]}
    sent = {"content": body} if isinstance(body, bytes) else {"json": body}
    headers = {"If-None-Match": "*"} if method == "PUT" else {"If-Match": "*"}
    if isinstance(body, bytes) and body.startswith(b"{"):
        headers["Content-Type"] = "application/json"
    answer = doors.clients[who].request(method, path.format(**doors.ids), headers=headers, **sent)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (
        answer.text
    )
    problem = answer.json()
    fields = [fault["field"] for fault in problem.get("faults") or []]
    assert problem["detail"].startswith(told) or told in fields, problem
    assert told_zh in problem.get("detail_zh", problem["detail"]), problem
    assert HAN.search(problem.get("detail_zh", problem["detail"]))
    assert doors.counts() == before


@pytest.mark.parametrize(
    ("path", "form", "status", "told"),
    [
        ("requests.json", {"long": "125"}, 400, "不在本市"),
        ("requests.json", {"service_code": "OLD-1"}, 404, "没有此服务"),
        ("requests.json", {"description": "a\0b"}, 400, "description"),
        ("requests.json", {"lat": "nan"}, 400, "经纬度无效"),
        ("requests.json", b"&description=%ed%a0%80smoke", 400, "已损坏"),
        ("requests.json?service_code=a%00", None, 400, "空字符"),
        ("requests.json?start_date=9999-12-31T00:00:00Z", None, 400, "start_date"),
        ("requests.json?end_date=0001-01-01T00:00:00Z", None, 400, "end_date"),
    ],
)
def test_bad_input_at_open311_is_its_list_of_errors_and_writes_nothing(
    doors: Doors, path: str, form: Any, status: int, told: str
) -> None:
    before, public = doors.counts(), doors.clients["public"]
    fit = {"api_key": doors.ids["key"], "service_code": "ECO-001", "lat": "31.21", "long": "120.11"}
    if form is None:
        answer = public.get(f"/open311/v2/{path}")
    elif isinstance(form, bytes):
        content = "&".join(f"{name}={value}" for name, value in fit.items()).encode() + form
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = public.post(f"/open311/v2/{path}", content=content, headers=kind)
    else:
        answer = public.post(f"/open311/v2/{path}", data=fit | {"description": "冒烟"} | form)
    assert answer.status_code == status, answer.text
    (error,) = answer.json()
    assert error["code"] == status and told in error["description"]
    assert doors.counts() == before


def test_a_matter_is_withdrawn_by_the_day_of_the_city(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """At six in the morning in Beijing it is still yesterday in UTC: a matter that ended today is refused."""
    from grid.errors import GridError
    from grid.intake import ClueFacts, receive_clue

    day = dt.date(2026, 11, 29)
    early = dt.datetime(2026, 11, 28, 22, tzinfo=dt.UTC)  # 06:00 on the 29th in Beijing
    assert local_day(early) == day
    with session(SYSTEM, doors.api.url) as db:
        db.execute(text("UPDATE matters SET valid_to = :day WHERE item_code = 'OLD-1'"), {"day": day})
        with pytest.raises(GridError, match="withdrawn on 2026-11-29"):
            receive_clue(db, ClueFacts("hotline", "冒烟", **AT, item_code="OLD-1"), at=early)
        before = early - dt.timedelta(hours=8)
        assert receive_clue(db, ClueFacts("hotline", "冒烟", **AT, item_code="OLD-1"), at=before).id
        db.rollback()
