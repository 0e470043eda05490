"""Public facts of clues and matters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from layers.tables import Matter


def valid_matters(db: Session, day: dt.date) -> list[Matter]:
    """Return the matters in force on a day, by code."""
    in_force = or_(Matter.valid_to.is_(None), Matter.valid_to > day)
    found = select(Matter).where(Matter.valid_from <= day, in_force).order_by(Matter.item_code)
    return list(db.scalars(found))


def public_clues(
    db: Session,
    *,
    ids: Sequence[int] | None,
    codes: Sequence[str] | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    day: dt.date,
    most: int,
) -> Sequence[Any]:
    """Return clues of matters that are public on a day, with the state of their case; nothing personal.

    The newest come first.
    """
    values = {"ids": ids, "codes": codes, "since": since, "until": until, "day": day, "most": most}
    return db.execute(_PUBLIC, values).all()


_PUBLIC = text("""
SELECT c.id, c.state, c.item_code, m.name, c.created_at, GREATEST(c.updated_at, last.at) AS updated_at, k.lead_body,
       k.state AS case_state, k.closed_at, t.name AS town
FROM clues c
JOIN LATERAL (SELECT name FROM matters m WHERE m.item_code = c.item_code AND m.public
              AND (m.valid_to IS NULL OR m.valid_to > :day) ORDER BY m.valid_from DESC LIMIT 1) m ON true
LEFT JOIN cases k ON k.id = c.case_id
LEFT JOIN areas t ON t.id = k.town_area_id
LEFT JOIN LATERAL (SELECT max(e.at) AS at FROM case_events e WHERE e.case_id = k.id) last ON true
WHERE (CAST(:ids AS bigint[]) IS NULL OR c.id = ANY (:ids))
  AND (CAST(:codes AS text[]) IS NULL OR c.item_code = ANY (:codes))
  AND (CAST(:since AS timestamptz) IS NULL OR c.created_at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR c.created_at <= :until)
ORDER BY c.id DESC LIMIT :most
""")
