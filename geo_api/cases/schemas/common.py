"""Values and texts that answers about alerts and cases share."""

from __future__ import annotations

from typing import Annotated

from geo_api.http.schemas import Answer, Choice
from layers.alert_levels import ALERT_LEVELS
from layers.tables import (
    ALERT_STATUSES,
    CASE_STATES,
    OUTCOMES,
)

Outcome = Annotated[str, Choice("Outcome", OUTCOMES)]
AlertLevel = Annotated[str, Choice("AlertLevel", ALERT_LEVELS)]
AlertStatus = Annotated[str, Choice("AlertStatus", ALERT_STATUSES)]
CaseState = Annotated[str, Choice("CaseState", CASE_STATES)]


class BothLanguages(Answer):
    """A sentence in Chinese and English."""

    zh: str
    en: str
