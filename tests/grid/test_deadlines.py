"""Clocks of cases: expected moments by hand from the State Council's notices (国办发明电) of 2025 and 2026.

2025: Spring Festival 28 January to 4 February (26 January, 8 February worked); National Day 1 to 8 October (28
September, 11 October worked). 2026: Spring Festival 15 to 23 February (14 and 28 February worked); National Day 1 to 7
October (20 September, 10 October worked).
"""

from __future__ import annotations

import datetime as dt
import json
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.calendar import (
    PUBLISHED,
    TimeLimit,
    WorkingCalendar,
    add_working_time,
    deadline_of,
    working_time_between,
)
from grid.cases import open_case, record_system_step, transition, verify_chain
from grid.cases.deadlines import (
    CaseClock,
    ClockRules,
    check_extension,
    clock_after,
    opening_clock,
    rules_of_matter,
)
from grid.cases.parties import Party
from grid.cases.transitions import Standing, legal_steps, refusal_reason
from grid.errors import CalendarUnknown, GridError, IllegalTransition
from grid.responsibility import assign
from layers.tables import Case
from tests.support.case_steps import move as take_steps
from tests.support.direct_writes import write_cases_directly
from tests.support.square_town import insert_duties, insert_town, middle

CHINA = ZoneInfo("Asia/Shanghai")


def local(written: str) -> dt.datetime:
    return dt.datetime.fromisoformat(written).replace(tzinfo=CHINA)


def step(action: str, before: str, after: str, at: str | dt.datetime, **payload: object) -> SimpleNamespace:
    moment = local(at) if isinstance(at, str) else at
    return SimpleNamespace(action=action, from_state=before, to_state=after, at=moment, payload=payload)


@pytest.mark.parametrize(
    ("opened", "limit", "due"),
    [
        # Spring Festival 2025: Monday 27 January, then off to 4 February; 5, 6, 7 and the moved Saturday 8.
        ("2025-01-26T17:00", TimeLimit("working_days", 2), "2025-02-05T18:00"),
        ("2025-01-27T10:00", TimeLimit("working_days", 4), "2025-02-08T18:00"),
        # National Day 2025: 17:00 + 2 h is one hour of 30 September and one of 9 October.
        ("2025-09-30T17:00", TimeLimit("working_hours", 2), "2025-10-09T10:00"),
        # The moved Sunday 28 September is worked.
        ("2025-09-27T12:00", TimeLimit("working_hours", 8), "2025-09-28T18:00"),
        # Spring Festival 2026: Saturday 14 is worked, 15 to 23 off, 24 worked.
        ("2026-02-13T10:00", TimeLimit("working_days", 2), "2026-02-24T18:00"),
        ("2026-02-14T15:00", TimeLimit("working_hours", 4), "2026-02-24T10:00"),
        # National Day 2026: 30 September, then 8, 9 and the moved Saturday 10 October.
        ("2026-09-29T10:00", TimeLimit("working_days", 4), "2026-10-10T18:00"),
        ("2026-09-30T10:00", TimeLimit("natural_hours", 48), "2026-10-02T10:00"),
    ],
)
def test_deadlines_over_holidays(opened: str, limit: TimeLimit, due: str) -> None:
    assert deadline_of(local(opened), limit) == local(due)


def test_a_suspension_over_national_day_costs_its_working_time() -> None:
    rules = ClockRules(limits={"overall": TimeLimit("working_days", 3)})
    clock, unknown = opening_clock(rules, local("2025-09-26T10:00"), PUBLISHED)
    # Sunday 28 (worked), 29, 30 September.
    assert unknown is None and clock.due_at == local("2025-09-30T18:00")
    paused = clock_after(clock, rules, step("suspend", "filed", "suspended", "2025-09-30T10:00"), PUBLISHED)
    assert paused.paused_since == local("2025-09-30T10:00")
    # Suspended 10:00 to 18:00 of 30 September (7 h) and 9 to 12 of 9 October (3 h): 10 h after 30 September 18:00
    # are 8 h of 9 October and 2 h of 10 October.
    on = clock_after(paused, rules, step("resume", "suspended", "filed", "2025-10-09T12:00"), PUBLISHED)
    assert on.paused_since is None and on.due_at == local("2025-10-10T11:00")
    straight = ClockRules(rules.urgency, rules.limits, suspension_stops_clock=False)
    kept = clock_after(clock, straight, step("suspend", "filed", "suspended", "2025-09-30T10:00"), PUBLISHED)
    assert kept == clock


def test_late_before_the_suspension_stays_late_and_does_not_move() -> None:
    rules = ClockRules(limits={"overall": TimeLimit("natural_hours", 24)})
    clock, _ = opening_clock(rules, local("2026-03-02T10:00"), PUBLISHED)
    late = clock_after(clock, rules, step("suspend", "filed", "suspended", "2026-03-05T10:00"), PUBLISHED)
    after = clock_after(late, rules, step("resume", "suspended", "filed", "2026-03-09T10:00"), PUBLISHED)
    assert after.due_at == after.late_since == local("2026-03-03T10:00")
    longer = step("approve_extension", "filed", "filed", "2026-03-09T11:00", days=30)
    extended = clock_after(after, rules, longer, PUBLISHED)
    assert extended.due_at == local("2026-04-02T10:00") and extended.late_since == local("2026-03-03T10:00")


def test_an_extension_counts_working_days_and_has_its_most() -> None:
    rules = ClockRules(limits={"overall": TimeLimit("working_days", 3)}, extension_days_at_most=5)
    clock = CaseClock(due_at=local("2025-09-30T18:00"))
    extended = clock_after(
        clock, rules, step("approve_extension", "filed", "filed", "2025-09-29T10:00", days=3), PUBLISHED
    )
    assert extended.due_at == local("2025-10-11T18:00")  # 9, 10 and the moved Saturday 11 October
    first = SimpleNamespace(action="report", payload={"clock_rules": rules.as_json()})
    approved = SimpleNamespace(action="approve_extension", payload={"days": 3})
    assert check_extension([first, approved], 2) == 2
    for events, days in (([first, approved], 3), ([first], 0), ([first], "2"), ([first], True)):
        with pytest.raises(IllegalTransition):
            check_extension(events, days)
    used_up = SimpleNamespace(action="approve_extension", payload={"days": 5})
    for events, offered in (([first], True), ([first, approved], True), ([first, used_up], False)):
        standing = Standing(
            "dispatched", events, [Party(1, "甲", "lead", "awaiting")], "o", "officer", 1, "甲"
        )
        assert ("extend" in legal_steps(standing)) is offered
    reason = refusal_reason("file", Standing("dispatched", [first], [], "g", "grid_manager"))
    assert reason is not None and "grid_manager" in reason[0]
    reason = refusal_reason("file", Standing("dispatched", [first], [], "d", "dispatcher"))
    assert reason is not None and "派员" in reason[1] and "处置" not in reason[1], (
        "the officer's step is not named"
    )


MOMENTS = st.datetimes(dt.datetime(2025, 1, 2), dt.datetime(2026, 9, 1)).map(
    lambda at: at.replace(tzinfo=CHINA)
)
LENGTHS = st.integers(0, 60 * 8 * 12).map(lambda minutes: dt.timedelta(minutes=minutes))


@given(MOMENTS, st.integers(1, 20), LENGTHS, LENGTHS)
def test_a_suspension_moves_the_deadline_by_exactly_its_working_time(
    opened: dt.datetime, days: int, until: dt.timedelta, length: dt.timedelta
) -> None:
    rules = ClockRules(limits={"overall": TimeLimit("working_days", days)})
    clock, _ = opening_clock(rules, opened, PUBLISHED)
    assert clock.due_at is not None
    begin = min(add_working_time(opened, until), clock.due_at)
    end = add_working_time(begin, length)
    paused = clock_after(clock, rules, step("suspend", "filed", "suspended", begin), PUBLISHED)
    resumed = clock_after(paused, rules, step("resume", "suspended", "filed", end), PUBLISHED)
    assert resumed.due_at is not None
    assert working_time_between(clock.due_at, resumed.due_at) == length == working_time_between(begin, end)


def test_imported_days_go_before_the_installed_calendar() -> None:
    moved = WorkingCalendar({dt.date(2026, 3, 3): False, dt.date(2099, 3, 4): False})
    assert deadline_of(local("2026-03-02T10:00"), TimeLimit("working_days", 1), calendar=moved) == local(
        "2026-03-04T18:00"
    )
    # 2099 is known from a file alone: Tuesday 3 March 2099 is worked, Wednesday is off.
    assert deadline_of(local("2099-03-03T10:00"), TimeLimit("working_days", 1), calendar=moved) == local(
        "2099-03-05T18:00"
    )
    with pytest.raises(CalendarUnknown):
        deadline_of(local("2098-03-03T10:00"), TimeLimit("working_days", 1), calendar=moved)


def opened(db: Session, at: str, limits: object = None, **values: object) -> Case:
    insert_duties(db)
    insert_town(db)
    if limits is not None:
        db.execute(
            text("INSERT INTO matters (item_code, name, domain, limits, extension_days_at_most, valid_from)"
                 " VALUES ('ECO-RESUME-001', 'm', 'ecology', CAST(:limits AS jsonb), 5, '2020-01-01')"),
            {"limits": json.dumps(limits)},
        )  # fmt: skip
    lon, lat = middle(1, 1)
    to = assign(db, lon=lon, lat=lat, item_code="ECO-RESUME-001", at=local(at))
    return open_case(
        db,
        title="t",
        item_code="ECO-RESUME-001",
        assignment=to,
        lon=lon,
        lat=lat,
        opened_at=local(at),
        **values,
    )  # type: ignore[arg-type]


LIMITS = {
    "overall": {
        "normal": {"kind": "working_days", "value": 3},
        "urgent": {"kind": "working_hours", "value": 4},
    },
    "verify": {"normal": {"kind": "working_hours", "value": 2}},
}


def move(db: Session, case: Case, action: str, at: str, role: str = "dispatcher", **payload: object) -> None:
    transition(db, case.number, action, actor=role, role=role, note="n", at=local(at), payload=payload)


def test_limits_of_the_matter_by_urgency_and_stage(db: Session) -> None:
    case = opened(db, "2025-09-26T10:00", LIMITS, urgency="urgent")
    assert (case.due_at, case.urgency) == (local("2025-09-26T15:00"), "urgent")
    assert case.stage_due_at == local("2025-09-26T12:00")
    move(db, case, "verify", "2025-09-26T13:30")
    assert case.stage_due_at is None  # filing has no limit
    left = db.scalar(text("SELECT payload -> 'clock' -> 'left' FROM case_events WHERE action = 'verify'"))
    assert left == {"stage": "verify", "due_at": "2025-09-26T04:00:00.000000+00:00", "late": True}
    assert verify_chain(db) == []
    with pytest.raises(GridError, match="urgency"):
        rules_of_matter(db, "ECO-RESUME-001", local("2025-09-26T10:00"), "yesterday")


def test_suspension_moves_the_deadline_of_a_case_and_late_stays_late(db: Session) -> None:
    case = opened(db, "2025-09-26T10:00", LIMITS)
    assert case.due_at == local("2025-09-30T18:00")
    for action, at in (
        ("verify", "2025-09-26T11:00"),
        ("file", "2025-09-26T11:30"),
        ("suspend", "2025-09-30T10:00"),
    ):
        move(db, case, action, at)
    assert case.paused_since == local("2025-09-30T10:00")
    move(db, case, "resume", "2025-10-09T12:00")
    assert (case.due_at, case.paused_since) == (local("2025-10-10T11:00"), None)
    move(db, case, "dispatch", "2025-10-10T10:00")
    assert case.late_since is None
    take_steps(db, case.number, "dispose", "feed_back", "check", "close", at=local("2025-11-03T10:00"))
    db.expire_all()
    assert (case.state, case.late_since) == ("closed", local("2025-10-10T11:00"))
    assert verify_chain(db) == []
    write_cases_directly(db)
    for change in ("late_since = NULL", "due_at = due_at + interval '1 month'", "paused_since = now()"):
        with db.begin_nested() as undone:
            db.execute(text(f"UPDATE cases SET {change}"))
            assert [change.split()[0] in str(fault) for fault in verify_chain(db)] == [True], change
            undone.rollback()


def test_an_unpublished_year_says_so_and_is_reckoned_when_its_calendar_comes(db: Session) -> None:
    case = opened(db, "2098-03-03T10:00", LIMITS)
    assert case.due_at is None
    payload = db.scalar(text("SELECT payload FROM case_events"))
    assert "2098" in payload["no_deadline"]["zh"] and "2098" in payload["no_deadline"]["en"]
    db.execute(text("INSERT INTO calendar_days (day, working) VALUES ('2098-03-04', false)"))
    record_system_step(db, case.number, "set_deadline", {}, local("2098-03-03T12:00"))
    # 3 March 2098 is a Monday: Tuesday 4 off by the file; 5, 6 and, after the weekend, 10... by the week: Wed-Fri, Mon.
    assert dt.date(2098, 3, 3).weekday() == 0
    assert case.due_at == local("2098-03-07T18:00")
    assert verify_chain(db) == []
