"""Memory of alerts: the live one of each site, its scores of all runs, outcomes of site checks, budgets of checks."""

from __future__ import annotations

from layers.alerts.budgets import NewBudget, budgets, rank_alerts, set_budget
from layers.alerts.judged import (
    checked_shares,
    counties_of_sites,
    judged_scores,
    outcomes_since_run,
    site_outcomes,
)
from layers.alerts.lists import ListedAlert, list_alerts
from layers.alerts.outcomes import NewOutcome, add_outcome, outcomes_of
from layers.alerts.scores import AlertMemory, NewScore, add_score, alert_memories, scores_of

__all__ = [
    "AlertMemory",
    "ListedAlert",
    "NewBudget",
    "NewOutcome",
    "NewScore",
    "add_outcome",
    "add_score",
    "alert_memories",
    "budgets",
    "checked_shares",
    "counties_of_sites",
    "judged_scores",
    "list_alerts",
    "outcomes_of",
    "outcomes_since_run",
    "rank_alerts",
    "scores_of",
    "set_budget",
    "site_outcomes",
]
