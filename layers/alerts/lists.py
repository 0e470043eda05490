"""Lists of alerts for people: the worst first, by status and level."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class ListedAlert:
    """One live alert with its enterprise, or the name of its fence, its newest outcome and the newest of its cases."""

    id: int
    site_id: str | None
    fence_id: str | None
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
    due: bool
    place: int | None
    checks_per_week: int | None


def list_alerts(
    db: Session, *, statuses: Sequence[str], levels: Sequence[str], limit: int, only_due: bool = False
) -> list[ListedAlert]:
    """Return alerts of these statuses and levels: those due this week first, the worst level and highest score first.

    Parameters
    ----------
    only_due : bool
        Only those that the budget of their county has checked this week.
    """
    values = {"statuses": list(statuses), "levels": list(levels), "limit": limit, "only_due": only_due}
    return [ListedAlert(**row) for row in db.execute(_LIST, values).mappings()]


_LIST = text("""
SELECT a.id, s.site_id, f.fence_id, COALESCE(e.name, f.name) AS enterprise, a.kind,
       k.name_zh AS kind_zh, k.name_en AS kind_en, a.level, a.score,
       a.status, a.outcome, a.raised_at,
       (SELECT c.number FROM cases c JOIN alerts o ON o.id = c.alert_id
        WHERE o.id = a.id OR o.joined_to = a.id ORDER BY c.opened_at DESC, c.id DESC LIMIT 1) AS case_number,
       COALESCE(r.is_due, false) AS due, r.place, r.checks_per_week
FROM alerts a LEFT JOIN alert_ranks r ON r.alert_id = a.id JOIN alert_kinds k ON k.kind = a.kind
LEFT JOIN sites s ON s.id = a.site_id LEFT JOIN enterprises e ON e.id = s.enterprise_id
LEFT JOIN fences f ON f.id = a.fence_id
WHERE a.status = ANY (:statuses) AND a.level = ANY (:levels) AND (NOT :only_due OR r.is_due)
ORDER BY COALESCE(r.is_due, false) DESC,
         array_position(ARRAY['high', 'warning', 'attention', 'none'], a.level), a.score DESC, a.id LIMIT :limit
""")
