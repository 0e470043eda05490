"""Rows of alerts: written, changed, and read with all that a card shows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from layers.errors import NotFound
from layers.records.statements import stored_statement


def insert_alert(
    db: Session,
    *,
    run_id: int,
    site_id: str,
    kind: str,
    level: str,
    score: float,
    at: dt.datetime,
    evidence: Sequence[Mapping[str, object]],
    would_lower: Sequence[Mapping[str, object]],
) -> int:
    """Write a new open alert at the place of its site, raised at a moment; returns its id."""
    values = {"run_id": run_id, "site": site_id, "kind": kind, "level": level, "score": score, "at": at}
    return int(db.execute(_INSERT, values | _as_json(evidence, would_lower)).scalar_one())


def change_alert(
    db: Session,
    alert_id: int,
    *,
    run_id: int,
    site_id: str,
    level: str,
    score: float,
    status: str,
    raised_at: dt.datetime,
    opened_at: dt.datetime,
    evidence: Sequence[Mapping[str, object]],
    would_lower: Sequence[Mapping[str, object]],
) -> None:
    """Give an alert the level, the score, the status and the evidence of another run."""
    values = {
        "id": alert_id,
        "run_id": run_id,
        "level": level,
        "score": score,
        "status": status,
        "raised_at": raised_at,
        "opened_at": opened_at,
    }
    db.execute(_CHANGE, values | _as_json(evidence, would_lower))


def _as_json(
    evidence: Sequence[Mapping[str, object]], would_lower: Sequence[Mapping[str, object]]
) -> dict[str, str]:
    named = {"evidence": evidence, "would_lower": would_lower}
    return {name: json.dumps(given, ensure_ascii=False, default=str) for name, given in named.items()}


_INSERT = text("""
INSERT INTO alerts (run_id, site_id, kind, level, score, raised_at, opened_at, evidence, would_lower, status, geom,
                    area_id)
SELECT :run_id, s.id, :kind, :level, :score, :at, :at, CAST(:evidence AS jsonb), CAST(:would_lower AS jsonb),
       'open', s.geom, s.area_id
FROM sites s WHERE s.site_id = :site RETURNING id
""")
_CHANGE = text("""
UPDATE alerts SET run_id = :run_id, level = :level, score = :score, status = :status, raised_at = :raised_at,
       opened_at = :opened_at,
       evidence = CAST(:evidence AS jsonb), would_lower = CAST(:would_lower AS jsonb)
WHERE id = :id
""")


@dataclass(frozen=True)
class AlertSite:
    """Position of an alert, the enterprise of its site, and the case of its present matter, if there is one."""

    kind: str
    kind_zh: str
    site_id: int
    lon: float
    lat: float
    uscc: str
    enterprise: str
    case_number: str | None


def alert_site(db: Session, alert_id: int) -> AlertSite:
    """Return the site of an alert, with what a case of it needs."""
    return AlertSite(**db.execute(_SITE, {"alert_id": alert_id}).mappings().one())


_SITE = text("""
SELECT a.kind, k.name_zh AS kind_zh, s.id AS site_id, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat,
       e.uscc, e.name AS enterprise, c.number AS case_number
FROM alerts a JOIN alert_kinds k ON k.kind = a.kind JOIN sites s ON s.id = a.site_id
JOIN enterprises e ON e.id = s.enterprise_id LEFT JOIN LATERAL (
    SELECT max(c.number) AS number FROM cases c
    WHERE c.alert_id IN (SELECT o.id FROM alerts o WHERE a.id IN (o.id, o.joined_to))
      AND c.opened_at >= COALESCE(a.opened_at, a.raised_at)
) c ON true WHERE a.id = :alert_id
""")


@dataclass(frozen=True)
class FlaggedSite:
    """A site with an open alert, and its newest case, as ``flagged_sites.sql`` reads them."""

    site_id: str
    uscc: str
    level: str
    score: float
    evidence: list[dict[str, Any]]
    case_number: str | None
    lead_body: str | None
    co_handlers: list[str] | None
    due_at: dt.datetime | None
    grid_code: str | None
    community: str | None
    town: str | None
    county: str | None


def flagged_sites(db: Session, levels: Sequence[str]) -> list[FlaggedSite]:
    """Return the sites with open alerts of some levels, those with the highest score first."""
    rows = db.execute(stored_statement("flagged_sites"), {"levels": list(levels)}).mappings()
    return [FlaggedSite(**row) for row in rows]


def alerts_without_case(db: Session, kind: str, levels: Sequence[str]) -> list[int]:
    """Open alerts of a kind and of some levels without a case of their present matter, the highest score first."""
    return list(db.scalars(_WITHOUT_CASE, {"kind": kind, "levels": list(levels)}))


_WITHOUT_CASE = text("""
SELECT a.id FROM alerts a WHERE a.kind = :kind AND a.level = ANY (:levels) AND a.status = 'open'
AND NOT EXISTS (
    SELECT FROM cases c WHERE c.alert_id IN (SELECT o.id FROM alerts o WHERE a.id IN (o.id, o.joined_to))
      AND c.opened_at >= COALESCE(a.opened_at, a.raised_at))
ORDER BY a.score DESC, a.id
""")


def newest_case_of_alert(db: Session, alert_id: int) -> str | None:
    """Return the number of the newest case of an alert and of those joined to it, merged ones aside."""
    return db.scalar(_NEWEST_CASE, {"alert_id": alert_id})


_NEWEST_CASE = text("""
SELECT c.number FROM cases c JOIN alerts a ON a.id = c.alert_id
WHERE :alert_id IN (a.id, a.joined_to) AND c.state <> 'merged' ORDER BY c.opened_at DESC, c.id DESC LIMIT 1
""")


def read_alert(db: Session, alert_id: int) -> RowMapping:
    """One alert with its run, site, enterprise and notices, as ``alert_card.sql`` names them.

    Raises
    ------
    NotFound
        When there is none, or none that the caller may see.
    """
    row = db.execute(stored_statement("alert_card"), {"alert_id": alert_id}).mappings().one_or_none()
    if row is None:
        raise NotFound(f"no alert {alert_id}")
    return row


def site_meters(db: Session, site_key: int, *, since: dt.date, until: dt.date) -> list[tuple[str, Any]]:
    """Kinds of meters of a site with their readings after ``since`` up to ``until``, oldest first."""
    values = {"site_key": site_key, "since": since, "until": until}
    return [(kind, readings) for kind, readings in db.execute(stored_statement("site_meters"), values)]


def site_visits(db: Session, site_key: int, *, until: dt.datetime, limit: int) -> Sequence[RowMapping]:
    """Visits at a site up to a moment, newest first."""
    values = {"site_key": site_key, "until": until, "limit": limit}
    return db.execute(stored_statement("site_visits"), values).mappings().all()
