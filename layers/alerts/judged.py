"""Judged alerts: outcomes of checks beside the scores that they judged, for fitting and for the figures of runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session


def judged_scores(
    db: Session, kind: str, *, since: dt.datetime | None = None, until: dt.datetime | None = None
) -> Sequence[RowMapping]:
    """Return the scores of a kind of alerts that a check judged: the newest outcome of each, with its contributions.

    Parameters
    ----------
    since, until : datetime or None
        Of the outcomes, half-open.

    Returns
    -------
    sequence of mapping
        ``site_id`` (of a fence its id), ``at`` of the outcome, ``outcome``, ``level``, ``score``, ``contributions``
        (None: an older version kept none).
    """
    return db.execute(_JUDGED, {"kind": kind, "since": since, "until": until}).mappings().all()


def checked_shares(db: Session, kind: str) -> Sequence[RowMapping]:
    """Return how many alerts of a kind reached each ``level`` at most (``n``), and how many were ``checked``."""
    return db.execute(_SHARES, {"kind": kind}).mappings().all()


def outcomes_since_run(db: Session, run_id: int) -> Sequence[RowMapping]:
    """Return what became of the alerts that were in the queue after a run, the first of the ranking first.

    Returns
    -------
    sequence of mapping
        ``alert_id``, ``level`` and ``score`` after the run, ``opened_at``, ``county_code`` and ``county``, ``outcome``
        and ``outcome_at`` of the first check since (None: not checked yet), ``case_at`` of the first case since
        ``opened_at``, ``checks_per_week`` of the county when the run ended (None: no budget).
    """
    return db.execute(_SINCE_RUN, {"run_id": run_id}).mappings().all()


def site_outcomes(db: Session, kind: str) -> Sequence[RowMapping]:
    """Return every outcome of a kind of alerts and every case of them, in order: ``site_id``, ``at``, ``outcome``.

    The outcome of a case that was opened is None.
    """
    return db.execute(_SITE_OUTCOMES, {"kind": kind}).mappings().all()


def counties_of_sites(db: Session, site_ids: Sequence[str]) -> Sequence[RowMapping]:
    """Return the county in which each site or fence lies: ``site_id`` (of a fence its id), ``code``, ``name``."""
    return db.execute(_COUNTIES, {"ids": list(site_ids)}).mappings().all()


_SITE_OUTCOMES = text("""
SELECT COALESCE(s.site_id, n.fence_id) AS site_id, f.at, f.outcome FROM alerts a
LEFT JOIN sites s ON s.id = a.site_id LEFT JOIN fences n ON n.id = a.fence_id
CROSS JOIN LATERAL (
    SELECT o.at, o.outcome FROM alert_outcomes o WHERE o.alert_id = a.id
    UNION ALL SELECT c.opened_at, NULL FROM cases c WHERE c.alert_id = a.id
) f WHERE a.kind = :kind ORDER BY f.at
""")
_COUNTIES = text("""
WITH RECURSIVE above AS (
    SELECT s.site_id, r.kind, r.code, r.name, r.parent_id FROM (
        SELECT site_id, area_id FROM sites WHERE site_id = ANY (:ids)
        UNION ALL
        SELECT fence_id, owning_area(ST_PointOnSurface(geom)) FROM fences WHERE fence_id = ANY (:ids)
    ) s JOIN areas r ON r.id = s.area_id
    UNION ALL
    SELECT d.site_id, r.kind, r.code, r.name, r.parent_id FROM above d JOIN areas r ON r.id = d.parent_id
    WHERE d.kind <> 'county'
)
SELECT site_id, code, name FROM above WHERE kind = 'county'
""")
_JUDGED = text("""
SELECT DISTINCT ON (o.score_id) COALESCE(s.site_id, f.fence_id) AS site_id, o.at, o.outcome, c.level, c.score,
       c.contributions
FROM alert_outcomes o JOIN alert_scores c ON c.id = o.score_id JOIN alerts a ON a.id = o.alert_id
LEFT JOIN sites s ON s.id = a.site_id LEFT JOIN fences f ON f.id = a.fence_id
WHERE a.kind = :kind AND (CAST(:since AS timestamptz) IS NULL OR o.at >= :since)
  AND (CAST(:until AS timestamptz) IS NULL OR o.at < :until)
ORDER BY o.score_id, o.id DESC
""")
_SHARES = text("""
SELECT best.level, count(*) AS n, count(*) FILTER (WHERE best.was_checked) AS checked
FROM (SELECT EXISTS (SELECT FROM alert_outcomes o WHERE o.alert_id = a.id) AS was_checked,
             (SELECT c.level FROM alert_scores c WHERE c.alert_id = a.id
              ORDER BY array_position(ARRAY['high', 'warning', 'attention', 'none'], c.level) LIMIT 1) AS level
      FROM alerts a WHERE a.kind = :kind AND a.joined_to IS NULL) best
WHERE best.level IS NOT NULL GROUP BY best.level
ORDER BY array_position(ARRAY['high', 'warning', 'attention', 'none'], best.level)
""")
_SINCE_RUN = text("""
WITH RECURSIVE run AS (SELECT id, at, finished_at FROM model_runs WHERE id = :run_id),
queue AS (
    SELECT a.id, a.kind, a.area_id, a.site_id, c.level, c.score, c.id AS score_id,
           (SELECT max(b.at) FROM alert_scores b WHERE b.alert_id = a.id AND b.id <= c.id
                AND b.change IN ('raised', 'reopened')) AS opened_at
    FROM alerts a CROSS JOIN LATERAL (
        SELECT s.* FROM alert_scores s WHERE s.alert_id = a.id AND s.run_id <= (SELECT id FROM run)
        ORDER BY s.id DESC LIMIT 1
    ) c
    WHERE c.status = 'open' AND NOT EXISTS (
        SELECT FROM alert_outcomes o WHERE o.alert_id = a.id AND o.score_id >= c.id
          AND o.at < (SELECT finished_at FROM run))
), above AS (
    SELECT r.id AS area_id, r.kind, r.code, r.name, r.parent_id FROM areas r WHERE r.id IN (SELECT area_id FROM queue)
    UNION ALL
    SELECT d.area_id, r.kind, r.code, r.name, r.parent_id FROM above d JOIN areas r ON r.id = d.parent_id
    WHERE d.kind <> 'county'
)
SELECT q.id AS alert_id, q.level, q.score, q.opened_at, u.code AS county_code, u.name AS county, o.outcome,
       o.at AS outcome_at, f.opened_at AS case_at, b.checks_per_week
FROM queue q
LEFT JOIN above u ON u.area_id = q.area_id AND u.kind = 'county'
LEFT JOIN LATERAL (
    SELECT n.outcome, n.at FROM alert_outcomes n
    WHERE n.alert_id = q.id AND n.at >= (SELECT finished_at FROM run) ORDER BY n.id LIMIT 1
) o ON true
LEFT JOIN LATERAL (
    SELECT min(c.opened_at) AS opened_at FROM cases c WHERE c.alert_id = q.id AND c.opened_at >= q.opened_at
) f ON true
LEFT JOIN LATERAL (
    SELECT w.checks_per_week FROM alert_budgets w
    WHERE w.area_code = u.code AND w.kind = q.kind AND w.valid_from <= (SELECT finished_at::date FROM run)
      AND (w.valid_to IS NULL OR w.valid_to > (SELECT finished_at::date FROM run)) ORDER BY w.id DESC LIMIT 1
) b ON true
ORDER BY array_position(ARRAY['high', 'warning', 'attention', 'none'], q.level), q.score DESC, q.id
""")
