"""Storage of scores: a finding of a run changes the live alert of its subject and is added to its history."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from grid.alerts.findings import Finding
from grid.alerts.memory import LOWEST, Decision, decide
from grid.alerts.reasons import reasons_of_change
from layers.alerts import AlertMemory, NewScore, add_score
from layers.records import change_alert, insert_alert

GONE: dict[str, object] = {
    "signal": "not_looked_at",
    "before": None,
    "after": None,
    "zh": "不再属于研判范围（已复产、拆除、撤销或更正登记）。",
    "en": "The model does not look at it any more: it works with leave, is gone, or its entry was corrected.",
}


@dataclass(frozen=True)
class StoredAlert:
    """The alert that stores a finding, and what became of it; ``is_changed``: a row was written."""

    alert_id: int
    decision: Decision
    is_changed: bool


def store_finding(
    db: Session,
    finding: Finding,
    memory: AlertMemory | None,
    *,
    kind: str,
    run_id: int,
    at: dt.datetime,
    zone: ZoneInfo,
) -> StoredAlert | None:
    """Store a finding in the live alert of its subject, or as a new one.

    A finding that differs in nothing writes nothing; neither does one of an earlier moment than the newest score.

    Parameters
    ----------
    memory : AlertMemory or None
        Of the live alert of the subject.
    kind : str
        Kind of the alert.
    run_id : int
        Run of the model.
    at : datetime
        Moment from which the model looked back, with zone.
    zone : ZoneInfo
        Of the city.

    Returns
    -------
    StoredAlert or None
        None: the subject has no alert, and gets none.
    """
    decision = decide(memory, finding, zone)
    if decision is None:
        return None
    if memory is None:
        alert_id = insert_alert(
            db, run_id=run_id, kind=kind, at=at, subject=finding.subject, subject_id=finding.subject_id,
            **_columns(finding),
        )  # fmt: skip
        reasons: list[dict[str, object]] = []
    else:
        if at < memory.last_at or _is_same(memory, finding, decision):
            return StoredAlert(memory.id, Decision(memory.status, "refreshed"), is_changed=False)
        alert_id = memory.id
        change_alert(
            db,
            alert_id,
            run_id=run_id,
            status=decision.status,
            raised_at=at if decision.is_raised else memory.raised_at,
            opened_at=at if decision.is_new_matter else memory.opened_at,
            **_columns(finding),
        )
        reasons = reasons_of_change(memory.evidence, finding.evidence)
        if finding.level == LOWEST and not finding.evidence:
            reasons = [GONE, *reasons][:1]
    add_score(
        db,
        NewScore(
            alert_id=alert_id,
            run_id=run_id,
            at=at,
            level=finding.level,
            score=finding.score,
            log_odds=finding.log_odds,
            unexplained_log_odds=finding.unexplained_log_odds,
            families=finding.families,
            status=decision.status,
            change=decision.change,
            reasons=reasons,
            contributions=finding.contributions,
        ),
    )
    return StoredAlert(alert_id, decision, is_changed=True)


def _columns(finding: Finding) -> dict[str, Any]:
    names = ("level", "score", "evidence", "would_lower", "would_settle", "place")
    return {name: getattr(finding, name) for name in names}


def _is_same(memory: AlertMemory, finding: Finding, decision: Decision) -> bool:
    """Whether nothing of the alert would change."""
    now = (finding.level, finding.score, decision.status, set(finding.families))
    before = (memory.level, memory.score, memory.status, set(memory.families))
    return now == before and _plain(finding.evidence) == memory.evidence


def _plain(evidence: object) -> object:
    """Evidence as the database gives it back."""
    return json.loads(json.dumps(evidence, default=str))
