"""Lists of alerts for people: the worst first, by status and level."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class ListedAlert:
    """One live alert with its enterprise, its newest outcome and the newest of its cases."""

    id: int
    site_id: str
    enterprise: str
    kind: str
    kind_zh: str
    kind_en: str
    level: str
    score: float
    status: str
    outcome: str | None
    raised_at: dt.datetime
    case_number: str | None


def list_alerts(
    db: Session, *, statuses: Sequence[str], levels: Sequence[str], limit: int
) -> list[ListedAlert]:
    """Return alerts of these statuses and levels, the worst level first and the highest score in it."""
    values = {"statuses": list(statuses), "levels": list(levels), "limit": limit}
    return [ListedAlert(**row) for row in db.execute(_LIST, values).mappings()]


_LIST = text("""
SELECT a.id, s.site_id, e.name AS enterprise, a.kind, k.name_zh AS kind_zh, k.name_en AS kind_en, a.level, a.score,
       a.status, a.outcome, a.raised_at, (SELECT max(c.number) FROM cases c WHERE c.alert_id = a.id) AS case_number
FROM alerts a JOIN alert_kinds k ON k.kind = a.kind JOIN sites s ON s.id = a.site_id
JOIN enterprises e ON e.id = s.enterprise_id
WHERE a.status = ANY (:statuses) AND a.level = ANY (:levels)
ORDER BY array_position(ARRAY['high', 'warning', 'attention', 'none'], a.level), a.score DESC, a.id LIMIT :limit
""")
