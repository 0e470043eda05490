"""Expected days by hand from the State Council's notices (国办发明电): 2024, 2025 and 2026."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from grid.calendar import PUBLISHED, RESUMPTION_LIMIT, TimeLimit, deadline_of, working_time_between
from grid.errors import CalendarUnknown, GridError

CHINA = ZoneInfo("Asia/Shanghai")


def local(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("opened", "limit", "due"),
    [
        # Friday 10:00: Monday, Tuesday, Wednesday; offices close at six.
        ("2025-03-07T10:00", RESUMPTION_LIMIT, "2025-03-12T18:00"),
        # Opened on a Sunday night: the Sunday does not count.
        ("2025-03-09T23:30", RESUMPTION_LIMIT, "2025-03-12T18:00"),
        # National day 2025: 1 to 8 October off, Saturday 11 October works; Sunday 28 September works.
        ("2025-09-30T16:00", TimeLimit("working_days", 3), "2025-10-11T18:00"),
        ("2025-09-26T16:00", TimeLimit("working_days", 1), "2025-09-28T18:00"),
        ("2025-03-07T10:00", TimeLimit("natural_days", 3), "2025-03-10T10:00"),
        ("2025-03-07T10:00", TimeLimit("natural_hours", 1.5), "2025-03-07T11:30"),
        # 11:30 + 1 h: half an hour before lunch, half an hour from one.
        ("2025-03-07T11:30", TimeLimit("working_hours", 1), "2025-03-07T13:30"),
        ("2025-03-07T11:00", TimeLimit("working_hours", 1), "2025-03-07T12:00"),
        # Friday 17:00 + 8 h: 1 h on Friday, 7 h on Monday: 3 h to noon, 4 h from one.
        ("2025-03-07T17:00", TimeLimit("working_hours", 8), "2025-03-10T17:00"),
        ("2025-03-08T08:00", TimeLimit("working_hours", 1), "2025-03-10T10:00"),
    ],
)
def test_due(opened: str, limit: TimeLimit, due: str) -> None:
    found = deadline_of(local(opened), limit)
    assert found == local(due)
    assert found.utcoffset() == dt.timedelta(0)


def test_a_year_without_calendar_is_an_error() -> None:
    with pytest.raises(CalendarUnknown, match="2099") as caught:
        deadline_of(local("2099-03-07T10:00"), RESUMPTION_LIMIT)
    assert "2099" in caught.value.message_zh
    assert deadline_of(local("2099-03-07T10:00"), TimeLimit("natural_days", 1)) == local("2099-03-08T10:00")


def test_faulty_limits_and_times() -> None:
    for kind, value in (("working_days", 1.5), ("natural_days", 0), ("weeks", 1)):
        with pytest.raises(GridError):
            TimeLimit(kind, value)  # type: ignore[arg-type]
    with pytest.raises(GridError, match="no zone"):
        deadline_of(dt.datetime(2025, 3, 7), RESUMPTION_LIMIT)


def test_moved_working_days() -> None:
    assert PUBLISHED.is_working_day(dt.date(2024, 2, 4)) and PUBLISHED.is_working_day(dt.date(2024, 2, 18))
    assert not PUBLISHED.is_working_day(dt.date(2024, 2, 12))


def test_working_time_between() -> None:
    assert working_time_between(local("2025-03-07T17:00"), local("2025-03-10T10:00")) == dt.timedelta(hours=2)
    assert working_time_between(local("2025-03-10T10:00"), local("2025-03-07T17:00")) == dt.timedelta(0)
