"""Deadlines of cases, watched: late ones are escalated, those without a deadline get it when the calendar comes."""

from __future__ import annotations

import datetime as dt

import structlog

from grid.cases import DUE_SOON, escalate, late_cases, record_system_step
from layers.postgres import SYSTEM, session

log = structlog.get_logger()


def watch_deadlines(url: str, now: dt.datetime | None = None) -> dict[str, str]:
    """Do what the clocks ask for, each case in a transaction of its own; numbers with what was done."""
    at = now or dt.datetime.now(dt.UTC)
    done: dict[str, str] = {}
    with session(SYSTEM, url) as db:
        found = late_cases(db, at, DUE_SOON)
    for number in found.without_deadline:
        with session(SYSTEM, url) as db:
            record_system_step(db, number, "set_deadline", {}, at)
            done[number] = "set_deadline"
    for reason, numbers in (("overdue", found.overdue), ("stage_overdue", found.stage_overdue)):
        for number in numbers:
            with session(SYSTEM, url) as db:
                superior = escalate(db, number, reason, at)
                done[number] = reason
                log.info("case_escalated", number=number, reason=reason, superior=superior)
    if found.due_soon:
        log.info("cases_due_soon", cases=found.due_soon)
    return done
