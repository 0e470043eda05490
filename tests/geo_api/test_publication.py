"""Publication of decided cases: which, what of them, that no person is named, and the taking down."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from grid.cases import open_case, personal_marks, publish_decided, verify_chain
from grid.responsibility import assign
from layers.postgres import SYSTEM, session
from tests.support.application import Api, Seeded, api_over, logged_in
from tests.support.case_steps import TO_FED_BACK, move

OPENED = dt.datetime(2026, 3, 1, 10, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
PERSONAL = ["苏FA1234", "苏F·A１２３４", "苏 F A12345", "13800001111", "138-0000-1111", "+86 138 0000 1111", "320601198001011234",
            "32060119800101123X", "0513-85551234", "人民路12号", "3幢402室", "王五先生", "a@b.example",
            "苏\u200bFA1234", "１３８００００１１１１"]  # fmt: skip


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    yield from api_over(seeded, f"published_{tmp_path.name}", tmp_path)


def matter(api: Api, public: bool = True) -> None:
    with session(SYSTEM, api.url) as db:
        db.execute(
            text(
                "INSERT INTO matters (item_code, name, domain, public, valid_from)"
                " VALUES ('ECO-001', '非法复工', 'ecology', :public, '2020-01-01')"
                " ON CONFLICT (item_code, valid_from) DO UPDATE SET public = EXCLUDED.public"
            ),
            {"public": public},
        )
        db.execute(
            text("UPDATE matters SET public = :public WHERE item_code = 'ECO-001'"), {"public": public}
        )


def decided(
    api: Api, *, decision: str | None = "fined", note: str = "已处置", close: bool = True, **facts: Any
) -> str:
    place = {"lon": 120.1234567, "lat": 31.2345678}
    with session(SYSTEM, api.url) as db:
        answer = assign(db, item_code="ECO-001", at=OPENED, **place)
        case = open_case(
            db, title=facts.pop("title", "t"), item_code="ECO-001", assignment=answer, opened_at=OPENED,
            **place, **facts,
        )  # fmt: skip
        for action in (*TO_FED_BACK, "check", "close"):
            if action == "close" and not close:
                break
            payload = {"decision": decision} if action == "dispose" and decision else {}
            at = dt.datetime(2026, 4, 30, 20, tzinfo=dt.UTC)
            move(db, case.number, action, note=note, payload=payload, at=at)
        return str(case.number)


def publish(api: Api) -> tuple[int, int]:
    with session(SYSTEM, api.url) as db:
        return publish_decided(db, NOW)


def shown(api: Api) -> list[Any]:
    return list(TestClient(api.app).get("/v1/published-cases").json()["features"])


def test_a_decided_case_of_a_public_matter_is_shown_to_the_town(own: Api) -> None:
    matter(own)
    number = decided(own)
    decided(own, close=False), decided(own, decision=None)
    assert publish(own) == (1, 0) and publish(own) == (0, 0)
    (feature,) = shown(own)
    told = feature["properties"]
    assert (feature["id"], told["matter"], told["decision"], told["decision_zh"]) == (
        number,
        "非法复工",
        "fined",
        "罚款",
    )
    assert told["decided_on"] == "2026-05-01", "the day in the city"
    with session(SYSTEM, own.url) as db:
        town = db.execute(
            text("SELECT code, name, ST_X(label_point), ST_Y(label_point) FROM areas WHERE code = :code"),
            {"code": told["town_code"]},
        ).one()
    assert (told["town"], feature["geometry"]["coordinates"]) == (town[1], list(town[2:]))
    assert "120.123" not in json.dumps(feature)


def test_a_case_of_a_matter_that_is_not_public_is_not_shown_and_withdrawn_when_the_rule_changes(
    own: Api,
) -> None:
    matter(own, public=False)
    decided(own)
    assert publish(own) == (0, 0)
    matter(own)
    assert publish(own) == (1, 0) and len(shown(own)) == 1
    matter(own, public=False)
    assert publish(own) == (0, 1) and shown(own) == []


@pytest.mark.parametrize("outcome", ["confirmed", "legal_use", "cannot_tell", None])
def test_a_case_of_an_alert_is_shown_when_its_outcome_is_confirmed(own: Api, outcome: str | None) -> None:
    matter(own)
    with session(SYSTEM, own.url) as db:
        alert, site = db.execute(text("SELECT id, site_id FROM alerts ORDER BY id LIMIT 1")).one()
        db.execute(
            text("UPDATE alerts SET outcome = :outcome WHERE id = :id"), {"outcome": outcome, "id": alert}
        )
    decided(own, alert_id=alert, site_id=site)
    assert publish(own)[0] == (1 if outcome == "confirmed" else 0)


@pytest.mark.parametrize("hostile", PERSONAL)
def test_no_text_that_a_person_typed_and_no_mark_of_a_person_gets_out(own: Api, hostile: str) -> None:
    matter(own)
    with session(SYSTEM, own.url) as db:
        site = db.scalar(text("SELECT id FROM sites ORDER BY id LIMIT 1"))
        db.execute(text("UPDATE enterprises SET name = :name"), {"name": f"某厂{hostile}"})
        db.execute(text("UPDATE enterprises SET uscc = '91' || substr(uscc, 3)"))
    decided(own, title=hostile, note=hostile, decision="fined", site_id=site)
    decided(own, title=hostile, note=hostile, decision=hostile)
    assert publish(own) == (1, 0)
    client = TestClient(own.app)
    for path in ("/v1/published-cases", "/v1/published-cases.rss", "/published"):
        content = client.get(path).text
        assert hostile not in content and hostile not in json.loads(json.dumps(content)), path
    assert shown(own)[0]["properties"]["enterprise"] is None and personal_marks(hostile)


@pytest.mark.parametrize(("code", "named"), [("91", True), ("92", False), ("93", False), ("11", False)])
def test_only_registered_enterprises_are_named(own: Api, code: str, named: bool) -> None:
    matter(own)
    with session(SYSTEM, own.url) as db:
        site = db.scalar(text("SELECT id FROM sites ORDER BY id LIMIT 1"))
        db.execute(
            text("UPDATE enterprises SET name = '通州化工有限公司', uscc = :c || substr(uscc, 3)"),
            {"c": code},
        )
    decided(own, site_id=site)
    publish(own)
    assert shown(own)[0]["properties"]["enterprise"] == ("通州化工有限公司" if named else None)


def test_matters_and_names_of_offices_hold_no_mark_of_a_person() -> None:
    for plain in (
        "疑似非法复工",
        "启东生态环境局",
        "通州化工有限公司",
        "2026年第3号令",
        "占道经营",
        "江苏省南通市",
        "垃圾分类",
        "G40高速",
    ):
        assert personal_marks(plain) == [], plain


def test_a_supervisor_takes_down_with_a_reason_and_the_chain_keeps_it(own: Api) -> None:
    matter(own)
    number = decided(own)
    publish(own)
    path = f"/v1/cases/{number}/take-down"
    assert logged_in(own.app, "dispatcher").post(path, json={"reason": "x"}).status_code == 403
    client = logged_in(own.app, "supervisor")
    assert client.post(path, json={"reason": "   "}).status_code == 409
    assert client.post(path, json={"reason": "行政复议撤销"}).status_code == 204
    assert shown(own) == [] and publish(own) == (0, 0), "and it is not published again"
    last = client.get(f"/v1/cases/{number}").json()["events"][-1]
    assert (last["action"], last["payload"]["note"], last["to_state"]) == (
        "take_down",
        "行政复议撤销",
        "closed",
    )
    with session(SYSTEM, own.url) as db:
        assert verify_chain(db, number) == []
    assert client.post(path, json={"reason": "again"}).status_code == 404


def test_the_feed_is_rss_and_the_page_is_in_both_languages(own: Api) -> None:
    matter(own)
    number = decided(own)
    publish(own)
    client = TestClient(own.app)
    feed = client.get("/v1/published-cases.rss")
    root = ElementTree.fromstring(feed.content)
    assert feed.headers["content-type"].startswith("application/rss+xml") and root.attrib == {
        "version": "2.0"
    }
    (item,) = root.findall("channel/item")
    assert item.findtext("guid") == number and "非法复工" in (item.findtext("title") or "")
    assert item.findtext("pubDate") == "Fri, 01 May 2026 00:00:00 +0800"
    for language, word in (("zh", "罚款"), ("en", "Fined")):
        page = client.get("/published", headers={"Accept-Language": language})
        assert word in page.text and number in page.text and 'name="viewport"' in page.text
