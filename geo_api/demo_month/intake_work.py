"""Work of the intake in a month: reports come in, clerks open, reject and merge them."""

from __future__ import annotations

import datetime as dt

import numpy as np
from sqlalchemy.orm import Session

from geo_api.demo_month.calls import address_of, call, spot, written_report
from geo_api.demo_month.case_work import CaseWork
from geo_api.demo_month.courses import Step
from geo_api.demo_month.plan import Report
from geo_api.demo_month.report import MonthReport, Timeline
from grid.cases import open_case
from grid.errors import GridError
from grid.intake import (
    CODE_LENGTH,
    CODE_LETTERS,
    ClueFacts,
    merge_clue,
    open_case_of_clue,
    receive_clue,
    reject_clue,
)
from grid.practice import KnownPlace, line_between
from grid.responsibility import assign_geometry
from layers.tables import Case

CLERK, SUPERVISOR = "dispatcher", "supervisor"
_REJECTIONS = (
    "现场核实未发现反映的情况。",
    "反映内容属于民事纠纷，已告知走诉讼途径。",
    "地址不清，电话回访无人接听。",
)
_MERGED = "与该案为同一事项，并案办理。"
_NOT_THE_SAME = "回访核实，两处为不同地点，不是同一事项，撤销并案。"


class IntakeWork:
    """Takes reports in and decides what becomes of each."""

    def __init__(self, db: Session, line: Timeline, report: MonthReport, cases: CaseWork) -> None:
        self.db, self.line, self.report, self.cases = db, line, report, cases

    def receive(self, one: Report, at: dt.datetime) -> None:
        """Take a report in; a clerk decides later."""
        rng = np.random.default_rng(list(one.seed))
        if one.other_place is not None:
            self._open_across(one, one.place, one.other_place, at, rng)
            return
        clue = receive_clue(
            self.db,
            _facts(one, rng),
            at=at,
            created_by=_reporter(one),
            query_code=_query_code(rng) if one.source == "public" else None,
        )
        self.report.clues += 1
        self.line.add(at + one.decided_after, lambda then: self._decide(one, clue.id, then, rng))

    def _decide(self, one: Report, clue_id: int, at: dt.datetime, rng: np.random.Generator) -> None:
        if one.fate == "rejected":
            reason = _REJECTIONS[rng.integers(len(_REJECTIONS))]
            reject_clue(self.db, clue_id, reason=reason, by=CLERK, at=at)
            self.report.steps["reject_clue"] += 1
            return
        case = self._open(one, clue_id, f"{one.matter.name}（{spot(one.place, rng)}）", at)
        if case is None:
            return
        self.cases.begin(case, one.course, one.slow, one.seed)
        if one.fate != "opened":
            later = at + dt.timedelta(hours=float(rng.gamma(2.0, 9.0)))
            self.line.add(later, lambda then: self._again(one, case, then, rng))

    def _open(self, one: Report, clue_id: int, title: str, at: dt.datetime) -> Case | None:
        try:
            return open_case_of_clue(
                self.db,
                clue_id,
                title=title,
                item_code=one.matter.item_code,
                lon=one.place.lon,
                lat=one.place.lat,
                by=CLERK,
                role=CLERK,
                at=at,
            )
        except GridError as error:
            self.report.refused.append(f"open {one.matter.item_code}: {error}")
            return None

    def _open_across(
        self, one: Report, place: KnownPlace, other: KnownPlace, at: dt.datetime, rng: np.random.Generator
    ) -> None:
        """Open the case of a matter that stretches from one town into another."""
        try:
            line = line_between(place, other)
            case = open_case(
                self.db,
                title=f"{one.matter.name}（{place.town}与{other.town}交界）",
                item_code=one.matter.item_code,
                assignment=assign_geometry(self.db, line, item_code=one.matter.item_code, at=at),
                lon=place.lon,
                lat=place.lat,
                opened_at=at,
                actor=f"grid.{place.town_code}",
                role="grid_manager",
                payload={"source": "grid", "text": written_report("grid", one.matter.name, place, rng)},
            )
        except GridError as error:
            self.report.refused.append(f"open {one.matter.item_code} in two towns: {error}")
            return
        self.cases.begin(case, one.course, one.slow, one.seed)

    def _again(self, one: Report, case: Case, at: dt.datetime, rng: np.random.Generator) -> None:
        """Let somebody report the same thing again: merged as a clue, or opened and merged as a case."""
        matter, place = one.matter, one.place
        words = call(matter.item_code, matter.domain, matter.name, place, rng)
        facts = ClueFacts("hotline", words, address=address_of(place), lon=place.lon, lat=place.lat)
        clue = receive_clue(self.db, facts, at=at, created_by=CLERK)
        self.report.clues += 1
        if one.fate == "reported_twice" or case.state in ("closed", "merged"):
            merge_clue(self.db, clue.id, by=CLERK, at=at, case=case)
            self.report.steps["merge_clue"] += 1
            return
        second = self._open(one, clue.id, case.title, at)
        if second is None:
            return
        self.report.cases += 1
        merging = Step("merge", 0.0, CLERK, note=_MERGED, payload={"into": case.number})
        soon = at + dt.timedelta(hours=1)
        self.line.add(soon, lambda then: self._merge(second, case, merging, then, rng, one))

    def _merge(
        self, second: Case, case: Case, step: Step, at: dt.datetime, rng: np.random.Generator, one: Report
    ) -> None:
        """Merge a second case into the first; when that was closed meanwhile, the second stays open.

        One merge in three was wrong: a supervisor undoes it, and the case goes its own way.
        """
        if case.state in ("closed", "merged") or not self.cases.take(second, step, at, rng, CLERK):
            return
        if self.report.steps["merge"] % 3 == 1:
            undoing = Step("unmerge", 0.0, SUPERVISOR, note=_NOT_THE_SAME)
            later = at + dt.timedelta(hours=float(rng.uniform(2, 20)))
            self.line.add(later, lambda then: self._unmerge(second, undoing, then, rng, one))

    def _unmerge(
        self, second: Case, step: Step, at: dt.datetime, rng: np.random.Generator, one: Report
    ) -> None:
        if self.cases.take(second, step, at, rng, SUPERVISOR):
            self.cases.go_on(second, "straight", one.slow, (one.seed[0], ~one.seed[1] & 0xFFFF), at)


def _facts(one: Report, rng: np.random.Generator) -> ClueFacts:
    """Return what is reported; callers give an address, the others a place."""
    matter, place = one.matter, one.place
    if one.source in ("hotline", "public"):
        words, item = call(matter.item_code, matter.domain, matter.name, place, rng), None
    else:
        words, item = written_report(one.source, matter.name, place, rng), matter.item_code
    by_phone = one.source == "hotline"
    return ClueFacts(
        one.source,
        words,
        address=address_of(place) if item is None else None,
        lon=None if by_phone else place.lon,
        lat=None if by_phone else place.lat,
        item_code=item,
        urgency=one.urgency,
    )


def _reporter(one: Report) -> str | None:
    """Return the account that reports; None: the public."""
    if one.source == "public":
        return None
    return {"hotline": CLERK, "grid": f"grid.{one.place.town_code}"}.get(one.source, "service")


def _query_code(rng: np.random.Generator) -> str:
    return "".join(CODE_LETTERS[i] for i in rng.integers(0, len(CODE_LETTERS), CODE_LENGTH))
