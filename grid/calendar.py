"""Deadlines in natural days and hours, or in working days and hours of the published Chinese calendar.

The calendar (with its moved working days, 调休) is published year by year. Days of an imported file go before the
installed calendar; a year that neither has is an error, never a guess.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

import chinese_calendar

from grid.errors import CalendarUnknown, GridError
from layers.local_time import local_zone

LimitKind = Literal["working_days", "working_hours", "natural_days", "natural_hours"]
Interval = tuple[dt.time, dt.time]


@dataclass(frozen=True)
class TimeLimit:
    """Time limit of a task.

    Parameters
    ----------
    kind : str
        ``working_days``, ``working_hours``, ``natural_days`` or ``natural_hours``.
    value : float
        Positive; days are whole.
    """

    kind: LimitKind
    value: float

    def __post_init__(self) -> None:
        if self.kind not in get_args(LimitKind):
            raise GridError(f"time limit {self.kind!r}: one of {', '.join(get_args(LimitKind))}")
        if not self.value > 0 or (self.kind == "working_days" and self.value != int(self.value)):
            raise GridError(
                f"time limit of {self.value} {self.kind}: a positive number, whole for working days"
            )


@dataclass(frozen=True)
class OfficeHours:
    """Office hours of a working day in China's time: intervals in order, without overlap."""

    intervals: tuple[Interval, ...] = ((dt.time(9), dt.time(12)), (dt.time(13), dt.time(18)))

    @property
    def end(self) -> dt.time:
        """End of the working day."""
        return self.intervals[-1][1]

    @property
    def length(self) -> dt.timedelta:
        """Working time of a day."""
        day = dt.date(2000, 1, 1)
        spans = [
            dt.datetime.combine(day, end) - dt.datetime.combine(day, start) for start, end in self.intervals
        ]
        return sum(spans, dt.timedelta(0))


OFFICE_HOURS = OfficeHours()
"""Nine to twelve and one to six: eight working hours a day."""

RESUMPTION_LIMIT = TimeLimit("working_days", 3)
"""From a case of resumed production to its end."""


@dataclass(frozen=True)
class WorkingCalendar:
    """Working days: those of imported files, then the published ones.

    Parameters
    ----------
    days : mapping of date to bool
        Days of imported files, whether they are worked. A year that only a file knows has the other days by the
        week: Monday to Friday are worked.
    """

    days: Mapping[dt.date, bool] = field(default_factory=dict)

    def is_working_day(self, day: dt.date) -> bool:
        """Return whether a day is worked.

        Raises
        ------
        CalendarUnknown

        Examples
        --------
        >>> PUBLISHED.is_working_day(dt.date(2025, 9, 28)), PUBLISHED.is_working_day(dt.date(2025, 10, 1))
        (True, False)
        >>> WorkingCalendar({dt.date(2025, 9, 28): False}).is_working_day(dt.date(2025, 9, 28))
        False
        """
        if day in self.days:
            return self.days[day]
        try:
            return bool(chinese_calendar.is_workday(day))
        except NotImplementedError as error:
            if any(known.year == day.year for known in self.days):
                return day.weekday() < 5
            raise CalendarUnknown(
                f"the working days of {day.year} are not published yet: neither the installed calendar"
                " (chinesecalendar) nor an imported one has them",
                f"{day.year} 年的工作日安排尚未发布（已安装的日历 chinesecalendar 和导入的日历均无）",
            ) from error


PUBLISHED = WorkingCalendar()
"""The installed calendar alone."""


def deadline_of(
    opened_at: dt.datetime,
    limit: TimeLimit,
    *,
    calendar: WorkingCalendar = PUBLISHED,
    office_hours: OfficeHours = OFFICE_HOURS,
) -> dt.datetime:
    """Return the end of a time limit that starts at ``opened_at``.

    Natural days and hours run without interruption. Working days: the day of opening does not count; the
    limit ends at the end of the office hours of the last day. Working hours: only office hours of working
    days count.

    Parameters
    ----------
    opened_at : datetime
        With zone.
    limit : TimeLimit
    calendar : WorkingCalendar
    office_hours : OfficeHours

    Returns
    -------
    datetime
        UTC.

    Raises
    ------
    CalendarUnknown
        A working day of a year that is not published is needed.

    Examples
    --------
    >>> opened = dt.datetime(2025, 9, 30, 2, 0, tzinfo=dt.UTC)
    >>> deadline_of(opened, TimeLimit("working_days", 3)).isoformat()
    '2025-10-11T10:00:00+00:00'
    """
    if opened_at.tzinfo is None:
        raise GridError(f"time {opened_at.isoformat()} has no zone")
    if limit.kind == "natural_days":
        return opened_at.astimezone(dt.UTC) + dt.timedelta(days=limit.value)
    if limit.kind == "natural_hours":
        return opened_at.astimezone(dt.UTC) + dt.timedelta(hours=limit.value)
    local = opened_at.astimezone(local_zone())
    if limit.kind == "working_days":
        days = _working_days(calendar, local.date() + dt.timedelta(days=1))
        last = next(day for count, day in enumerate(days, start=1) if count == limit.value)
        return dt.datetime.combine(last, office_hours.end, local_zone()).astimezone(dt.UTC)
    return add_working_time(
        local, dt.timedelta(hours=limit.value), calendar=calendar, office_hours=office_hours
    )


def add_working_time(
    start: dt.datetime,
    wanted: dt.timedelta,
    *,
    calendar: WorkingCalendar = PUBLISHED,
    office_hours: OfficeHours = OFFICE_HOURS,
) -> dt.datetime:
    """Return the moment (UTC) at which a length of working time after ``start`` is over; none: ``start`` itself.

    Raises
    ------
    CalendarUnknown
    """
    if wanted <= dt.timedelta(0):
        return start.astimezone(dt.UTC)
    local, left = start.astimezone(local_zone()), wanted
    for day in _working_days(calendar, local.date()):
        for opens, closes in _spans(day, office_hours):
            begin = max(opens, local)
            if begin < closes and left <= closes - begin:
                return (begin + left).astimezone(dt.UTC)
            left -= max(closes - begin, dt.timedelta(0))
    raise AssertionError("working days do not end")


def working_time_between(
    start: dt.datetime,
    end: dt.datetime,
    *,
    calendar: WorkingCalendar = PUBLISHED,
    office_hours: OfficeHours = OFFICE_HOURS,
) -> dt.timedelta:
    """Return the working time from ``start`` to ``end`` (zero when ``end`` is not later).

    Raises
    ------
    CalendarUnknown
    """
    total = dt.timedelta(0)
    begin, stop = start.astimezone(local_zone()), end.astimezone(local_zone())
    for day in _working_days(calendar, begin.date(), stop.date()):
        for opens, closes in _spans(day, office_hours):
            total += max(min(closes, stop) - max(opens, begin), dt.timedelta(0))
    return total


def _working_days(
    calendar: WorkingCalendar, first: dt.date, last: dt.date = dt.date.max
) -> Iterator[dt.date]:
    day = first
    while day <= last:
        if calendar.is_working_day(day):
            yield day
        day += dt.timedelta(days=1)


def _spans(day: dt.date, office_hours: OfficeHours) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    for opens, closes in office_hours.intervals:
        yield dt.datetime.combine(day, opens, local_zone()), dt.datetime.combine(day, closes, local_zone())
