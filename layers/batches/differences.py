"""Differences that a batch made: rows that are new, changed or ended, and how far places moved.

Read in the transaction that wrote the batch, before it is committed or taken back.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.batches.rows import TABLES_OF, inserted, same_key
from layers.tables import HISTORY_TABLES, Base

MOST_SHAPES = 2_000
"""Shapes of one batch for a map; the counts are whole."""
LEAST_MOVE_M = 0.01
_LABELS = {"sites": "r.site_id", "areas": "r.code || ' ' || r.name", "places": "r.kind", "fences": "r.name"}


@dataclass(frozen=True)
class ChangedShape:
    """A place that is ``new``, ``moved`` or ``ended``.

    Attributes
    ----------
    change : str
    label : str
    before, after : str or None
        GeoJSON in EPSG:4326.
    moved_m : float or None
    """

    change: str
    label: str
    before: str | None
    after: str | None
    moved_m: float | None


@dataclass(frozen=True)
class BatchDifferences:
    """Differences of one batch; ``moved_median_m`` and ``moved_max_m`` are 0 when nothing moved."""

    new: int = 0
    changed: int = 0
    ended: int = 0
    moved: int = 0
    moved_median_m: float = 0.0
    moved_max_m: float = 0.0
    shapes: list[ChangedShape] = field(default_factory=list)


def differences_of_batch(db: Session, batch_id: int, kind: str, metric_epsg: int | None) -> BatchDifferences:
    """Return what a batch of a kind changed in the table of its kind.

    Points are measured on the ellipsoid, shapes by their Hausdorff distance: the farthest that the outline moved.

    Parameters
    ----------
    metric_epsg : int or None
        Projected system in metres, for shapes; None: degrees at the equator, which is rough.
    """
    table = TABLES_OF[kind][0]
    fresh, before = _fresh_and_before(table)
    asked = {"batch": batch_id, "epsg": metric_epsg or 3857, "most": MOST_SHAPES, "least": LEAST_MOVE_M}
    counts = f"""SELECT (SELECT count(*) FROM {table} r WHERE {fresh}),
        (SELECT count(*) FROM {before} JOIN {table} r ON {_same(table)} AND r.batch_id = :batch),
        (SELECT count(*) FROM {before} WHERE NOT EXISTS (
            SELECT FROM {table} r WHERE {_same(table)} AND r.batch_id = :batch))"""
    new, changed, ended = db.execute(text(counts), asked).one()
    if "geom" not in Base.metadata.tables[table].c or table == "fixes":
        return BatchDifferences(new, changed, ended)
    moves = f"""WITH moves AS MATERIALIZED (SELECT {_distance(table)} AS m FROM {before}
            JOIN {table} r ON {_same(table)} AND r.batch_id = :batch
            WHERE h.geom IS NOT NULL AND r.geom IS NOT NULL AND NOT ST_OrderingEquals(h.geom, r.geom))
        SELECT count(*), COALESCE(percentile_cont(0.5) WITHIN GROUP (ORDER BY m), 0), COALESCE(max(m), 0)
        FROM moves WHERE m > :least"""
    moved, median_m, max_m = db.execute(text(moves), asked).one()
    shapes = [ChangedShape(*row) for row in db.execute(text(_shapes_sql(table)), asked)]
    return BatchDifferences(new, changed, ended, moved, median_m, max_m, shapes)


def _fresh_and_before(table: str) -> tuple[str, str]:
    """Return the condition of new rows ``r``, and the rows ``h`` that the batch replaced or ended."""
    if table in HISTORY_TABLES:
        return inserted(table, "r"), f"(SELECT * FROM {table}_history WHERE replaced_by = :batch) h"
    if table == "areas":
        closed = "(SELECT * FROM areas WHERE closed_by_batch = :batch) h"
        return (
            f"r.batch_id = :batch AND NOT EXISTS (SELECT FROM {closed} WHERE h.kind = r.kind AND h.code = r.code)",
            closed,
        )
    return "r.batch_id = :batch", f"(SELECT * FROM {table} WHERE false) h"


def _same(table: str) -> str:
    return "h.kind = r.kind AND h.code = r.code" if table == "areas" else same_key(table, "h", "r")


def _distance(table: str) -> str:
    if table in ("sites", "places"):
        return "ST_Distance(h.geom::geography, r.geom::geography)"
    return "ST_HausdorffDistance(ST_Transform(h.geom, CAST(:epsg AS int)), ST_Transform(r.geom, CAST(:epsg AS int)))"


def _shapes_sql(table: str) -> str:
    fresh, before = _fresh_and_before(table)
    label = _LABELS.get(table, "COALESCE(r.name, '')")
    return f"""SELECT * FROM (
        SELECT 'moved' AS change, {label} AS label, ST_AsGeoJSON(h.geom, 6), ST_AsGeoJSON(r.geom, 6),
            {_distance(table)} AS moved_m
        FROM {before} JOIN {table} r ON {_same(table)} AND r.batch_id = :batch
        WHERE h.geom IS NOT NULL AND r.geom IS NOT NULL AND NOT ST_OrderingEquals(h.geom, r.geom)
        UNION ALL
        SELECT 'ended', {label.replace("r.", "h.")}, ST_AsGeoJSON(h.geom, 6), NULL, NULL
        FROM {before} WHERE h.geom IS NOT NULL AND NOT EXISTS (
            SELECT FROM {table} r WHERE {_same(table)} AND r.batch_id = :batch)
        UNION ALL
        SELECT 'new', {label}, NULL, ST_AsGeoJSON(r.geom, 6), NULL FROM {table} r
        WHERE r.geom IS NOT NULL AND {fresh}
    ) shapes WHERE change <> 'moved' OR moved_m > :least LIMIT :most"""
