"""Raising of alerts from the findings of one run of a model, and opening of their cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from grid.alerts.case_opening import open_case_of_alert
from grid.alerts.matters import WithoutCase, case_matter
from grid.alerts.repeated_findings import Finding, store_finding
from layers.records import alerts_without_case

RESUMPTION_KIND = "illegal_resumption"
CASE_LEVELS = ("warning", "high")
"""An alert of one of these levels (预警, 高) opens a case."""


@dataclass(frozen=True)
class RaisedCounts:
    """Counts of one run: alerts new or of a higher level than before, cases opened, alerts left without a case."""

    alerts: int
    cases: int
    without_case: WithoutCase | None = None


def raise_alerts(
    db: Session,
    findings: Sequence[Finding],
    *,
    kind: str,
    run_id: int,
    at: dt.datetime,
    progress: Callable[[int, int], object] = lambda done, total: None,
    keep: Callable[[Session, str, int], object] = lambda db, site_id, alert_id: None,
) -> RaisedCounts:
    """Store an alert for each finding and open a case for each alert of a level in ``CASE_LEVELS``.

    Without the matter of the kind in the duty list no case is opened. Once it is there, open alerts that were
    left without a case get theirs, after those of the findings.

    Parameters
    ----------
    findings : sequence of Finding
        Case numbers are given in this order.
    kind : str
        Kind of the alerts, as ``RESUMPTION_KIND``.
    at : datetime
        With zone: when the alerts are raised and the cases opened.
    progress : callable, optional
        Called after each finding with the number of those done and of all.
    keep : callable, optional
        Called with the site and the id of each alert that is new or raised: it keeps the rows behind it.
    """
    matter = case_matter(db, kind)
    code = matter.item_code if matter.in_list else None
    alerts = cases = 0
    for done, finding in enumerate(findings, start=1):
        alert = store_finding(db, finding, kind=kind, run_id=run_id, at=at)
        alerts += alert.is_new_or_raised
        if alert.is_new_or_raised:
            keep(db, finding.site_id, alert.alert_id)
        if code is not None and finding.level in CASE_LEVELS:
            cases += open_case_of_alert(db, alert.alert_id, code, at)
        progress(done, len(findings))
    waiting = alerts_without_case(db, kind, CASE_LEVELS)
    if code is None:
        return RaisedCounts(alerts, cases, WithoutCase(len(waiting), matter) if waiting else None)
    cases += sum(open_case_of_alert(db, alert_id, code, at) for alert_id in waiting)
    return RaisedCounts(alerts, cases)
