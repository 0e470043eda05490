"""Practice: what a city has for invented cases, places, matters and officers."""

from __future__ import annotations

from grid.practice.city_facts import (
    KnownPlace,
    accounts_of_officers,
    line_between,
    matter_of,
    officers_by_body,
    open_cases_of_alerts,
    place_of,
    places_to_report,
    reportable_matters,
)

__all__ = [
    "KnownPlace",
    "accounts_of_officers",
    "line_between",
    "matter_of",
    "officers_by_body",
    "open_cases_of_alerts",
    "place_of",
    "places_to_report",
    "reportable_matters",
]
