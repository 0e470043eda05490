"""A merged case is over: no clock runs on, nothing is merged into it, and it counts as due no more."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.cases import events_of_case, late_cases, open_case, read_indicators, transition, verify_chain
from grid.cases.deadlines import clock_at_merge
from grid.errors import IllegalTransition, SecondCase
from grid.intake import find_duplicates
from grid.responsibility import assign
from layers.collections import COLLECTIONS, read_feature
from layers.tables import Case
from tests.support.case_steps import TO_FED_BACK, move
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.square_town import insert_duties, insert_town, middle

OPENED = dt.datetime(2026, 3, 2, 2, tzinfo=dt.UTC)
LATER = OPENED + dt.timedelta(days=30)


def two_cases(db: Session) -> tuple[Case, Case]:
    """Two cases of one matter at one place, due two days after their opening."""
    insert_duties(db)
    insert_town(db)
    lon, lat = middle(1, 1)
    first, second = (
        open_case(
            db,
            title="案件",
            item_code="ECO-RESUME-001",
            assignment=assign(db, lon=lon, lat=lat, item_code="ECO-RESUME-001", at=OPENED),
            lon=lon,
            lat=lat,
            opened_at=OPENED + dt.timedelta(hours=n),
            due_at=OPENED + dt.timedelta(days=2),
        )
        for n in range(2)
    )
    return first, second


def test_a_merged_case_is_neither_late_nor_due_nor_a_duplicate(db: Session) -> None:
    first, second = two_cases(db)
    before = read_indicators(db, OPENED, LATER)[0].counts["n_due"]
    assert before == 2
    transition(
        db, second.number, "merge", actor="dan", role="dispatcher", note="同一事项",
        payload={"into": first.number}, at=OPENED + dt.timedelta(hours=3),
    )  # fmt: skip
    late = late_cases(db, LATER, dt.timedelta(days=1))
    assert late.overdue == (first.number,) and second.number not in late.stage_overdue
    assert read_indicators(db, OPENED, LATER)[0].counts["n_due"] == 1
    lon, lat = middle(1, 1)
    found, _, _ = find_duplicates(
        db, lon=lon, lat=lat, item_code="ECO-RESUME-001", at=OPENED + dt.timedelta(days=1)
    )
    assert [one.key for one in found] == [first.number]
    shown = {case.number: read_feature(db, COLLECTIONS["cases"], case.id) for case in (first, second)}
    assert '"overdue":true' in shown[first.number].replace(" ", "")
    assert '"overdue":false' in shown[second.number].replace(" ", "")
    assert verify_chain(db) == []
    assert db.scalar(text("SELECT count(*) FROM cases WHERE late_since IS NOT NULL")) == 0


def merged_pair(db: Session) -> tuple[Case, Case]:
    """The second of two cases merged into the first a day before its deadline."""
    first, second = two_cases(db)
    move(db, second.number, "verify", at=OPENED + dt.timedelta(hours=2))
    transition(
        db, second.number, "merge", actor="dan", role="dispatcher", note="同一事项",
        payload={"into": first.number}, at=OPENED + dt.timedelta(days=1),
    )  # fmt: skip
    return first, second


def undo(
    db: Session,
    number: str,
    at: dt.datetime,
    actor: str = "sue",
    role: str = "supervisor",
    note: str = "不是同一事项",
) -> None:
    transition(db, number, "unmerge", actor=actor, role=role, note=note, at=at)


def test_a_wrong_merge_is_undone_in_both_chains_and_the_deadlines_run_on(db: Session) -> None:
    first, second = merged_pair(db)
    undo(db, second.number, OPENED + dt.timedelta(days=4))
    assert second.state == "accepted", "the state before the merge"
    # One day was left at the merge; three natural days passed while the case was merged.
    assert second.due_at == OPENED + dt.timedelta(days=5)
    assert (second.paused_since, second.late_since) == (None, None)
    told = [
        (e.action, e.actor, e.payload.get("into"), e.payload["note"]) for e in events_of_case(db, second)[-2:]
    ]
    assert told == [
        ("merge", "dan", first.number, "同一事项"),
        ("unmerge", "sue", first.number, "不是同一事项"),
    ]
    other = [
        (e.action, e.actor, e.payload["merged_case"], e.payload["note"], e.from_state == e.to_state)
        for e in events_of_case(db, first)[-2:]
    ]
    assert other == [
        ("absorb", "dan", second.number, "同一事项", True),
        ("release", "sue", second.number, "不是同一事项", True),
    ]
    assert read_indicators(db, OPENED, LATER)[0].counts["n_due"] == 2, "it is due again"
    late = late_cases(db, LATER, dt.timedelta(days=1))
    assert late.overdue == (second.number,), "the first was late at the step in its chain, and has it there"
    assert first.late_since == OPENED + dt.timedelta(days=2)
    assert verify_chain(db) == []


def test_a_merge_of_before_the_clock_stood_is_undone_with_the_deadline_of_its_stage(db: Session) -> None:
    """Such a merge took the deadline of the stage away and stopped no clock; the events tell both."""
    stage_due = OPENED + dt.timedelta(days=2)
    events: list[Any] = [
        SimpleNamespace(action="report", at=OPENED, payload={
            "case": {"due_at": (OPENED + dt.timedelta(days=9)).isoformat()},
            "clock": {"stage_due_at": stage_due.isoformat()},
        }),
        SimpleNamespace(action="merge", at=OPENED + dt.timedelta(days=1), payload={
            "into": "X", "clock": {"stage_due_at": None, "late_since": stage_due.isoformat()},
        }),
        SimpleNamespace(action="note", at=OPENED + dt.timedelta(days=2), payload={"note": "n"}),
    ]  # fmt: skip
    clock = clock_at_merge(events)
    assert (clock.due_at, clock.stage_due_at) == (OPENED + dt.timedelta(days=9), stage_due)
    assert (clock.paused_since, clock.late_since) == (OPENED + dt.timedelta(days=1), stage_due)


def test_only_a_supervisor_undoes_a_merge_with_a_reason_and_never_twice(db: Session) -> None:
    first, second = merged_pair(db)
    at = OPENED + dt.timedelta(days=2)
    for by, said in (
        ({"actor": "dan", "role": "dispatcher"}, "监督员"),
        ({"actor": "ofei", "role": "officer"}, "监督员"),
        ({"note": " "}, "必须填写原因"),
    ):
        with pytest.raises(IllegalTransition) as refused, db.begin_nested():
            undo(db, second.number, at, **by)
        assert said in refused.value.message_zh
    with pytest.raises(IllegalTransition, match="cannot go through undo the merge"), db.begin_nested():
        undo(db, first.number, at)
    undo(db, second.number, at)
    with pytest.raises(IllegalTransition), db.begin_nested():
        undo(db, second.number, at)
    # It can be merged once more, and that undone too: each goes back to where it was.
    transition(
        db, second.number, "merge", actor="dan", role="dispatcher", note="确为同一事项",
        payload={"into": first.number}, at=at,
    )  # fmt: skip
    undo(db, second.number, at)
    assert second.state == "accepted" and verify_chain(db) == []


def test_a_merge_into_a_case_that_is_closed_since_is_undone_too(db: Session) -> None:
    first, second = merged_pair(db)
    move(db, first.number, *TO_FED_BACK, "check", "close", at=OPENED + dt.timedelta(days=2))
    undo(db, second.number, OPENED + dt.timedelta(days=3))
    assert (first.state, second.state) == ("closed", "accepted")
    assert (first.closed_at, first.late_since) == (OPENED + dt.timedelta(days=2), None), (
        "closed in time for ever"
    )
    assert events_of_case(db, first)[-1].action == "release" and verify_chain(db) == []


@pytest.mark.parametrize("action", ["unmerge", "reopen"])
def test_a_case_of_a_site_does_not_come_back_beside_an_open_one_of_the_same_matter(
    db: Session, action: str
) -> None:
    first, _ = two_cases(db)
    lon, lat = middle(1, 1)
    insert_site(db, insert_enterprise(db), "S-1", lon, lat)
    site = db.scalar(text("SELECT id FROM sites"))

    def open_at(hours: int) -> Case:
        found = assign(db, lon=lon, lat=lat, item_code="ECO-RESUME-001", at=OPENED)
        moment = OPENED + dt.timedelta(hours=hours)
        return open_case(db, title="厂", item_code="ECO-RESUME-001", assignment=found, lon=lon, lat=lat,
                         opened_at=moment, due_at=LATER, site_id=site)  # fmt: skip

    old = open_at(1)
    if action == "reopen":
        move(db, old.number, *TO_FED_BACK, "check", "close", at=OPENED + dt.timedelta(hours=2))
    else:
        transition(
            db, old.number, "merge", actor="dan", role="dispatcher", note="同一事项",
            payload={"into": first.number}, at=OPENED + dt.timedelta(hours=2),
        )  # fmt: skip
    new = open_at(3)
    at = OPENED + dt.timedelta(hours=4)
    with pytest.raises(SecondCase, match=new.number), db.begin_nested():
        transition(db, old.number, action, actor="sue", role="supervisor", note="不是同一事项", at=at)
    assert verify_chain(db) == []
