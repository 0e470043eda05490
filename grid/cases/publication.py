"""Publication of decided cases (执法公示): what, where to the town, body, decision and date, and nobody's name.

Published is a closed case whose outcome was confirmed and whose matter is public today. No text that a person
typed is taken over: the decision is a code of :data:`DECISIONS`, the place is the town's point, and an enterprise
is named only when it is registered as one and its name holds no mark of a person.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, text
from sqlalchemy.orm import Session

from grid.cases.personal_marks import personal_marks
from grid.cases.step_facts import MAX_REASON
from grid.cases.steps import transition
from grid.errors import GridError
from layers.errors import NotFound
from layers.local_time import local_zone
from layers.tables import CaseEvent, PublishedCase

DECISIONS = {
    "ordered_to_correct": ("责令改正", "Ordered to correct"),
    "warned": ("警告", "Warned"),
    "fined": ("罚款", "Fined"),
    "confiscated": ("没收违法所得或非法财物", "Confiscated"),
    "ordered_to_stop": ("责令停产停业", "Ordered to stop work"),
    "licence_revoked": ("吊销许可证件", "Licence revoked"),
    "sealed": ("查封、扣押", "Sealed or seized"),
    "transferred": ("移送司法机关", "Transferred to the judiciary"),
    "handled": ("已依法处理", "Handled according to law"),
}
"""Decisions that are published, by the code in ``decision`` of a step; ``handled``: none was named."""
ENTERPRISE_CODE = "91"
"""Credit codes of enterprises begin so; those of sole traders (92) bear the name of a person."""

_DECIDED = text("""
SELECT c.id AS case_id, c.number, c.item_code, m.name AS matter, m.name_en AS matter_en, c.domain, t.code AS town_code,
       t.name AS town, CASE WHEN body_named(c.lead_body, CAST(:today AS date)) IS NOT NULL THEN c.lead_body END AS body,
       e.name AS enterprise, e.uscc, d.decision, c.closed_at, ST_AsEWKT(t.label_point) AS geom
FROM cases c
JOIN LATERAL (SELECT v.name, v.name_en, v.public FROM matters v
              WHERE v.item_code = c.item_code AND v.valid_from <= :today AND COALESCE(v.valid_to > :today, true)
              ORDER BY v.valid_from DESC LIMIT 1) m ON m.public
JOIN areas t ON t.id = c.town_area_id
LEFT JOIN alerts a ON a.id = c.alert_id
LEFT JOIN sites s ON s.id = c.site_id
LEFT JOIN enterprises e ON e.id = s.enterprise_id
LEFT JOIN LATERAL (SELECT v.payload ->> 'decision' AS decision FROM case_events v
                   WHERE v.case_id = c.id AND v.payload ->> 'decision' = ANY (:codes)
                   ORDER BY v.seq DESC LIMIT 1) d ON true
-- What was found in this case: the alert goes on after it, and may be answered otherwise later.
LEFT JOIN LATERAL (SELECT v.payload ->> 'outcome' AS outcome FROM case_events v
                   WHERE v.case_id = c.id AND v.action = 'outcome' ORDER BY v.seq DESC LIMIT 1) o ON true
WHERE c.state = 'closed' AND c.closed_at IS NOT NULL
  AND (COALESCE(o.outcome, a.outcome) = 'confirmed' OR (c.alert_id IS NULL AND d.decision IS NOT NULL))
ORDER BY c.id
""")


def publish_decided(db: Session, now: dt.datetime) -> tuple[int, int]:
    """Publish what was decided and withdraw what no longer is; returns how many of each.

    What was taken down stays so.

    Parameters
    ----------
    db : Session
        With the rights of the system.
    """
    asked = {"today": now.astimezone(local_zone()).date(), "codes": list(DECISIONS)}
    decided = {row.case_id: row for row in db.execute(_DECIDED, asked)}
    known = set(db.scalars(select(PublishedCase.case_id)))
    rows = [made for key, row in decided.items() if key not in known and (made := _public_row(row, now))]
    if rows:
        db.execute(insert(PublishedCase), rows)
    gone = known - set(decided)
    withdrawn = delete(PublishedCase).where(
        PublishedCase.case_id.in_(gone), PublishedCase.taken_down_at.is_(None)
    )
    ended = db.scalars(withdrawn.returning(PublishedCase.case_id)).all() if gone else []
    return len(rows), len(ended)


def _public_row(row: Any, now: dt.datetime) -> dict[str, Any] | None:
    """Return the row of a decided case; None when a text of the registers names a person."""
    official = (row.matter, row.matter_en, row.town, row.body)
    if any(personal_marks(each) for each in official if each is not None):
        return None
    named = row.enterprise if row.uscc and row.uscc.startswith(ENTERPRISE_CODE) else None
    names = (
        "case_id",
        "number",
        "item_code",
        "matter",
        "matter_en",
        "domain",
        "town_code",
        "town",
        "body",
        "geom",
    )
    return {
        **{name: getattr(row, name) for name in names},
        "enterprise": None if named is None or personal_marks(named) else named,
        "decision": row.decision or "handled",
        "decided_on": row.closed_at.astimezone(local_zone()).date(),
        "published_at": now,
    }


def take_down(db: Session, number: str, *, reason: str, actor: str, role: str, at: dt.datetime) -> CaseEvent:
    """Take down the publication of a case: its chain keeps the reason, and the database hides the row with it.

    Parameters
    ----------
    db : Session
        In the caller's scope.

    Raises
    ------
    layers.errors.NotFound
        No such case that the caller may see, or it is not published.
    IllegalTransition
        Not for this role, or without a reason.
    """
    published = select(PublishedCase.case_id).where(PublishedCase.number == number)
    if db.scalar(published) is None:
        raise NotFound(f"case {number!r} is not published", f"案件 {number} 未公示")
    if len(reason.strip()) > MAX_REASON:
        raise GridError(f"reason: more than {MAX_REASON} characters", f"原因不得超过 {MAX_REASON} 个字符")
    return transition(db, number, "take_down", actor=actor, role=role, note=reason, at=at)


def read_published(
    db: Session,
    *,
    limit: int,
    since: dt.date | None = None,
    until: dt.date | None = None,
    town: str | None = None,
    domain: str | None = None,
) -> list[dict[str, Any]]:
    """Return published cases, the newest decision first, as the public may read them."""  # fmt: skip
    shown = PublishedCase
    columns = [
        getattr(shown, name)
        for name in ("number", "item_code", "matter", "matter_en", "domain", "town_code", "town", "body",
                     "enterprise", "decision", "decided_on", "published_at")
    ]  # fmt: skip
    statement = select(
        *columns, func.ST_X(shown.geom).label("lon"), func.ST_Y(shown.geom).label("lat")
    ).where(shown.taken_down_at.is_(None))
    conditions = [
        since and shown.decided_on >= since,
        until and shown.decided_on <= until,
        town and shown.town_code == town,
        domain and shown.domain == domain,
    ]
    statement = statement.where(*(each for each in conditions if isinstance(each, ColumnElement)))
    newest = statement.order_by(shown.decided_on.desc(), shown.case_id.desc()).limit(limit)
    return [dict(row) for row in db.execute(newest).mappings()]
