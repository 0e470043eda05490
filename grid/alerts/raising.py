"""Raising of alerts from the findings of one run of a model, and opening of their cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from grid.alerts.case_opening import open_case_of_alert
from grid.alerts.findings import Finding
from grid.alerts.matters import WithoutCase, case_matter
from grid.alerts.memory import CHECKED, FADED, LOWEST, OPEN, Decision, decide
from grid.alerts.queue import refresh_queue
from grid.alerts.scoring import StoredAlert, store_finding
from layers.alerts import AlertMemory, alert_memories
from layers.local_time import local_zone
from layers.records import alerts_without_case

RESUMPTION_KIND = "illegal_resumption"
CASE_LEVELS = ("warning", "high")
"""An alert of one of these levels (预警, 高) opens a case."""


@dataclass(frozen=True)
class RaisedCounts:
    """Counts of one run.

    Attributes
    ----------
    alerts : int
        New, raised again, or in the queue at a higher level than before.
    cases : int
        Cases opened.
    without_case : WithoutCase or None
        Alerts left without a case, and why.
    lowered, faded, suppressed : int
        Alerts with a lower score or level than before, of which some faded; alerts whose evidence has a level and
        which stay out of the queue, since an outcome answers them.
    """

    alerts: int
    cases: int
    without_case: WithoutCase | None = None
    lowered: int = 0
    faded: int = 0
    suppressed: int = 0


def raise_alerts(
    db: Session,
    findings: Sequence[Finding],
    *,
    kind: str,
    run_id: int,
    at: dt.datetime,
    progress: Callable[[int, int], object] = lambda done, total: None,
    keep: Callable[[Session, str, int], object] = lambda db, subject_id, alert_id: None,
    complete: bool = False,
) -> RaisedCounts:
    """Score the alert of each finding up or down, and open a case for each open one of a level in ``CASE_LEVELS``.

    Without the matter of the kind in the duty list no case is opened. Once it is there, open alerts that were
    left without a case get theirs, after those of the findings.

    Parameters
    ----------
    findings : sequence of Finding
        Case numbers are given in this order. Those of the level none change alerts that are there.
    kind : str
        Kind of the alerts, as ``RESUMPTION_KIND``.
    at : datetime
        With zone: when the alerts are raised and the cases opened.
    progress : callable, optional
        Called after each finding with the number of those done and of all.
    keep : callable, optional
        Called with the id of the subject and that of each alert that a finding of a level changed: it keeps the rows
        behind it.
    complete : bool
        Whether the findings are of all that the model looks at: other alerts of the kind fade.
    """
    matter = case_matter(db, kind)
    code = matter.item_code if matter.in_list else None
    memories, zone = alert_memories(db, kind), local_zone()
    todo = [*findings, *(_gone(memories, findings) if complete else ())]
    stored: list[StoredAlert] = []
    cases = 0
    for done, finding in enumerate(todo, start=1):
        memory = memories.get(finding.subject_id)
        alert = store_finding(db, finding, memory, kind=kind, run_id=run_id, at=at, zone=zone)
        if alert is not None:
            stored.append(alert)
            if alert.is_changed and finding.level != LOWEST:
                keep(db, finding.subject_id, alert.alert_id)
            if code is not None and finding.level in CASE_LEVELS and alert.decision.status == OPEN:
                cases += open_case_of_alert(db, alert.alert_id, code, at)
        progress(done, len(todo))
    refresh_queue(db, dt.datetime.now(dt.UTC))
    waiting = alerts_without_case(db, kind, CASE_LEVELS)
    if code is not None:
        cases += sum(open_case_of_alert(db, alert_id, code, at) for alert_id in waiting)
    left = WithoutCase(len(waiting), matter) if waiting and code is None else None
    return RaisedCounts(cases=cases, without_case=left, **_counts(stored, todo, memories))


@dataclass(frozen=True)
class WouldRaise:
    """A finding that would come into the queue as an alert of a kind, and what would become of it."""

    kind: str
    finding: Finding
    decision: Decision


def would_raise(db: Session, findings: Sequence[Finding], kind: str) -> list[WouldRaise]:
    """Return the findings that would come into the queue; nothing is written."""
    memories, zone = alert_memories(db, kind, lock=False), local_zone()
    decided = [(finding, decide(memories.get(finding.subject_id), finding, zone)) for finding in findings]
    return [WouldRaise(kind, finding, one) for finding, one in decided if one and one.is_raised]


def _gone(memories: dict[str, AlertMemory], findings: Sequence[Finding]) -> list[Finding]:
    """Return findings without evidence for alerts of what the model does not look at any more."""
    found = {finding.subject_id for finding in findings}
    return [Finding(name, LOWEST, 0.0, (), ()) for name in memories if name not in found]


def _counts(
    stored: Sequence[StoredAlert], findings: Sequence[Finding], memories: dict[str, AlertMemory]
) -> dict[str, int]:
    changed = [alert.decision for alert in stored if alert.is_changed]
    answered = {memory.id for memory in memories.values() if memory.status == CHECKED}
    with_level = {
        memories[f.subject_id].id for f in findings if f.subject_id in memories and f.level != LOWEST
    }
    return {
        "alerts": sum(decision.is_raised for decision in changed),
        "lowered": sum(decision.change in ("lower", FADED) for decision in changed),
        "faded": sum(decision.change == FADED for decision in changed),
        "suppressed": len(
            answered & with_level - {alert.alert_id for alert in stored if alert.decision.is_raised}
        ),
    }
