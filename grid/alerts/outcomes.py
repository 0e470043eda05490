"""Outcomes of site checks: the result for an alert, and the label for the evaluation of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from grid.cases import transition
from grid.errors import IllegalTransition
from layers.records import newest_case_of_alert, set_outcome

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
    db: Session, alert_id: int, outcome: str, *, note: str, actor: str, role: str, body: str | None
) -> RecordedOutcome:
    """Store the outcome of a site check, and append it to the alert's newest case as a case event, closed or not.

    Parameters
    ----------
    outcome : str
        A key of ``OUTCOMES``.
    note : str
        For the event; the name of the outcome when empty.
    actor, role, body : str
        As of :func:`grid.cases.transition`.

    Raises
    ------
    layers.errors.NotFound
        No such alert, or none that the caller may see.
    IllegalTransition
        The alert has an outcome already: it is recorded once.
    """
    former = set_outcome(db, alert_id, outcome, CHECKED)
    if former is not None:
        zh, en = OUTCOMES[former]
        raise IllegalTransition(
            f"the alert has an outcome already: {en}; it is recorded once",
            f"该预警已登记核查结果（{zh}），不能重复登记",
        )
    number = newest_case_of_alert(db, alert_id)
    if number is not None:
        zh, en = OUTCOMES[outcome]
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
    return RecordedOutcome(alert_id, outcome, CHECKED, number)
