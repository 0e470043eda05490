"""Health of sources: the last delivery, lateness, volumes, what is held, and the next look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from sqlalchemy.orm import Session

from geo_api.city_file import FromTable, FromUrl, Source
from geo_api.sources.configured import SourcesSetup
from layers import deliveries
from layers.contracts import Contract, Expected, due_at
from layers.errors import InputError
from layers.local_time import local_zone
from layers.tables import Delivery, SourceRun, SourceState

ProblemKind = Literal["held", "late", "never", "failing", "left", "stopped", "cut", "contract"]
PROBLEM_KINDS: tuple[ProblemKind, ...] = get_args(ProblemKind)
CURVE = 30
"""Deliveries of the volume curve."""
OVERDUE = dt.timedelta(minutes=10)
"""A look that is due for so long was not made: no worker runs."""


@dataclass(frozen=True)
class SourceProblem:
    """A fault of a source, for people."""

    kind: ProblemKind
    zh: str
    en: str


CUT = SourceProblem(
    "cut",
    "上次查看中途中断，下次查看时续做",
    "the process of the last look ended in the middle; the next look takes it up again",
)


@dataclass(frozen=True)
class SourceHealth:
    """A source as it stands.

    Attributes
    ----------
    way : str
        ``folder``, ``http`` or ``table``.
    last : Delivery or None
        The newest delivery, whatever became of it.
    accepted_at : datetime or None
        When the newest content that was imported came in.
    due_at : datetime or None
        After it a good delivery is late; None: the contract expects none.
    held : int
        Deliveries that wait for a person.
    curve : sequence of Delivery
        The newest ones, oldest first.
    """

    source: Source
    way: Literal["folder", "http", "table"]
    problems: list[SourceProblem]
    last: Delivery | None
    accepted_at: dt.datetime | None
    due_at: dt.datetime | None
    late_s: float
    held: int
    state: SourceState | None
    run: SourceRun | None
    curve: Sequence[Delivery] = field(default_factory=tuple)


def health_of(db: Session, setup: SourcesSetup) -> list[SourceHealth]:
    """Return the health of every source of the city, in their order."""
    return [health_of_source(db, setup, source) for source in setup.sources()]


def health_of_source(db: Session, setup: SourcesSetup, source: Source) -> SourceHealth:
    """Return the health of one source."""
    now = setup.clock()
    curve = deliveries.deliveries_of(db, CURVE, source=source.name)[::-1]
    accepted = deliveries.newest_accepted(db, source.name)
    held = deliveries.count_held(db, source.name)
    state, run = deliveries.state_of(db, source.name), deliveries.newest_run(db, source.name)
    problems: list[SourceProblem] = []
    contract = Contract()
    try:
        contract = setup.contract(source)
    except InputError as error:
        problems.append(
            SourceProblem("contract", f"约定无法读取：{error}", f"the contract cannot be read: {error}")
        )
    due = _due(contract.expected, accepted, deliveries.first_seen(db, source.name))
    late_s = max((now - due).total_seconds(), 0.0) if due else 0.0
    problems += _problems(source, held, accepted, late_s, state, run, now)
    if run is not None and run.outcome == "running" and not deliveries.is_being_read(db, source.name):
        problems.append(CUT)
    way: Literal["folder", "http", "table"] = (
        "http"
        if isinstance(source.from_, FromUrl)
        else "table"
        if isinstance(source.from_, FromTable)
        else "folder"
    )
    return SourceHealth(
        source,
        way,
        problems,
        curve[-1] if curve else None,
        accepted,
        due,
        late_s,
        held,
        state,
        run,
        curve,
    )


def _due(
    expected: Expected | None, accepted: dt.datetime | None, first_seen: dt.datetime | None
) -> dt.datetime | None:
    last = accepted or first_seen
    return None if expected is None or last is None else due_at(expected, last, local_zone())


def _problems(
    source: Source,
    held: int,
    accepted: dt.datetime | None,
    late_s: float,
    state: SourceState | None,
    run: SourceRun | None,
    now: dt.datetime,
) -> list[SourceProblem]:
    found: list[SourceProblem] = []
    if held:
        found.append(
            SourceProblem(
                "held",
                f"{held} 次交付待处置",
                f"{held} {'delivery waits' if held == 1 else 'deliveries wait'} for a decision",
            )
        )
    if late_s:
        zh, en = _span(late_s)
        found.append(SourceProblem("late", f"合格数据已迟到 {zh}", f"good data is {en} late"))
    if accepted is None:
        found.append(SourceProblem("never", "尚无已导入的交付", "nothing was imported yet"))
    if state is not None and state.failures:
        reason = (run.reason if run else None) or ""
        zh, en = f"连续 {state.failures} 次读取失败", f"{state.failures} looks in a row failed"
        found.append(SourceProblem("failing", f"{zh}：{reason}", f"{en}: {reason}"))
    elif run is not None and run.reason and run.outcome in ("nothing", "delivered"):
        found.append(
            SourceProblem("left", f"有未取的内容：{run.reason}", f"something was left: {run.reason}")
        )
    if source.every is not None and state is not None and now - state.next_at > OVERDUE:
        zh, en = _span((now - state.next_at).total_seconds())
        found.append(
            SourceProblem(
                "stopped",
                f"应查看而未查看已 {zh}，定时任务未运行？",
                f"a look is {en} overdue: does the worker run?",
            )
        )
    return found


def _span(seconds: float) -> tuple[str, str]:
    """Return a span as people say it.

    Examples
    --------
    >>> _span(5400), _span(200_000), _span(61)
    (('1.5 小时', '1.5 h'), ('2.3 天', '2.3 days'), ('1 分钟', '1 min'))
    """
    if seconds < 3600:
        return f"{seconds / 60:.0f} 分钟", f"{seconds / 60:.0f} min"
    if seconds < 2 * 86_400:
        return f"{seconds / 3600:.1f} 小时", f"{seconds / 3600:.1f} h"
    return f"{seconds / 86_400:.1f} 天", f"{seconds / 86_400:.1f} days"
