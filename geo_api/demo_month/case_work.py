"""Work on the cases of a month: each follows its course, its officers are those of the register."""

from __future__ import annotations

import datetime as dt
import zlib

import numpy as np
from sqlalchemy.orm import Session

from geo_api.demo_month.courses import CourseOfCase, Step, Steps, steps_of
from geo_api.demo_month.photos import draw_photo
from geo_api.demo_month.report import MonthReport, Timeline
from grid.calendar import PUBLISHED, add_working_time
from grid.cases import NewFile, attach, parties_in_force, transition
from grid.errors import CalendarUnknown, GridError
from grid.practice import matter_of, officers_by_body, place_of
from layers.attachments import AttachmentStore
from layers.local_time import local_zone
from layers.tables import Case, Matter

_SLOW = 4.0
_OWN_PHOTO_SHARE, _POOL = 0.35, 24
"""Cases with a photo of their own; the others have one of a few, without place and time."""


class CaseWork:
    """Begins cases and takes their steps, each at its time on the line.

    Parameters
    ----------
    db : Session
        With the rights of the system.
    seed : int
        Bodies have a pace, the same in all of their cases; it comes from the seed.
    """

    def __init__(
        self, db: Session, store: AttachmentStore, seed: int, line: Timeline, report: MonthReport
    ) -> None:
        self.db, self.store, self.seed, self.line, self.report = db, store, seed, line, report
        last_day = (line.until - dt.timedelta(microseconds=1)).astimezone(local_zone()).date()
        self.officers = officers_by_body(db, last_day)
        self.matters: dict[str, Matter] = {}
        self.photographed: set[int] = set()

    def begin(self, case: Case, course: str, slow: bool, seed: tuple[int, int]) -> None:
        """Begin the course of a case that was opened."""
        self.report.cases += 1
        self.go_on(case, course, slow, seed, case.opened_at)

    def go_on(self, case: Case, course: str, slow: bool, seed: tuple[int, int], at: dt.datetime) -> None:
        """Begin a course of a case at a moment: it was opened then, or came out of a wrong merge."""
        rng = np.random.default_rng([*seed, 1])
        known = self.matters.get(case.item_code)
        if known is None:
            known = self.matters[case.item_code] = matter_of(self.db, case.item_code, self.line.until)
        chosen = CourseOfCase(
            course,
            known,
            lambda: parties_in_force(self.db, case.id),
            lambda body: self._pace(body) * (_SLOW if slow else 1.0),
            rng,
        )
        self._next(case, steps_of(chosen), at, rng, {})

    def take(self, case: Case, step: Step, at: dt.datetime, rng: np.random.Generator, actor: str) -> bool:
        """Take a step; a refusal is told, and the course ends with it."""
        try:
            if step.action == "attach":
                self._attach(case, step, at, rng, actor)
            else:
                transition(
                    self.db,
                    case.number,
                    step.action,
                    actor=actor,
                    role=step.role,
                    note=step.note,
                    payload=step.payload,
                    at=at,
                    body=step.body,
                )
        except GridError as error:
            self.report.refused.append(f"{case.number} {step.action}: {error}")
            return False
        self.report.steps[step.action] += 1
        return True

    def _next(
        self, case: Case, steps: Steps, at: dt.datetime, rng: np.random.Generator, officers: dict[str, str]
    ) -> None:
        """Put the next step of a course on the line; with a body that has no officer it ends."""
        step = next(steps, None)
        if step is None:
            return
        actor = step.role
        if step.role == "officer":
            body = step.body or ""
            if body not in self.officers:
                self.report.waiting[body] += 1
                return
            known = self.officers[body]
            actor = officers.setdefault(body, known[rng.integers(len(known))])

        def act(then: dt.datetime) -> None:
            if self.take(case, step, then, rng, actor):
                self._next(case, steps, then, rng, officers)

        self.line.add(_after(at, step.after_h), act)

    def _attach(self, case: Case, step: Step, at: dt.datetime, rng: np.random.Generator, actor: str) -> None:
        """Attach a drawn photo; the second of a case is always another one."""
        taken = at - dt.timedelta(minutes=float(rng.uniform(3, 40)))
        if case.id in self.photographed or rng.uniform() < _OWN_PHOTO_SHARE:
            lon, lat = place_of(self.db, case.id)
            moved = rng.normal(0.0, 0.0004, 2)
            content = draw_photo(rng, (lon + float(moved[0]), lat + float(moved[1])), taken)
        else:
            content = draw_photo(np.random.default_rng([self.seed, int(rng.integers(_POOL))]))
        self.photographed.add(case.id)
        file = NewFile(f"IMG_{taken.astimezone(local_zone()):%Y%m%d_%H%M%S}.jpg", content)
        attach(self.db, self.store, case.number, file, actor=actor, role="officer", at=at, body=step.body)

    def _pace(self, body: str | None) -> float:
        """Return how much longer than usual a body takes; None: the centre."""
        if body is None:
            return 1.0
        rng = np.random.default_rng([self.seed, zlib.crc32(body.encode())])
        return float(rng.lognormal(0.0, 0.45))


def _after(at: dt.datetime, hours: float) -> dt.datetime:
    """Return the moment after some working time; where the calendar is not published, three times as long."""
    wanted = dt.timedelta(hours=hours)
    try:
        return add_working_time(at, wanted, calendar=PUBLISHED)
    except CalendarUnknown:
        return at + 3 * wanted
