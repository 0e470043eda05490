"""Outcomes of site checks: results for an alert, and labels for the evaluation of models."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from grid.alerts.queue import refresh_queue
from grid.cases import transition
from grid.errors import IllegalTransition
from layers.alerts import NewOutcome, add_outcome, outcomes_of, scores_of
from layers.records import newest_case_of_alert, read_alert

OUTCOMES: Mapping[str, tuple[str, str]] = {
    "confirmed": ("属实", "confirmed"),
    "legal_use": ("合法使用", "legal use"),
    "cannot_tell": ("无法判定", "cannot tell"),
}
"""Outcomes with their names in Chinese and English."""
CHECKED = "checked"
"""Status of an alert that has an outcome."""


@dataclass(frozen=True)
class RecordedOutcome:
    """An alert with its outcome, and the number of the case that notes it (None without a case)."""

    id: int
    outcome: str
    status: str
    noted_in_case: str | None


def record_outcome(
    db: Session,
    alert_id: int,
    outcome: str,
    *,
    note: str,
    actor: str,
    role: str,
    body: str | None,
    at: dt.datetime | None = None,
) -> RecordedOutcome:
    """Append the outcome of a site check to an alert, and to the newest case of its site as an event, closed or not.

    An outcome stays; a later one is added to it and is the one that counts. The alert leaves the queue until the
    evidence differs (:mod:`grid.alerts.memory`).

    Parameters
    ----------
    outcome : str
        A key of ``OUTCOMES``.
    note : str
        For the event; the name of the outcome when empty.
    actor, role, body : str
        As of :func:`grid.cases.transition`.
    at : datetime or None
        With zone; now when left out.

    Raises
    ------
    layers.errors.NotFound
        No such alert, or none that the caller may see.
    IllegalTransition
        The alert was joined to another one, or this person recorded this outcome last, and nothing was scored since.
    """
    moment = at or dt.datetime.now(dt.UTC)
    alert = read_alert(db, alert_id)
    if alert["joined_to"] is not None:
        raise IllegalTransition(
            f"the alert was joined to alert {alert['joined_to']} of the same site",
            f"该预警已并入同一场所的预警 {alert['joined_to']}",
        )
    _refuse_repetition(db, alert_id, outcome, actor)
    zh, en = OUTCOMES[outcome]
    number = newest_case_of_alert(db, alert_id)
    if number is not None:
        transition(
            db,
            number,
            "outcome",
            actor=actor,
            role=role,
            body=body,
            note=note or f"核查结果：{zh} · outcome: {en}",
            payload={"alert_id": alert_id, "outcome": outcome},
        )
    found = NewOutcome(alert_id, outcome, moment, actor, role, body, note, number)
    add_outcome(db, found, CHECKED)
    refresh_queue(db, dt.datetime.now(dt.UTC))
    return RecordedOutcome(alert_id, outcome, CHECKED, number)


def _refuse_repetition(db: Session, alert_id: int, outcome: str, actor: str) -> None:
    """Refuse the same outcome of the same person twice over the same score: a button pressed twice."""
    known = outcomes_of(db, alert_id)
    newest = scores_of(db, alert_id, 1)
    if not known or (known[0]["outcome"], known[0]["actor"]) != (outcome, actor):
        return
    if newest and newest[0]["at"] > known[0]["at"]:
        return
    zh, en = OUTCOMES[outcome]
    raise IllegalTransition(
        f"this outcome is recorded already: {en}", f"该核查结果已登记（{zh}），之后没有新的分值"
    )
