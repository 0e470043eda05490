"""Courses of invented cases: which steps follow each other, by whom and how much working time later.

A course is a generator: it gives a step and goes on when that was taken, so that it knows the parties of then.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from grid.cases import Party
from layers.tables import Matter

COURSES = {
    "straight": 0.58,
    "returned": 0.08,
    "disputed": 0.03,
    "refused": 0.04,
    "suspended": 0.08,
    "extended": 0.07,
    "rework": 0.09,
    "reopened": 0.03,
}
"""Kinds of courses with their shares."""
_DECISIONS = {
    "ordered_to_correct": 0.42,
    "warned": 0.2,
    "fined": 0.24,
    "confiscated": 0.04,
    "sealed": 0.05,
    "ordered_to_stop": 0.05,
}
_NOTES: Mapping[str, tuple[str, ...]] = {
    "note": (
        "现场检查笔录已制作，当事人已签字确认。", "已询问当事人和两名证人，情况属实。", "现场测量并绘图，资料已归卷。",
        "当事人表示配合，承诺三日内整改。", "已调取周边监控，时间与反映一致。",
    ),
    "return": ("经核对权责清单，该事项不属于本单位职责。", "现场属另一单位管理范围，请改派。"),
    "refuse": ("本单位人员均在专项行动中，无法协办。", "该环节不涉及本单位职责。"),
    "reassign": ("按权责清单由上级部门办理。", "两单位协商后改由上级部门牵头。"),
    "designate": ("经协调，指定由该单位办理。", "职责交叉，按属地原则指定管辖。"),
    "suspend": ("等待检测机构出具报告。", "当事人外出，无法送达，暂缓办理。", "涉及行政复议，等待结果。"),
    "resume": ("检测报告已收到，恢复办理。", "当事人已到场，恢复办理。"),
    "extend": ("案情复杂，需补充调查。", "需两部门会商，申请延期。"),
    "approve_extension": ("同意延期。",),
    "rework": ("现场仍有残留，整改不到位，退回重新处置。", "材料不齐，缺少整改后照片，请补充。"),
    "reopen": ("市民反映问题反复，重新办理。", "回访发现现象再次出现，重新办理。"),
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A step that follows the last one.

    Attributes
    ----------
    after_h : float
        Working hours since the last step.
    body : str or None
        Body that an officer acts for.
    """

    action: str
    after_h: float
    role: str
    body: str | None = None
    note: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CourseOfCase:
    """Circumstances on which a course depends.

    Attributes
    ----------
    kind : str
        Of ``COURSES``.
    parties : callable
        Returns the parties in force.
    pace_of : callable
        Factor on the times that a body takes (None: the centre): one that is slow has more than 1.
    """

    kind: str
    matter: Matter
    parties: Callable[[], Sequence[Party]]
    pace_of: Callable[[str | None], float]
    rng: np.random.Generator

    def hours(self, mean_h: float, body: str | None = None) -> float:
        """Return a waiting time around a mean, in working hours."""
        return float(self.rng.gamma(2.0, mean_h / 2.0)) * self.pace_of(body) + 0.02

    def note(self, action: str) -> str:
        """Return the reason of a step."""
        texts = _NOTES[action]
        return texts[self.rng.integers(len(texts))]

    def handlers(self) -> list[Party]:
        """Return the bodies that handle the case now, the lead first."""
        return [party for party in self.parties() if party.handles]

    def of_part(self, part: str) -> str | None:
        """Return the first body of a part."""
        return next((party.body for party in self.parties() if party.part == part), None)


Steps = Generator[Step, None, None]


def steps_of(case: CourseOfCase) -> Steps:
    """Give the steps of a case from its opening to its end."""
    yield Step("verify", case.hours(2.5), "dispatcher")
    yield Step("file", case.hours(2.5), "dispatcher")
    yield Step("dispatch", case.hours(2.0), "dispatcher")
    yield from _find_the_body(case)
    yield from _handle(case)
    yield from _close(case)
    if case.kind == "reopened":
        yield Step("reopen", case.hours(20), "supervisor", note=case.note("reopen"))
        yield from _handle(case)
        yield from _close(case)


def _find_the_body(case: CourseOfCase) -> Steps:
    """Return, refuse and give to others, until the bodies are those that handle the case."""
    lead = case.of_part("lead")
    if lead is None:
        return
    if case.kind in ("returned", "disputed"):
        yield _by(case, "return", 3, lead)
        above = case.of_part("copied")
        if case.kind == "returned" and above is not None:
            partners = [party.body for party in case.handlers()[1:] if party.body != above]
            given = {"lead_body": above, "co_handlers": partners}
            yield Step("reassign", case.hours(2), "dispatcher", note=case.note("reassign"), payload=given)
        yield Step("dispatch", case.hours(2), "dispatcher")
    if case.kind == "disputed":
        yield _by(case, "return", 3, lead)
        yield from _designate(case, lead)
        yield Step("dispatch", case.hours(1), "dispatcher")
    if case.kind == "refused":
        partners = [party.body for party in case.handlers()[1:]]
        for partner in partners[:2]:
            yield _by(case, "refuse", 3, partner)
        if len(partners) > 1:
            yield from _designate(case, lead)


def _designate(case: CourseOfCase, lead: str) -> Steps:
    """Let the superior decide; without one the supervisor does."""
    superior = case.of_part("superior")
    given = {"lead_body": lead, "co_handlers": []}
    role = "supervisor" if superior is None else "officer"
    yield Step("designate", case.hours(5, superior), role, superior, case.note("designate"), given)


def _by(case: CourseOfCase, action: str, mean_h: float, body: str, **payload: Any) -> Step:
    note = case.note(action) if action in _NOTES else ""
    return Step(action, case.hours(mean_h, body), "officer", body, note, payload)


def _handle(case: CourseOfCase) -> Steps:
    """Let every body arrive, dispose and feed back; the lead brings the evidence."""
    for party in case.handlers():
        yield _by(case, "arrive", 4, party.body)
        if party.part == "lead":
            yield from _investigate(case, party.body)
        decided = {"decision": _decision(case.rng)} if party.part == "lead" else {}
        yield _by(case, "dispose", 12, party.body, **decided)
        yield _by(case, "feed_back", 1.5, party.body)


def _investigate(case: CourseOfCase, lead: str) -> Steps:
    if "photo" in case.matter.evidence:
        yield _by(case, "attach", 0.4, lead)
    if "note" in case.matter.evidence or case.rng.uniform() < 0.2:
        measured = (
            {"measurement": {"value": 1, "unit": "次"}} if "measurement" in case.matter.evidence else {}
        )
        yield _by(case, "note", 0.3, lead, **measured)
    if case.kind == "suspended":
        yield Step("suspend", case.hours(4), "supervisor", note=case.note("suspend"))
        yield Step("resume", case.hours(36), "supervisor", note=case.note("resume"))
    if case.kind == "extended" and case.matter.extension_days_at_most >= 1:
        days = int(case.rng.integers(1, case.matter.extension_days_at_most + 1))
        yield _by(case, "extend", 10, lead, days=days)
        note = case.note("approve_extension")
        yield Step("approve_extension", case.hours(4), "supervisor", note=note)


def _close(case: CourseOfCase) -> Steps:
    if case.matter.legal_review:
        yield Step("review", case.hours(6), "supervisor")
    yield Step("check", case.hours(5), "supervisor")
    if case.kind == "rework":
        yield Step("rework", case.hours(1), "supervisor", note=case.note("rework"))
        yield from _handle(case)
        if case.matter.legal_review:
            yield Step("review", case.hours(6), "supervisor")
        yield Step("check", case.hours(5), "supervisor")
    yield Step("close", case.hours(2), "dispatcher")


def _decision(rng: np.random.Generator) -> str:
    return str(rng.choice(list(_DECISIONS), p=list(_DECISIONS.values())))
