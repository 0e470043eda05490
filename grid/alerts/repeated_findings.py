"""Storage of findings as alerts: a repeated finding at a site updates its open alert.

A site has one open alert of a kind. A finding of a higher level changes it (level, score, evidence and run);
one of the same or a lower level leaves it as it is. An alert that a site check has answered is not open any
more: the next finding makes a new one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from layers.alert_levels import ALERT_LEVELS
from layers.records import change_alert, insert_alert, open_alert


@dataclass(frozen=True)
class Finding:
    """The result of a model at one site.

    Attributes
    ----------
    level : str
        Of ``ALERT_LEVELS``.
    evidence, would_lower : sequence of mapping
        As the model writes them, for the card: what was seen, and what would lower the score.
    """

    site_id: str
    level: str
    score: float
    evidence: Sequence[Mapping[str, object]]
    would_lower: Sequence[Mapping[str, object]]


@dataclass(frozen=True)
class StoredAlert:
    """The alert that stores a finding.

    Attributes
    ----------
    is_new_or_raised : bool
        Whether the alert is new or has a higher level than before.
    """

    alert_id: int
    is_new_or_raised: bool


def store_finding(db: Session, finding: Finding, *, kind: str, run_id: int, at: dt.datetime) -> StoredAlert:
    """Store a finding as a new alert, or update the open alert of its site when the level is higher.

    Parameters
    ----------
    kind : str
        Kind of the alert.
    run_id : int
        Run of the model.
    at : datetime
        Time of the alert, with zone.
    """
    before = open_alert(db, finding.site_id, kind)
    if before is None:
        made = insert_alert(db, run_id=run_id, kind=kind, at=at, **vars(finding))
        return StoredAlert(made, True)
    if ALERT_LEVELS.index(finding.level) <= ALERT_LEVELS.index(before.level):
        return StoredAlert(before.id, False)
    change_alert(
        db,
        before.id,
        run_id=run_id,
        level=finding.level,
        score=finding.score,
        at=at,
        evidence=finding.evidence,
        would_lower=finding.would_lower,
    )
    return StoredAlert(before.id, True)
