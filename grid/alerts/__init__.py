"""Alerts: raised from findings of a model, remembered, shown as a card, answered by a site check."""

from __future__ import annotations

from grid.alerts.cards import AlertCard, CardVisit, alert_card
from grid.alerts.memory import Finding
from grid.alerts.outcomes import RecordedOutcome, record_outcome
from grid.alerts.raising import RESUMPTION_KIND, raise_alerts

__all__ = [
    "RESUMPTION_KIND",
    "AlertCard",
    "CardVisit",
    "Finding",
    "RecordedOutcome",
    "alert_card",
    "raise_alerts",
    "record_outcome",
]
