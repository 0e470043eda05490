"""The month, moment by moment: reports come in, clerks decide, bodies take their steps, clocks are watched.

Everything goes through the functions of the service, each with the time at which it happened. What would happen
after the end of the month does not happen: so cases are in every state when it ends.
"""

from __future__ import annotations

import datetime as dt
from functools import partial

import numpy as np
from sqlalchemy.orm import Session

from geo_api.demo_month.case_work import CaseWork
from geo_api.demo_month.courses import COURSES
from geo_api.demo_month.intake_work import IntakeWork
from geo_api.demo_month.plan import DAYS, Report, plan_reports
from geo_api.demo_month.report import MonthReport, Progress, Timeline
from grid.cases import DUE_SOON, escalate, late_cases, publish_decided, read_published, take_down
from grid.practice import open_cases_of_alerts, places_to_report, reportable_matters
from layers.attachments import AttachmentStore
from layers.local_time import local_zone, start_of_day

DEFAULT_REPORTS = 330
MOST_PLACES = 1_500
WATCH_AT, PUBLISH_AT = dt.timedelta(hours=9), dt.timedelta(hours=20)
_TAKEN_DOWN_SHARE = 0.12
"""Days on which one of the new publications is taken down again."""
_TAKEN_DOWN = ("当事人申请信用修复，已完成整改。", "公示内容有误，核对后重新公示。")


def work_month(
    db: Session,
    store: AttachmentStore,
    *,
    seed: int,
    until: dt.datetime,
    reports: int = DEFAULT_REPORTS,
    progress: Progress = lambda done, total: None,
) -> MonthReport:
    """Work the ``DAYS`` days before ``until``: clues, cases in every state, their files, escalations, publication.

    Parameters
    ----------
    db : Session
        With the rights of the system; all of the month is one transaction.
    store : AttachmentStore
        Where the photos of the cases lie.
    seed : int
        All choices come from it: the same seed over the same data makes the same month.
    until : datetime
        End of the month, with zone.
    reports : int
        Number of reports that come in; cases that alerts of models opened in these days are worked too.

    Returns
    -------
    MonthReport
        What a city lacks (matters, officers) is told there: its cases wait, nothing is made up.
    """
    report, line = MonthReport(), Timeline(until)
    last = (until - dt.timedelta(microseconds=1)).astimezone(local_zone()).date()
    first = last - dt.timedelta(days=DAYS - 1)
    matters = reportable_matters(db, first, last)
    places = places_to_report(db, MOST_PLACES, seed)
    if not matters or not places:
        report.tell(
            "没有可上报的事项或区域，未生成案件", "no matters or no areas to report: no cases were made"
        )
        return report
    cases = CaseWork(db, store, seed, line, report)
    intake = IntakeWork(db, line, report, cases)
    for one in plan_reports(reports, seed, until, matters, places):
        line.add(one.at, partial(_receive, intake, one))
    for index, case in enumerate(open_cases_of_alerts(db, until - dt.timedelta(days=1))):
        cases.begin(case, list(COURSES)[index % len(COURSES)], False, (seed, reports + index))
    taking_down = np.random.default_rng([seed, 31])
    for day in range(DAYS):
        start = start_of_day(first + dt.timedelta(days=day))
        line.add(start + WATCH_AT, partial(_watch, db, report))
        line.add(start + PUBLISH_AT, partial(_publish, db, report, taking_down))
    line.run(progress)
    _tell_what_lacks(db, report)
    return report


def _receive(intake: IntakeWork, one: Report, at: dt.datetime) -> None:
    intake.receive(one, at)


def _watch(db: Session, report: MonthReport, at: dt.datetime) -> None:
    """Escalate what became late, as the job of the service does."""
    late = late_cases(db, at, DUE_SOON)
    for reason, numbers in (("overdue", late.overdue), ("stage_overdue", late.stage_overdue)):
        for number in numbers:
            escalate(db, number, reason, at)
            report.steps["escalate"] += 1


def _publish(db: Session, report: MonthReport, rng: np.random.Generator, at: dt.datetime) -> None:
    """Publish what was decided, as the job of the service does; now and then a publication is taken down."""
    published, _ = publish_decided(db, at)
    report.published += published
    if published and rng.uniform() < _TAKEN_DOWN_SHARE:
        newest = read_published(db, limit=published)
        number = newest[rng.integers(len(newest))]["number"]
        reason = _TAKEN_DOWN[rng.integers(len(_TAKEN_DOWN))]
        take_down(db, number, reason=reason, actor="supervisor", role="supervisor", at=at)
        report.steps["take_down"] += 1


def _tell_what_lacks(db: Session, report: MonthReport) -> None:
    if waiting := sum(report.waiting.values()):
        bodies = len(report.waiting)
        names = "、".join(sorted(report.waiting)[:3])
        report.tell(
            f"{waiting} 件案件等待执法人员：{names} 等 {bodies} 个主体没有在岗且证件有效的人员，"
            "请用 wangge import officers 导入",
            f"{waiting} cases wait for an officer: {bodies} bodies ({names} …) have nobody on duty with a"
            " valid certificate; `wangge import officers` adds them",
        )
    if not read_published(db, limit=1):
        report.tell("没有可公示的已结案件", "no closed case is to be published")
