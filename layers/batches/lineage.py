"""Lineage of a batch: rows in force today, and the replacements of the others."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.batches.rows import fixes_of_batch, tables_of
from layers.tables import HISTORY_TABLES, Batch


@dataclass(frozen=True)
class StandingRows:
    """Rows of a batch in one table.

    Attributes
    ----------
    table : str
    standing : int
        Rows that are in force.
    replaced : int
        Rows that later batches replaced, or whose time a later version ended.
    kept : int
        Rows of others that the batch replaced and that its undo would bring back.
    """

    table: str
    standing: int
    replaced: int
    kept: int


def rows_of_batch(db: Session, batch: Batch) -> list[StandingRows]:
    """Return what stands of a batch, table by table."""
    return [_of_table(db, batch, name) for name in tables_of(batch)]


def _of_table(db: Session, batch: Batch, table: str) -> StandingRows:
    asked = {"batch": batch.id, "fixes_from": batch.fixes_from, "fixes_to": batch.fixes_to}
    mine = fixes_of_batch("r") if table == "fixes" else "r.batch_id = :batch"
    replaced = kept = "0"
    if table in HISTORY_TABLES:
        replaced = f"(SELECT count(*) FROM {table}_history WHERE batch_id = :batch AND replaced_by <> :batch)"
        kept = f"(SELECT count(*) FROM {table}_history WHERE replaced_by = :batch)"
    elif table == "areas":
        replaced = "count(*) FILTER (WHERE r.valid_to IS NOT NULL)"
        kept = "(SELECT count(*) FROM areas WHERE closed_by_batch = :batch)"
    standing = "count(*) FILTER (WHERE r.valid_to IS NULL)" if table == "areas" else "count(*)"
    row = db.execute(text(f"SELECT {standing}, {replaced}, {kept} FROM {table} r WHERE {mine}"), asked).one()
    return StandingRows(table, *map(int, row))
