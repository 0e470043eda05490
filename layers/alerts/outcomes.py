"""Outcomes of site checks: appended with who found them and when, read newest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from layers.errors import NotFound


@dataclass(frozen=True)
class NewOutcome:
    """Outcome that a person found at the site of an alert; ``case_number`` is of the case that notes it."""

    alert_id: int
    outcome: str
    at: dt.datetime
    actor: str
    role: str
    body: str | None
    note: str
    case_number: str | None


def add_outcome(db: Session, found: NewOutcome, status: str) -> None:
    """Append an outcome to the alert, and give the alert its status and newest outcome.

    Raises
    ------
    NotFound
        No such alert, or none that the caller may see; or it was joined to another.
    """
    values = vars(found) | {"status": status}
    if db.execute(_MARK, values).one_or_none() is None:
        raise NotFound(f"no alert {found.alert_id}", f"没有预警 {found.alert_id}，或无权查看")
    db.execute(_ADD, values)


def outcomes_of(db: Session, alert_id: int) -> Sequence[RowMapping]:
    """Return the outcomes of an alert, newest first, each with the level and score that were judged."""
    return db.execute(_LIST, {"alert_id": alert_id}).mappings().all()


_MARK = text("""
UPDATE alerts SET outcome = :outcome, status = :status WHERE id = :alert_id AND joined_to IS NULL RETURNING id
""")
_ADD = text("""
INSERT INTO alert_outcomes (alert_id, score_id, outcome, at, actor, role, body, note, case_number)
VALUES (:alert_id, (SELECT max(s.id) FROM alert_scores s WHERE s.alert_id = :alert_id), :outcome, :at, :actor, :role,
        :body, :note, :case_number)
""")
_LIST = text("""
SELECT o.outcome, to_char(timezone('UTC', o.at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, o.actor, o.role, o.body, o.note,
       o.case_number, s.level, s.score
FROM alert_outcomes o LEFT JOIN alert_scores s ON s.id = o.score_id WHERE o.alert_id = :alert_id ORDER BY o.id DESC
""")
