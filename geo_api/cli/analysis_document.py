"""The one JSON document that ``wangge demo --json`` and ``wangge analyse --json`` print."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from geo_api.jobs.analysis import AnalysisResult
from layers.postgres import SYSTEM, session

_FLAGGED = """
SELECT s.site_id, e.uscc, a.level, a.score, a.evidence, c.number, c.lead_body, c.co_handlers, c.due_at,
       g.code AS grid_code, m.name AS community, t.name AS town, y.name AS county
FROM alerts a
JOIN sites s ON s.id = a.site_id
JOIN enterprises e ON e.id = s.enterprise_id
LEFT JOIN cases c ON c.alert_id = a.id
LEFT JOIN areas g ON g.id = c.grid_area_id
LEFT JOIN areas m ON m.id = c.community_area_id
LEFT JOIN areas t ON t.id = c.town_area_id
LEFT JOIN areas y ON y.id = c.county_area_id
WHERE a.level IN ('warning', 'high') AND a.status = 'open'
ORDER BY a.score DESC, s.site_id
"""
EVIDENCE_FIELDS = ("signal", "value", "baseline", "period", "contribution")


def document(url: str, result: AnalysisResult) -> dict[str, Any]:
    """Flagged sites with evidence and case, counts and seconds.

    Returns
    -------
    dict
        ``flagged``, ``counts``, ``seconds``, ``at``; the demo adds ``planted``.
    """
    with session(SYSTEM, url) as db:
        rows = db.execute(text(_FLAGGED)).mappings().all()
    flagged = [
        {
            "site": row["site_id"],
            "uscc": row["uscc"],
            "level": row["level"],
            "score": row["score"],
            "evidence": [{name: item.get(name) for name in EVIDENCE_FIELDS} for item in row["evidence"]],
            "case": None
            if row["number"] is None
            else {
                "number": row["number"],
                "grid_code": row["grid_code"],
                "community": row["community"],
                "town": row["town"],
                "county": row["county"],
                "lead_body": row["lead_body"],
                "co_handlers": list(row["co_handlers"]),
                "due_at": row["due_at"].isoformat() if row["due_at"] else None,
            },
        }
        for row in rows
    ]
    return {
        "flagged": flagged,
        "counts": result.counts,
        "seconds": result.seconds,
        "at": result.at.isoformat(),
        "unchanged": result.unchanged,
    }
