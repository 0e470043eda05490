"""The one JSON document that ``wangge demo --json`` and ``wangge analyse --json`` print."""

from __future__ import annotations

from typing import Any

from geo_api.jobs.analysis import AnalysisResult
from grid.alerts import CASE_LEVELS, WithoutCase, WouldRaise
from layers.postgres import SYSTEM, session
from layers.records import FlaggedSite, flagged_sites

EVIDENCE_FIELDS = ("signal", "value", "baseline", "period", "contribution")


def document(url: str, result: AnalysisResult) -> dict[str, Any]:
    """Flagged sites and fences with evidence and case, counts and seconds.

    Returns
    -------
    dict
        ``flagged`` (预警 and 高) and ``watched`` (关注) are the open alerts; ``counts``, ``seconds``, ``at``,
        ``unchanged``, ``without_case`` (of one kind) and ``without_cases`` (of every kind), ``visits_unjudged``;
        ``window``, ``fingerprint`` and ``blind_spots`` of the run; ``run_id`` is null and ``would_raise`` a list when
        nothing was written. The demo adds ``planted``.
    """
    with session(SYSTEM, url) as db:
        flagged = [_shown(site) for site in flagged_sites(db, CASE_LEVELS)]
        watched = [_shown(site) for site in flagged_sites(db, ("attention",))]
    left, would = result.without_case, result.would_raise
    return {
        "flagged": flagged,
        "watched": watched,
        "run_id": result.run_id,
        "would_raise": None if would is None else [_would(one) for one in would],
        "window": None if result.window is None else [moment.isoformat() for moment in result.window],
        "fingerprint": result.fingerprint,
        "blind_spots": list(result.blind_spots),
        "counts": result.counts,
        "seconds": result.seconds,
        "at": result.at.isoformat(),
        "unchanged": result.unchanged,
        "visits_unjudged": result.visits_unjudged,
        "without_case": None if left is None else _left(left),
        "without_cases": [_left(one) for one in result.without_cases],
    }


def _left(left: WithoutCase) -> dict[str, Any]:
    return {
        "alerts": left.alerts,
        "kind": left.matter.kind,
        "item_code": left.matter.item_code,
        "zh": left.message_zh,
        "en": left.message_en,
    }


def _would(one: WouldRaise) -> dict[str, Any]:
    finding = one.finding
    return {
        finding.subject: finding.subject_id,
        "kind": one.kind,
        "level": finding.level,
        "score": finding.score,
        "change": one.decision.change,
        "evidence": [{name: item.get(name) for name in EVIDENCE_FIELDS} for item in finding.evidence],
    }


def _shown(site: FlaggedSite) -> dict[str, Any]:
    case = {
        "number": site.case_number,
        "grid_code": site.grid_code,
        "community": site.community,
        "town": site.town,
        "county": site.county,
        "lead_body": site.lead_body,
        "co_handlers": list(site.co_handlers or ()),
        "due_at": site.due_at.isoformat() if site.due_at else None,
    }
    return {
        **({"site": site.site_id} if site.fence_id is None else {"fence": site.fence_id}),
        "kind": site.kind,
        "uscc": site.uscc,
        "level": site.level,
        "score": site.score,
        "evidence": [{name: item.get(name) for name in EVIDENCE_FIELDS} for item in site.evidence],
        "case": None if site.case_number is None else case,
    }
