"""Hot spots of a run: written by COPY, counted, and dropped with old runs."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
from sqlalchemy import delete, func, select, text
from sqlalchemy.orm import Session

from layers.postgres import copy_frame
from layers.tables import EmergingHotSpot, HotSpot, ModelRun

HOT_SPOT_COLUMNS: Mapping[str, str] = {
    "field": "text",
    "h3": "bigint",
    "value": "float8",
    "exposure": "float8",
    "observed": "float8",
    "expected": "float8",
    "ratio": "float8",
    "p_adjusted": "float8",
    "level": "smallint",
    "rings": "smallint",
    "from_day": "date",
    "until_day": "date",
    "geom": "text",
}
"""Columns of a frame of hot spots; ``geom`` is WKB in hex, EPSG:4326."""
EMERGING_COLUMNS: Mapping[str, str] = {
    "field": "text",
    "h3": "bigint",
    "pattern": "text",
    "since": "date",
    "until_day": "date",
    "step_days": "integer",
    "steps": "integer",
    "hot_steps": "integer",
    "cold_steps": "integer",
    "newest": "float8",
    "before": "float8",
    "trend_z": "float8",
    "trend_p": "float8",
    "series": "jsonb",
    "geom": "text",
}
"""Columns of a frame of emerging hot spots; ``geom`` is WKB in hex, EPSG:4326."""


def write_hot_spots(db: Session, cells: pl.DataFrame, run_id: int) -> int:
    """Store the cells of a run in place of those it had; returns how many.

    Parameters
    ----------
    cells : polars.DataFrame
        ``HOT_SPOT_COLUMNS``.
    """
    return _replace(db, cells, run_id, "hot_spots", HOT_SPOT_COLUMNS)


def write_emerging(db: Session, cells: pl.DataFrame, run_id: int) -> int:
    """Store the emerging hot spots of a run in place of those it had; returns how many.

    Parameters
    ----------
    cells : polars.DataFrame
        ``EMERGING_COLUMNS``.
    """
    return _replace(db, cells, run_id, "emerging_hot_spots", EMERGING_COLUMNS)


def _replace(db: Session, cells: pl.DataFrame, run_id: int, table: str, columns: Mapping[str, str]) -> int:
    given = f"given_{table}"
    copy_frame(db, cells, given, dict(columns))
    db.execute(text(f"DELETE FROM {table} WHERE run_id = :run_id"), {"run_id": run_id})
    plain = ", ".join(name for name in columns if name != "geom")
    db.execute(
        text(
            f"INSERT INTO {table} (run_id, {plain}, geom)"
            f" SELECT :run_id, {plain}, ST_SetSRID(geom::geometry, 4326) FROM {given}"
        ),
        {"run_id": run_id},
    )
    return cells.height


def significant_cells(db: Session, run_id: int) -> dict[str, dict[int, int]]:
    """Return by field how many cells of a run have which level; level 0 is left out."""
    rows = db.execute(
        select(HotSpot.field, HotSpot.level, func.count())
        .where(HotSpot.run_id == run_id, HotSpot.level != 0)
        .group_by(HotSpot.field, HotSpot.level)
        .order_by(HotSpot.field, HotSpot.level.desc())
    )
    found: dict[str, dict[int, int]] = {}
    for field, level, count in rows.tuples():
        if level is not None:
            found.setdefault(field, {})[level] = int(count)
    return found


def forget_hot_spots(db: Session, model: str, keep: int) -> None:
    """Drop hot spots of all but the newest ``keep`` runs of a model."""
    old = (
        select(ModelRun.id)
        .where(ModelRun.model == model)
        .order_by(ModelRun.at.desc(), ModelRun.id.desc())
        .offset(keep)
    )
    for table in (HotSpot, EmergingHotSpot):
        db.execute(delete(table).where(table.run_id.in_(old)))
