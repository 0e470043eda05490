"""Clock of a case: its deadline and that of its stage, moved by suspensions and extensions, and since when it is late.

Limits are those of the matter at the opening; the first event keeps them (``clock_rules``), so that the events alone
say when a case was due. A step that moves the clock has what it moved in its payload under ``clock``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.calendar import (
    OFFICE_HOURS,
    TimeLimit,
    WorkingCalendar,
    add_working_time,
    deadline_of,
    working_time_between,
)
from grid.errors import CalendarUnknown, GridError, IllegalTransition
from layers.local_time import local_zone
from layers.tables import STAGES, URGENCIES

STAGE_OF_STATE: Mapping[str, str] = {
    "reported": "verify",
    "accepted": "file",
    "filed": "dispatch",
    "returned": "dispatch",
    "dispatched": "dispose",
    "arrived": "dispose",
    "rework": "dispose",
    "disposed": "feed_back",
    "fed_back": "check",
    "reviewed": "check",
    "checked": "close",
}
"""The step that ends the stage in which a case is, by state. A suspended case stays in the stage it was in."""
OVER = ("closed", "merged")
"""States in which a case is over: what is added to it makes it late no more."""
HELD = frozenset({"suspended", "merged"})
"""States in which a case waits: it goes back to the stage that it was in. The clock of a merged case always stands."""
_EARLIER_STAGE = {"dispatched": "arrive", "fed_back": "review"}
"""Stages that only some matters limit: they come before the one of ``STAGE_OF_STATE``."""
DUE_SOON = dt.timedelta(hours=24)
"""Time left from which a case is due soon."""


@dataclass(frozen=True)
class ClockRules:
    """Rules of the clock of a case: those of its matter as of its opening.

    Attributes
    ----------
    urgency : str
    limits : mapping of str to TimeLimit
        By stage (``overall`` or one of ``STAGES``).
    suspension_stops_clock : bool
    extension_days_at_most : int
        Of all extensions together; working days if the overall limit is in working time.
    """

    urgency: str = "normal"
    limits: Mapping[str, TimeLimit] = field(default_factory=dict)
    suspension_stops_clock: bool = True
    extension_days_at_most: int = 0

    @property
    def in_working_time(self) -> bool:
        """Whether the overall limit counts working time."""
        overall = self.limits.get("overall")
        return overall is not None and overall.kind.startswith("working")

    def as_json(self) -> dict[str, Any]:
        """Return the rules as the first event keeps them."""
        limits = {stage: {"kind": limit.kind, "value": limit.value} for stage, limit in self.limits.items()}
        return {
            "urgency": self.urgency,
            "limits": limits,
            "suspension_stops_clock": self.suspension_stops_clock,
            "extension_days_at_most": self.extension_days_at_most,
        }


@dataclass(frozen=True)
class CaseClock:
    """Columns of a case that its events move: moments with zone, or None."""

    due_at: dt.datetime | None = None
    stage_due_at: dt.datetime | None = None
    late_since: dt.datetime | None = None
    paused_since: dt.datetime | None = None


CLOCK_STATUSES = ("in_time", "due_soon", "overdue", "suspended", "no_deadline", "closed", "closed_late")
CLOCK_COLUMNS = tuple(one.name for one in fields(CaseClock))


def rules_of_events(first: Any) -> ClockRules:
    """Return the rules that the first event of a case keeps; those of none for cases of before."""
    kept = first.payload.get("clock_rules")
    if kept is None:
        return ClockRules()
    return ClockRules(
        **{**kept, "limits": {stage: TimeLimit(**one) for stage, one in kept["limits"].items()}}
    )


def rules_of_matter(
    db: Session,
    item_code: str,
    opened_at: dt.datetime,
    urgency: str = "normal",
    default: TimeLimit | None = None,
) -> ClockRules:
    """Return the rules of a matter in the version that held on the day of the opening.

    Parameters
    ----------
    default : TimeLimit or None
        Overall limit when the matter has none.

    Raises
    ------
    GridError
        An unknown urgency.
    """
    if urgency not in URGENCIES:
        raise GridError(f"urgency {urgency!r}: one of {', '.join(URGENCIES)}", f"未知的紧急程度 {urgency}")
    day = opened_at.astimezone(local_zone()).date()
    row = db.execute(_MATTER, {"item": item_code, "day": day}).one_or_none()
    written = {} if row is None else row.limits
    limits = {
        stage: limit for stage in ("overall", *STAGES) if (limit := _limit(written.get(stage), urgency))
    }
    if "overall" not in limits and default is not None:
        limits["overall"] = default
    if row is None:
        return ClockRules(urgency, limits)
    return ClockRules(urgency, limits, row.suspension_stops_clock, row.extension_days_at_most)


_MATTER = text(
    "SELECT limits, suspension_stops_clock, extension_days_at_most FROM matters"
    " WHERE item_code = :item AND valid_from <= :day AND (valid_to IS NULL OR valid_to > :day)"
    " ORDER BY valid_from DESC LIMIT 1"
)


def _limit(of_stage: Mapping[str, Any] | None, urgency: str) -> TimeLimit | None:
    """Return the limit of a stage for an urgency; the one of normal cases when the urgency has none."""
    chosen = (of_stage or {}).get(urgency) or (of_stage or {}).get("normal")
    return None if chosen is None else TimeLimit(chosen["kind"], chosen["value"])


def read_calendar(db: Session) -> WorkingCalendar:
    """Return the working days with those of imported calendar files."""
    return WorkingCalendar(
        {row.day: row.working for row in db.execute(text("SELECT day, working FROM calendar_days"))}
    )


def opening_clock(
    rules: ClockRules, opened_at: dt.datetime, calendar: WorkingCalendar, due_at: dt.datetime | None = None
) -> tuple[CaseClock, CalendarUnknown | None]:
    """Return the clock at the opening, and why there is no deadline if the calendar of the year is not published.

    Parameters
    ----------
    due_at : datetime or None
        A deadline that was set by hand.
    """
    unknown = None
    if due_at is None and (limit := rules.limits.get("overall")):
        try:
            due_at = deadline_of(opened_at, limit, calendar=calendar)
        except CalendarUnknown as error:
            unknown = error
    return CaseClock(due_at, _stage_due(rules, "reported", opened_at, calendar)), unknown


def clock_after(clock: CaseClock, rules: ClockRules, step: Any, calendar: WorkingCalendar) -> CaseClock:
    """Return the clock after a step (with ``at``, ``action``, ``from_state``, ``to_state`` and ``payload``).

    Late stays late: the first deadline that passed is kept, whatever becomes of the deadline.

    Raises
    ------
    CalendarUnknown
        The deadline moves into a year that is not published.
    """
    if step.from_state == step.to_state and step.to_state in OVER:
        return clock
    if clock.late_since is None and is_late(clock, step.at):
        clock = replace(clock, late_since=clock.due_at)
    if clock.paused_since is not None and step.to_state not in HELD:
        clock = _resumed(clock, rules, step.at, calendar)
    if step.to_state == "merged" and step.from_state != "merged":
        return replace(clock, paused_since=step.at)
    if step.to_state == "suspended" and step.from_state != "suspended" and rules.suspension_stops_clock:
        return replace(clock, paused_since=step.at)
    if step.action == "approve_extension" and clock.due_at is not None:
        days = dt.timedelta(days=step.payload.get("days", 0))
        clock = replace(clock, due_at=_moved(clock.due_at, days, rules, calendar, whole_days=True))
    if not {step.from_state, step.to_state} & HELD and step.from_state != step.to_state:
        clock = replace(clock, stage_due_at=_stage_due(rules, step.to_state, step.at, calendar))
    return clock


def clock_at_merge(events: Iterable[Any]) -> CaseClock:
    """Return the clock of a merged case as it was at the newest merge, standing since then.

    Events say it, not the columns: a merge of before the clock stood took the deadline of the stage away.
    """
    listed = list(events)
    last = max(place for place, event in enumerate(listed) if event.action == "merge")
    told: dict[str, Any] = {"due_at": _moment(listed[0].payload.get("case", {}).get("due_at"))}
    for event in listed[:last]:
        told |= columns_of_payload(event.payload)
    late = columns_of_payload(listed[last].payload).get("late_since")
    if late is not None:
        told["late_since"] = late
    return CaseClock(**(told | {"paused_since": listed[last].at}))


def is_late(clock: CaseClock, now: dt.datetime) -> bool:
    """Whether a running clock is past its deadline."""
    return clock.due_at is not None and clock.paused_since is None and now > clock.due_at


def clock_status(clock: CaseClock, now: dt.datetime, *, closed: bool) -> str:
    """Return ``closed``, ``closed_late``, ``suspended``, ``no_deadline``, ``overdue``, ``due_soon`` or ``in_time``.

    Examples
    --------
    >>> now = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    >>> clock_status(CaseClock(due_at=now + dt.timedelta(hours=3)), now, closed=False)
    'due_soon'
    >>> clock_status(CaseClock(), now, closed=False)
    'no_deadline'
    """
    if closed:
        return "closed" if clock.late_since is None else "closed_late"
    if clock.paused_since is not None:
        return "suspended"
    if clock.due_at is None:
        return "no_deadline"
    if now > clock.due_at:
        return "overdue"
    return "due_soon" if clock.due_at - now <= DUE_SOON else "in_time"


def replayed_clock(events: Iterable[Any], calendar: WorkingCalendar) -> CaseClock:
    """Return the clock that all events of a case give with a calendar, the first event's deadline kept.

    Raises
    ------
    CalendarUnknown
    """
    first, *later = events
    rules = rules_of_events(first)
    given = first.payload.get("case", {}).get("due_at")
    clock, unknown = opening_clock(rules, first.at, calendar, _moment(given))
    if unknown is not None:
        raise unknown
    for event in later:
        clock = clock_after(clock, rules, event, calendar)
    return clock


def stage_of(rules: ClockRules, state: str | None) -> str | None:
    """Return the stage in which a case of that state is; None: suspended or closed."""
    earlier = _EARLIER_STAGE.get(state or "")
    return earlier if earlier in rules.limits else STAGE_OF_STATE.get(state or "")


def stage_left(step: Any, clock: CaseClock, rules: ClockRules) -> dict[str, Any] | None:
    """Return the stage that a step ends, its deadline, and whether that was kept (None: it had none)."""
    stage = stage_of(rules, step.from_state)
    if stage is None or "suspended" in (step.from_state, step.to_state) or step.from_state == step.to_state:
        return None
    due = clock.stage_due_at
    return {"stage": stage, "due_at": moment_text(due), "late": None if due is None else step.at > due}


def changed_columns(before: CaseClock, after: CaseClock) -> dict[str, str | None]:
    """Return the columns that differ, as the payload has them."""
    return {
        name: moment_text(getattr(after, name))
        for name in CLOCK_COLUMNS
        if getattr(before, name) != getattr(after, name)
    }


def columns_of_payload(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that an event's payload moves."""
    moved = payload.get("clock", {})
    return {name: _moment(moved[name]) for name in CLOCK_COLUMNS if name in moved}


def extension_days_left(events: Sequence[Any]) -> int:
    """Return the days of extension that the matter of a case still allows, beside those approved before."""
    if not events:
        return 0
    used = sum(event.payload.get("days", 0) for event in events if event.action == "approve_extension")
    return rules_of_events(events[0]).extension_days_at_most - used


def check_extension(events: Sequence[Any], days: object) -> int:
    """Return the days of an extension; with those approved before they must not exceed what the matter allows.

    Raises
    ------
    IllegalTransition
    """
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise IllegalTransition("payload.days: a whole number from 1 on", "延期天数 days 应为不小于 1 的整数")
    left = extension_days_left(events)
    if days > left:
        most = rules_of_events(events[0]).extension_days_at_most
        used = most - left
        raise IllegalTransition(
            f"the matter allows {most} days of extension, {used} were approved: {days} more are too many",
            f"该事项最多可延期 {most} 天，已批准 {used} 天，不能再延 {days} 天",
        )
    return days


def moment_text(moment: dt.datetime | None) -> str | None:
    """Return a moment as events have it: UTC with microseconds."""
    return None if moment is None else moment.astimezone(dt.UTC).isoformat(timespec="microseconds")


def _moment(written: str | None) -> dt.datetime | None:
    return None if written is None else dt.datetime.fromisoformat(written)


def _resumed(clock: CaseClock, rules: ClockRules, at: dt.datetime, calendar: WorkingCalendar) -> CaseClock:
    """Move the deadlines that had not passed at the suspension by the time of it."""
    since = clock.paused_since
    assert since is not None
    moved = {}
    for name in ("due_at", "stage_due_at"):
        due = getattr(clock, name)
        moved[name] = due
        if due is not None and due >= since:
            working = rules.in_working_time
            length = working_time_between(since, at, calendar=calendar) if working else at - since
            moved[name] = _moved(due, length, rules, calendar)
    return replace(clock, paused_since=None, **moved)


def _moved(
    due: dt.datetime,
    length: dt.timedelta,
    rules: ClockRules,
    calendar: WorkingCalendar,
    *,
    whole_days: bool = False,
) -> dt.datetime:
    if not rules.in_working_time:
        return due + length
    hours = length.days * OFFICE_HOURS.length if whole_days else length
    return add_working_time(due, hours, calendar=calendar)


def _stage_due(
    rules: ClockRules, state: str, at: dt.datetime, calendar: WorkingCalendar
) -> dt.datetime | None:
    """Return the deadline of the stage that begins; None without a limit, or in a year that is not published."""
    limit = rules.limits.get(stage_of(rules, state) or "")
    if limit is None:
        return None
    try:
        return deadline_of(at, limit, calendar=calendar)
    except CalendarUnknown:
        return None
