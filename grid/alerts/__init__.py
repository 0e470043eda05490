"""Alerts: raising from findings of a model, repeated findings, evidence cards and outcomes of site checks."""

from __future__ import annotations

from grid.alerts.cards import AlertCard, CardVisit, alert_card
from grid.alerts.matters import (
    CASE_KINDS,
    Matter,
    WithoutCase,
    case_matter,
    missing_matters,
    put_matters,
    set_matter,
    stored_matters,
    suggested_items,
    suggested_matters,
)
from grid.alerts.outcomes import RecordedOutcome, record_outcome
from grid.alerts.raising import RESUMPTION_KIND, raise_alerts
from grid.alerts.repeated_findings import Finding

__all__ = [
    "CASE_KINDS",
    "RESUMPTION_KIND",
    "AlertCard",
    "CardVisit",
    "Finding",
    "Matter",
    "RecordedOutcome",
    "WithoutCase",
    "alert_card",
    "case_matter",
    "missing_matters",
    "put_matters",
    "raise_alerts",
    "record_outcome",
    "set_matter",
    "stored_matters",
    "suggested_items",
    "suggested_matters",
]
