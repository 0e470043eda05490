from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import threading
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from grid.areas import scope_area_ids
from grid.cases import open_case, steps_now, transition, verify_chain
from grid.cases.opening import next_number
from grid.cases.proof.hash_chain import GENESIS
from grid.errors import IllegalTransition
from grid.responsibility import assign
from layers.errors import NotFound
from layers.postgres import SYSTEM, Scope, session
from layers.tables import Case, CaseEvent
from tests.support.case_steps import TO_FED_BACK, move
from tests.support.direct_writes import write_cases_directly
from tests.support.square_town import NOW, insert_duties, insert_town, middle

RESUME = "ECO-RESUME-001"


def opened(db: Session, column: int = 0, row: int = 0, **values: Any) -> Case:
    lon, lat = middle(column, row)
    answer = assign(db, lon=lon, lat=lat, item_code=RESUME, at=NOW)
    return open_case(
        db,
        title="疑似非法复工",
        item_code=RESUME,
        assignment=answer,
        lon=lon,
        lat=lat,
        opened_at=NOW,
        **values,
    )


@pytest.fixture
def case(db: Session) -> Case:
    insert_duties(db)
    insert_town(db)
    return opened(db, due_at=NOW + dt.timedelta(days=3))


LEAD = "测试区生态环境局"


def test_a_new_case_keeps_its_areas_and_bodies(db: Session, case: Case) -> None:
    assert case.number == "NT20260302-0001"
    assert case.state == "reported" and case.lead_body == "测试区生态环境局"
    assert case.co_handlers == ["测试区应急管理局", "测试区交通运输局", "测试区市场监督管理局"]
    assert case.area_id == case.community_area_id and case.grid_area_id != case.community_area_id
    stored = db.get(Case, case.id, populate_existing=True)
    assert stored is not None and stored.assignment["areas"]["town"]["name"] == "甲镇"


def test_numbers_follow_each_other_by_day_in_china(db: Session, case: Case) -> None:
    assert opened(db).number == "NT20260302-0002"
    assert next_number(db, dt.datetime(2026, 3, 2, 15, 59, tzinfo=dt.UTC)) == "NT20260302-0003"
    assert next_number(db, dt.datetime(2026, 3, 2, 16, 0, tzinfo=dt.UTC)) == "NT20260303-0001"
    assert next_number(db, NOW, "HA") == "HA20260302-0001"


def test_the_whole_way_to_the_end(db: Session, case: Case) -> None:
    move(db, case.number, *TO_FED_BACK, "check", "close")
    assert case.state == "closed" and case.closed_at is not None
    events = db.query(CaseEvent).filter_by(case_id=case.id).order_by(CaseEvent.seq).all()
    assert [event.to_state for event in events] == [
        "reported", "accepted", "filed", "dispatched", *["arrived"] * 3, "disposed", *["disposed"] * 3, "fed_back",
        "checked", "closed",
    ]  # fmt: skip
    assert [event.seq for event in events] == list(range(1, 15))
    assert events[0].prev_hash == GENESIS
    assert all(later.prev_hash == earlier.hash for earlier, later in itertools.pairwise(events))
    assert verify_chain(db) == []
    with pytest.raises(IllegalTransition):
        transition(db, case.number, "note", actor="dan", role="dispatcher", note="zu spät")


def test_the_first_hash_by_hand(db: Session, case: Case) -> None:
    """SHA-256 of the canonical JSON as the documentation of the chain describes it."""
    event = db.query(CaseEvent).filter_by(case_id=case.id).one()
    opening = event.payload["case"]
    assert (opening["title"], opening["item_code"], opening["domain"]) == ("疑似非法复工", RESUME, "ecology")
    assert opening["due_at"] == "2026-03-05T02:00:00.000000+00:00" and opening["place"] == list(middle(0, 0))
    parties = event.payload["parties"]
    assert event.payload["added_to_register"] == [party["body"] for party in parties]
    assert sorted(event.payload) == ["added_to_register", "case", "co_handlers", "lead_body", "parties"]
    assert [(p["body"], p["part"]) for p in parties[:2]] == [
        (LEAD, "lead"),
        ("测试区应急管理局", "co_handler"),
    ]
    written = json.dumps(opening, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    by_hand = (
        '{"action":"report","actor":"system","at":"2026-03-02T02:00:00.000000+00:00","case":"NT20260302-0001","from":null,'
        '"payload":{"added_to_register":'
        + json.dumps(event.payload["added_to_register"], separators=(",", ":"), ensure_ascii=False)
        + ',"case":'
        + written
        + ',"co_handlers":["测试区应急管理局","测试区交通运输局","测试区市场监督管理局"],"lead_body":"测试区生态环境局","parties":'
        + json.dumps(parties, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        + "},"
        '"prev_hash":"' + "0" * 64 + '","role":"service","seq":1,"to":"reported"}'
    )
    assert event.hash == hashlib.sha256(by_hand.encode()).hexdigest()


@pytest.mark.parametrize("action", ["check", "close", "rework"])
def test_who_disposed_cannot_check_or_close(db: Session, case: Case, action: str) -> None:
    move(db, case.number, *TO_FED_BACK)
    if action == "close":
        move(db, case.number, "check")
    with pytest.raises(IllegalTransition, match="disposed"):
        transition(db, case.number, action, actor="ofei", role="dispatcher", note="原因")
    assert action not in steps_now(db, case, _events(db, case), actor="ofei", role="supervisor").legal
    assert action in steps_now(db, case, _events(db, case), actor="dan", role="supervisor").legal


def test_nor_can_the_body_that_disposed(db: Session, case: Case) -> None:
    move(db, case.number, *TO_FED_BACK)
    with pytest.raises(IllegalTransition, match="body"):
        transition(db, case.number, "check", actor="x", role="supervisor", body=LEAD)
    assert (
        transition(db, case.number, "check", actor="x", role="supervisor", body="指挥中心").to_state
        == "checked"
    )


@pytest.mark.parametrize(
    ("action", "role"),
    [
        ("verify", "officer"),
        ("verify", "viewer"),
        ("dispose", "officer"),
        ("close", "dispatcher"),
        ("fly", "dispatcher"),
        ("note", "public"),
    ],
)
def test_wrong_role_or_state_is_refused(db: Session, case: Case, action: str, role: str) -> None:
    with pytest.raises(IllegalTransition) as caught:
        transition(db, case.number, action, actor="a", role=role, note="原因")
    assert caught.value.message_zh
    assert case.state == "reported"


def test_suspended_case_resumes_where_it_was(db: Session, case: Case) -> None:
    move(db, case.number, *TO_FED_BACK[:4], "suspend")
    assert case.state == "suspended"
    assert steps_now(db, case, _events(db, case), actor="sue", role="supervisor").legal == ["resume", "note"]
    move(db, case.number, "resume")
    assert case.state == "disposed"


def test_return_needs_a_reason_and_reassign_names_bodies(db: Session, case: Case) -> None:
    move(db, case.number, *TO_FED_BACK[:3])
    with pytest.raises(IllegalTransition, match="reason"):
        transition(db, case.number, "return", actor="ofei", role="officer", note="  ", body=LEAD)
    transition(db, case.number, "return", actor="ofei", role="officer", note="错派", body=LEAD)
    with pytest.raises(IllegalTransition, match="lead_body"):
        transition(db, case.number, "reassign", actor="dan", role="dispatcher", note="错派")
    event = transition(
        db, case.number, "reassign", actor="dan", role="dispatcher", note="错派",
        payload={"lead_body": "测试区交通运输局", "co_handlers": ["测试区生态环境局"]},
    )  # fmt: skip
    assert event.payload["before"]["lead_body"] == "测试区生态环境局"
    assert (case.state, case.lead_body, case.co_handlers) == (
        "returned",
        "测试区交通运输局",
        ["测试区生态环境局"],
    )
    assert case.assignment["lead"]["body"] == "测试区生态环境局"
    move(db, case.number, "dispatch")
    assert case.state == "dispatched" and verify_chain(db) == []


def test_payload_numbers_hash_alike_after_storage(db: Session, case: Case) -> None:
    payload = {"a": 1.0, "b": 1e20, "c": 1.5e-7, "d": -0.0, "e": [1, 2.5, None, True], "f": {"甲": "乙"}}
    transition(db, case.number, "note", actor="dan", role="dispatcher", note="数", payload=payload)
    assert verify_chain(db) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE case_events SET actor = 'mallory' WHERE seq = 3", "hash"),
        ("UPDATE case_events SET payload = '{}' WHERE seq = 2", "hash"),
        ("DELETE FROM case_events WHERE seq = 2", "number 2"),
        ("DELETE FROM case_events WHERE seq = 12", "its events say disposed"),
        ("UPDATE cases SET state = 'closed'", "its events say fed_back"),
        ("DELETE FROM case_events", "no events"),
    ],
)
def test_every_change_of_the_past_is_found(db: Session, case: Case, change: str, words: str) -> None:
    move(db, case.number, *TO_FED_BACK)
    assert verify_chain(db) == []
    db.execute(text("ALTER TABLE case_events DISABLE TRIGGER case_events_append_only"))
    write_cases_directly(db)
    db.execute(text(change))
    db.expire_all()
    faults = verify_chain(db)
    assert faults and all(case.number in str(fault) for fault in faults)
    assert any(words in str(fault) for fault in faults)
    assert verify_chain(db, case.number) == faults


def test_events_cannot_be_changed(db: Session, case: Case) -> None:
    for statement in (
        "UPDATE case_events SET actor = 'x'",
        "DELETE FROM case_events",
        "TRUNCATE case_events",
    ):
        with pytest.raises(DBAPIError, match="append-only"), db.begin_nested():
            db.execute(text(statement))


def test_officer_moves_only_cases_of_the_own_area(fresh_database: str) -> None:
    with session(SYSTEM, fresh_database) as db:
        insert_duties(db)
        insert_town(db)
        ours, theirs = opened(db, 0, 0).number, opened(db, 3, 3).number
        for number in (ours, theirs):
            for action in ("verify", "file", "dispatch"):
                transition(db, number, action, actor="dan", role="dispatcher")
        areas = scope_area_ids(db, "320601001")
    officer = Scope("officer", False, areas, "ofei")
    with session(officer, fresh_database) as db:
        assert transition(db, ours, "dispose", actor="ofei", role="officer", body=LEAD).to_state == "arrived"
        with pytest.raises(NotFound):
            transition(db, theirs, "dispose", actor="ofei", role="officer", body=LEAD)
        assert [fault for fault in verify_chain(db)] == []
    with session(SYSTEM, fresh_database) as db:
        states = dict(db.execute(text("SELECT number, state FROM cases")).all())  # type: ignore[arg-type]
    assert states == {ours: "arrived", theirs: "dispatched"}


def test_two_people_at_once_take_one_step_only(fresh_database: str) -> None:
    with session(SYSTEM, fresh_database) as db:
        insert_duties(db)
        insert_town(db)
        number = opened(db).number
    results: list[str] = []
    start = threading.Barrier(4)

    def verify(actor: str) -> None:
        start.wait()
        try:
            with session(Scope("dispatcher", True, (), actor), fresh_database) as db:
                transition(db, number, "verify", actor=actor, role="dispatcher")
            results.append("done")
        except IllegalTransition:
            results.append("refused")

    threads = [threading.Thread(target=verify, args=(f"d{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["done", "refused", "refused", "refused"]
    with session(SYSTEM, fresh_database) as db:
        assert verify_chain(db) == []


def test_cases_opened_at_once_get_different_numbers(fresh_database: str) -> None:
    with session(SYSTEM, fresh_database) as db:
        insert_duties(db)
        insert_town(db)
    numbers: list[str] = []

    def work() -> None:
        for _ in range(5):
            with session(SYSTEM, fresh_database) as db:
                numbers.append(opened(db).number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [f"NT20260302-{i:04d}" for i in range(1, 21)]


def _events(db: Session, case: Case) -> list[CaseEvent]:
    return db.query(CaseEvent).filter_by(case_id=case.id).order_by(CaseEvent.seq).all()
