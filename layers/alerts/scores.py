"""Scores of alerts: the memory of every live alert of a kind, the row of a run, the history of one alert."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class AlertMemory:
    """Memory of the live alert of a site or fence: its state, its newest score, and what was judged last.

    Attributes
    ----------
    opened_at : datetime
        When the present matter began: raised for the first time, or raised again.
    last_at : datetime
        Moment of the newest score.
    log_odds, unexplained_log_odds : float
        Of the newest score, as it stands and before what notices explain.
    families : tuple of str
        Families of evidence that counted in the newest score.
    judged_at : datetime or None
        Moment of the score that the newest outcome judged: how far the data reached; None: there is no outcome.
    judged_log_odds, judged_unexplained, judged_families
        Of the score that the outcome judged; those of the newest score where an older version kept none.
    lowest_unexplained : float or None
        Lowest log-odds before notices among the scores below the lowest level, since the outcome or since
        ``opened_at``; None: the evidence never sank that low.
    """

    subject_id: str
    id: int
    status: str
    level: str
    score: float
    raised_at: dt.datetime
    opened_at: dt.datetime
    evidence: list[dict[str, Any]]
    would_lower: list[dict[str, Any]]
    last_at: dt.datetime
    log_odds: float | None
    unexplained_log_odds: float | None
    families: tuple[str, ...]
    judged_at: dt.datetime | None
    judged_log_odds: float | None
    judged_unexplained: float | None
    judged_families: tuple[str, ...]
    lowest_unexplained: float | None


def alert_memories(db: Session, kind: str, *, lock: bool = True) -> dict[str, AlertMemory]:
    """Return the memory of every live alert of a kind, by the id of its site or fence.

    Parameters
    ----------
    lock : bool
        Whether the alerts are locked until the transaction ends.
    """
    statement = text(_MEMORIES + (" FOR UPDATE OF a" if lock else ""))
    rows = db.execute(statement, {"kind": kind}).mappings()
    return {
        row["subject_id"]: AlertMemory(
            **{
                **row,
                "families": tuple(row["families"] or ()),
                "judged_families": tuple(row["judged_families"] or ()),
            }
        )
        for row in rows
    }


@dataclass(frozen=True)
class NewScore:
    """The score of an alert by one run, as it is stored (:class:`layers.tables.AlertScore`)."""

    alert_id: int
    run_id: int
    at: dt.datetime
    level: str
    score: float
    log_odds: float
    unexplained_log_odds: float
    families: Sequence[str]
    status: str
    change: str
    reasons: Sequence[Mapping[str, object]]
    contributions: Mapping[str, object]


def add_score(db: Session, score: NewScore) -> int:
    """Append a score to the history of its alert; returns its id."""
    reasons = json.dumps(list(score.reasons), ensure_ascii=False, default=str)
    weights = json.dumps(dict(score.contributions))
    values = vars(score) | {"families": list(score.families), "reasons": reasons, "contributions": weights}
    return int(db.execute(_ADD, values).scalar_one())


def scores_of(db: Session, alert_id: int, limit: int) -> Sequence[RowMapping]:
    """Return the history of an alert, the newest score first, each with the score and level before it."""
    return db.execute(_HISTORY, {"alert_id": alert_id, "limit": limit}).mappings().all()


_MEMORIES = """
SELECT COALESCE(s.site_id, f.fence_id) AS subject_id, a.id, a.status,
       a.level, a.score, a.raised_at, COALESCE(a.opened_at, a.raised_at) AS opened_at,
       a.evidence, a.would_lower, COALESCE(last.at, a.raised_at) AS last_at, last.log_odds, last.unexplained_log_odds,
       last.families, COALESCE(judged.at, outcome.at) AS judged_at,
       COALESCE(judged.log_odds, last.log_odds) AS judged_log_odds,
       COALESCE(judged.unexplained_log_odds, last.unexplained_log_odds) AS judged_unexplained,
       COALESCE(judged.families, last.families) AS judged_families, lowest.value AS lowest_unexplained
FROM alerts a
LEFT JOIN sites s ON s.id = a.site_id
LEFT JOIN fences f ON f.id = a.fence_id
LEFT JOIN LATERAL (SELECT * FROM alert_scores c WHERE c.alert_id = a.id ORDER BY c.id DESC LIMIT 1) last ON true
LEFT JOIN LATERAL (SELECT * FROM alert_outcomes o WHERE o.alert_id = a.id ORDER BY o.id DESC LIMIT 1) outcome ON true
LEFT JOIN alert_scores judged ON judged.id = outcome.score_id
LEFT JOIN LATERAL (
    SELECT min(t.unexplained_log_odds) AS value FROM alert_scores t
    WHERE t.alert_id = a.id AND t.level = 'none' AND t.id > COALESCE(outcome.score_id, 0)
      AND t.at >= COALESCE(a.opened_at, a.raised_at)
) lowest ON true
WHERE a.kind = :kind AND a.joined_to IS NULL ORDER BY 1
"""
_ADD = text("""
INSERT INTO alert_scores (alert_id, run_id, at, level, score, log_odds, unexplained_log_odds, families, status, change,
                          reasons, contributions)
VALUES (:alert_id, :run_id, :at, :level, :score, :log_odds, :unexplained_log_odds, :families, :status, :change,
        CAST(:reasons AS jsonb), CAST(:contributions AS jsonb)) RETURNING id
""")
_HISTORY = text("""
SELECT run_id, to_char(timezone('UTC', at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS at, level, score, families, status,
       change, reasons, lag(level) OVER before AS level_before, lag(score) OVER before AS score_before
FROM alert_scores WHERE alert_id = :alert_id WINDOW before AS (ORDER BY id) ORDER BY id DESC LIMIT :limit
""")
