"""Rows of alerts: written, changed, and read with all that a card shows."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, text
from sqlalchemy.orm import Session

from layers.errors import NotFound
from layers.local_time import local_zone
from layers.records.statements import stored_statement


def insert_alert(
    db: Session,
    *,
    run_id: int,
    subject: str,
    subject_id: str,
    kind: str,
    level: str,
    score: float,
    at: dt.datetime,
    evidence: Sequence[Mapping[str, object]],
    would_lower: Sequence[Mapping[str, object]],
    would_settle: Sequence[Mapping[str, object]],
    place: tuple[float, float] | None = None,
) -> int:
    """Write a new open alert, raised at a moment; returns its id.

    Parameters
    ----------
    subject, subject_id : str
        ``site`` or ``fence``, and its id.
    place : (float, float) or None
        Longitude and latitude of an alert about a fence, degrees; one about a site has the place of the site.
    """
    values = {"run_id": run_id, "subject": subject_id, "kind": kind, "level": level, "score": score, "at": at}
    values |= _as_json(evidence=evidence, would_lower=would_lower, would_settle=would_settle)
    if subject == "site":
        return int(db.execute(_INSERT, values).scalar_one())
    assert place is not None, "an alert about a fence has the place of a breach"
    return int(db.execute(_INSERT_OF_FENCE, values | {"lon": place[0], "lat": place[1]}).scalar_one())


def change_alert(
    db: Session,
    alert_id: int,
    *,
    run_id: int,
    level: str,
    score: float,
    status: str,
    raised_at: dt.datetime,
    opened_at: dt.datetime,
    evidence: Sequence[Mapping[str, object]],
    would_lower: Sequence[Mapping[str, object]],
    would_settle: Sequence[Mapping[str, object]],
    place: tuple[float, float] | None = None,
) -> None:
    """Give an alert the level, the score, the status, the evidence and the place (None: as it was) of another run."""
    values = {
        "id": alert_id,
        "run_id": run_id,
        "level": level,
        "score": score,
        "status": status,
        "raised_at": raised_at,
        "opened_at": opened_at,
    }
    db.execute(
        _CHANGE, values | _as_json(evidence=evidence, would_lower=would_lower, would_settle=would_settle)
    )
    if place is not None:
        db.execute(_MOVE, {"id": alert_id, "lon": place[0], "lat": place[1]})


def _as_json(**named: Sequence[Mapping[str, object]]) -> dict[str, str]:
    return {name: json.dumps(given, ensure_ascii=False, default=str) for name, given in named.items()}


_INSERT = text("""
INSERT INTO alerts (run_id, site_id, kind, level, score, raised_at, opened_at, evidence, would_lower, would_settle,
                    status, geom, area_id)
SELECT :run_id, s.id, :kind, :level, :score, :at, :at, CAST(:evidence AS jsonb), CAST(:would_lower AS jsonb),
       CAST(:would_settle AS jsonb), 'open', s.geom, s.area_id
FROM sites s WHERE s.site_id = :subject RETURNING id
""")
_INSERT_OF_FENCE = text("""
INSERT INTO alerts (run_id, fence_id, kind, level, score, raised_at, opened_at, evidence, would_lower, would_settle,
                    status, geom, area_id)
SELECT :run_id, f.id, :kind, :level, :score, :at, :at, CAST(:evidence AS jsonb), CAST(:would_lower AS jsonb),
       CAST(:would_settle AS jsonb), 'open', p.geom, owning_area(p.geom)
FROM fences f, (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom) p WHERE f.fence_id = :subject RETURNING id
""")
_MOVE = text("""
UPDATE alerts a SET geom = p.geom, area_id = owning_area(p.geom)
FROM (SELECT ST_SetSRID(ST_MakePoint(:lon, :lat), 4326) AS geom) p WHERE a.id = :id AND NOT ST_Equals(a.geom, p.geom)
""")
_CHANGE = text("""
UPDATE alerts SET run_id = :run_id, level = :level, score = :score, status = :status, raised_at = :raised_at,
       opened_at = :opened_at,
       evidence = CAST(:evidence AS jsonb), would_lower = CAST(:would_lower AS jsonb),
       would_settle = CAST(:would_settle AS jsonb)
WHERE id = :id
""")


@dataclass(frozen=True)
class AlertSubject:
    """Position of an alert, the enterprise of its site or its fence, and the case of its present matter.

    Attributes
    ----------
    site_id, uscc : int and str, or None
        None: it is about a fence.
    name : str
        Of the enterprise, or of the fence.
    case_number : str or None
        Of its present matter; of an alert about a fence also the one of an earlier matter that is open.
    """

    kind: str
    kind_zh: str
    site_id: int | None
    lon: float
    lat: float
    uscc: str | None
    name: str
    case_number: str | None


def alert_subject(db: Session, alert_id: int) -> AlertSubject:
    """Return the subject of an alert, with what a case of it needs."""
    return AlertSubject(**db.execute(_SUBJECT, {"alert_id": alert_id}).mappings().one())


_SUBJECT = text("""
SELECT a.kind, k.name_zh AS kind_zh, s.id AS site_id, ST_X(COALESCE(s.geom, a.geom)) AS lon,
       ST_Y(COALESCE(s.geom, a.geom)) AS lat, e.uscc, COALESCE(e.name, f.name) AS name, c.number AS case_number
FROM alerts a JOIN alert_kinds k ON k.kind = a.kind LEFT JOIN sites s ON s.id = a.site_id
LEFT JOIN enterprises e ON e.id = s.enterprise_id LEFT JOIN fences f ON f.id = a.fence_id LEFT JOIN LATERAL (
    SELECT max(c.number) AS number FROM cases c
    WHERE c.alert_id IN (SELECT o.id FROM alerts o WHERE a.id IN (o.id, o.joined_to))
      AND (c.opened_at >= COALESCE(a.opened_at, a.raised_at)
           OR a.fence_id IS NOT NULL AND c.state NOT IN ('closed', 'merged'))
) c ON true WHERE a.id = :alert_id
""")


@dataclass(frozen=True)
class FlaggedSite:
    """A site or fence with an open alert, and its newest case, as ``flagged_sites.sql`` reads them."""

    site_id: str | None
    fence_id: str | None
    uscc: str | None
    kind: str
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
    """Return the sites and fences with open alerts of some levels, those with the highest score first."""
    rows = db.execute(stored_statement("flagged_sites"), {"levels": list(levels)}).mappings()
    return [FlaggedSite(**row) for row in rows]


def alerts_without_case(db: Session | Connection, kind: str, levels: Sequence[str]) -> list[int]:
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
        raise NotFound(f"no alert {alert_id}", f"没有预警 {alert_id}，或无权查看")
    return row


def site_meters(
    db: Session, site_key: int, *, since: dt.datetime, until: dt.datetime
) -> list[tuple[str, Any]]:
    """Kinds of meters of a site with the intervals that end after ``since`` and up to ``until``, oldest first."""
    values = {"site_key": site_key, "since": since, "until": until, "zone": local_zone().key}
    return [(kind, readings) for kind, readings in db.execute(stored_statement("site_meters"), values)]


def site_visits(db: Session, site_key: int, *, until: dt.datetime, limit: int) -> Sequence[RowMapping]:
    """Visits at a site up to a moment, newest first."""
    values = {"site_key": site_key, "until": until, "limit": limit}
    return db.execute(stored_statement("site_visits"), values).mappings().all()


def site_callers(
    db: Session, site_key: int, *, since: dt.datetime, until: dt.datetime, least_share: float
) -> Sequence[RowMapping]:
    """Vehicles at a site by vehicle, and by kind (without ``vehicle_id``), with the reason why they are left out.

    Parameters
    ----------
    least_share : float
        A visit with a smaller share is left out: it served a neighbour.
    """
    values = {
        "site_key": site_key, "since": since, "until": until, "least_share": least_share, "zone": local_zone().key,
    }  # fmt: skip
    return db.execute(stored_statement("site_callers"), values).mappings().all()


def site_silences(
    db: Session, site_key: int, *, since: dt.datetime, until: dt.datetime, limit: int
) -> Sequence[RowMapping]:
    """Silences in reach of a site, those that count first; ``of_all`` is their number without the limit."""
    values = {"site_key": site_key, "since": since, "until": until, "limit": limit}
    return db.execute(stored_statement("site_silences"), values).mappings().all()


def site_encounters(
    db: Session, site_key: int, *, since: dt.datetime, until: dt.datetime, near_m: float, limit: int
) -> Sequence[RowMapping]:
    """Encounters within a distance of a site, newest first; ``of_all`` is their number without the limit."""
    values = {"site_key": site_key, "since": since, "until": until, "near_m": near_m, "limit": limit}
    return db.execute(stored_statement("site_encounters"), values).mappings().all()


def fence_vehicle_rows(
    db: Session, fence_key: int, *, since: dt.datetime, until: dt.datetime, limit: int
) -> Sequence[RowMapping]:
    """Vehicles that broke the rule of a fence, those that count first; ``of_all`` is their number without the limit."""
    values = {
        "fence_key": fence_key,
        "since": since,
        "until": until,
        "limit": limit,
        "zone": local_zone().key,
    }
    return db.execute(stored_statement("fence_vehicles"), values).mappings().all()


def fence_breach_rows(
    db: Session, fence_key: int, *, since: dt.datetime, until: dt.datetime, limit: int
) -> Sequence[RowMapping]:
    """Breaches of a fence, newest first; ``of_all`` is their number without the limit."""
    values = {"fence_key": fence_key, "since": since, "until": until, "limit": limit}
    return db.execute(stored_statement("fence_breaches"), values).mappings().all()
