"""Memory of alerts: what is known of the live one of each site, its scores of all runs, and outcomes of site checks."""

from __future__ import annotations

from layers.alerts.lists import ListedAlert, list_alerts
from layers.alerts.outcomes import NewOutcome, add_outcome, outcomes_of
from layers.alerts.scores import AlertMemory, NewScore, add_score, alert_memories, scores_of

__all__ = [
    "AlertMemory",
    "ListedAlert",
    "NewOutcome",
    "NewScore",
    "add_outcome",
    "add_score",
    "alert_memories",
    "list_alerts",
    "outcomes_of",
    "scores_of",
]
