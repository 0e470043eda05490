"""Alerts: scored by findings of a model, remembered, with evidence cards and outcomes of site checks."""

from __future__ import annotations

from grid.alerts.cards import AlertCard, CardVisit, alert_card
from grid.alerts.findings import Finding
from grid.alerts.matters import (
    CASE_KINDS,
    Matter,
    WithoutCase,
    case_matter,
    ensure_kind,
    kept_without_case,
    missing_matters,
    put_matters,
    set_matter,
    stored_matters,
    suggested_items,
    suggested_matters,
)
from grid.alerts.memory import MARGIN_LOG_ODDS, Decision
from grid.alerts.outcomes import OUTCOMES, RecordedOutcome, record_outcome
from grid.alerts.queue import change_budget, refresh_queue, week_begin
from grid.alerts.raising import (
    CASE_LEVELS,
    RESUMPTION_KIND,
    RaisedCounts,
    WouldRaise,
    raise_alerts,
    would_raise,
)
from grid.alerts.reasons import told_change

__all__ = [
    "CASE_KINDS",
    "CASE_LEVELS",
    "MARGIN_LOG_ODDS",
    "OUTCOMES",
    "RESUMPTION_KIND",
    "AlertCard",
    "CardVisit",
    "Decision",
    "Finding",
    "Matter",
    "RaisedCounts",
    "RecordedOutcome",
    "WithoutCase",
    "WouldRaise",
    "alert_card",
    "case_matter",
    "change_budget",
    "ensure_kind",
    "kept_without_case",
    "missing_matters",
    "put_matters",
    "raise_alerts",
    "record_outcome",
    "refresh_queue",
    "set_matter",
    "stored_matters",
    "suggested_items",
    "suggested_matters",
    "told_change",
    "week_begin",
    "would_raise",
]
