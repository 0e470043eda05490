"""Alerts raised from the findings of one run of a model, and the cases that follow from them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from grid.alerts.case_opening import open_case_of_alert
from grid.alerts.memory import Finding, remember

RESUMPTION_KIND = "illegal_resumption"
CASE_LEVELS = ("warning", "high")
"""An alert of one of these levels (预警, 高) opens a case."""


@dataclass(frozen=True)
class Raised:
    """Numbers of a run: alerts that are new or higher than before, and cases that were opened."""

    alerts: int
    cases: int


def raise_alerts(
    db: Session,
    findings: Sequence[Finding],
    *,
    kind: str,
    run_id: int,
    at: dt.datetime,
    tell: Callable[[int, int], object] = lambda done, total: None,
) -> Raised:
    """Raise an alert for each finding and open the cases of the serious ones.

    Parameters
    ----------
    findings : sequence of Finding
        Case numbers are given in this order.
    kind : str
        Kind of the alerts, as ``RESUMPTION_KIND``.
    at : datetime
        With zone: when the alerts are raised and the cases opened.
    tell : callable, optional
        Called after each finding with the number of those done and of all.
    """
    alerts = cases = 0
    for done, finding in enumerate(findings, start=1):
        alert = remember(db, finding, kind=kind, run_id=run_id, at=at)
        alerts += alert.fresh
        if finding.level in CASE_LEVELS:
            cases += open_case_of_alert(db, alert.alert_id, at)
        tell(done, len(findings))
    return Raised(alerts, cases)
