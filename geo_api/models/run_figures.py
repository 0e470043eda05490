"""Figures of a run from the checks that came since: precision at k, lead time, false alarms by county, reliability."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from layers.alerts import outcomes_since_run
from spatial_models.learning import reliability

KS = (5, 10, 20)
LABELS = ("confirmed", "legal_use")
DAY = dt.timedelta(days=1)


def run_figures(db: Session, run_id: int) -> dict[str, Any]:
    """Return what the checks since a run say of its queue.

    Precision is the share confirmed among those of the first k that were judged; ``judged`` says how many those are.
    Lead time is the time from an alert to the check that confirmed it, or to a case that was opened later than the
    alert if that came first.
    """
    rows = [dict(row) for row in outcomes_since_run(db, run_id)]
    judged = [row for row in rows if row["outcome"] in LABELS]
    is_confirmed = [row["outcome"] == "confirmed" for row in judged]
    leads = sorted(lead for row in rows if (lead := _lead_days(row)) is not None)
    return {
        "queue": len(rows),
        "checked": sum(row["outcome"] is not None for row in rows),
        "confirmed": sum(is_confirmed),
        "legal_use": len(judged) - sum(is_confirmed),
        "precision_at": [{"k": k, **_precision(rows[:k])} for k in KS if k <= len(rows)],
        "within_budget": _within_budget(rows),
        "lead_days": {"n": len(leads), "median": statistics.median(leads) if leads else None},
        "counties": _counties(rows),
        "reliability": [asdict(one) for one in reliability([row["score"] for row in judged], is_confirmed)],
    }


def _precision(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    judged = [row["outcome"] for row in rows if row["outcome"] in LABELS]
    hits = judged.count("confirmed")
    return {"judged": len(judged), "precision": hits / len(judged) if judged else None}


def _within_budget(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the precision of the alerts that a week's checks reach, each county by its own; None: no budget."""
    seen: dict[str, int] = {}
    first = []
    for row in rows:
        if row["checks_per_week"] is None:
            continue
        place = seen[row["county_code"]] = seen.get(row["county_code"], 0) + 1
        if place <= row["checks_per_week"]:
            first.append(row)
    return {"k": len(first), **_precision(first)} if seen else None


def _lead_days(row: Mapping[str, Any]) -> float | None:
    # A case that the alert itself opened says nothing of how early it was.
    has_case = row["case_at"] and row["opened_at"] and row["case_at"] > row["opened_at"]
    ends = [row["case_at"]] if has_case else []
    if row["outcome"] == "confirmed":
        ends.append(row["outcome_at"])
    return (min(ends) - row["opened_at"]) / DAY if ends and row["opened_at"] else None


def _counties(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    by_code: dict[str | None, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_code.setdefault(row["county_code"], []).append(row)
    return [
        {
            "code": code,
            "name": found[0]["county"],
            "queue": len(found),
            "confirmed": sum(row["outcome"] == "confirmed" for row in found),
            "legal_use": sum(row["outcome"] == "legal_use" for row in found),
        }
        for code, found in sorted(by_code.items(), key=lambda item: item[0] or "")
    ]
