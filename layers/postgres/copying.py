"""Bulk writing: COPY a frame into a temporary table, then move its rows with one statement."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from psycopg import sql
from sqlalchemy import Table, text
from sqlalchemy.orm import Session

COPY_ROWS = 200_000
"""Rows per COPY; it bounds the memory of a write."""


@dataclass(frozen=True)
class WriteCounts:
    """Counts of a write: rows inserted, updated and unchanged."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: WriteCounts) -> WriteCounts:
        return WriteCounts(
            self.inserted + other.inserted, self.updated + other.updated, self.unchanged + other.unchanged
        )


def copy_frame(db: Session, frame: pl.DataFrame, table: str, columns: dict[str, str]) -> None:
    """Create the temporary table ``table`` (dropped at commit) and COPY the frame into it.

    Parameters
    ----------
    db : Session
    frame : polars.DataFrame
    table : str
    columns : dict of str to str
        Column of the frame to its PostgreSQL type; both are written in our own code, never taken from input.
    """
    driver = db.connection().connection.driver_connection
    assert driver is not None
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    fields = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
    )
    target = sql.Identifier(table)
    with driver.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS pg_temp.{}").format(target))
        cursor.execute(sql.SQL("CREATE TEMPORARY TABLE {} ({}) ON COMMIT DROP").format(target, fields))
        statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(target, names)
        with cursor.copy(statement) as copy:
            for start in range(0, frame.height, COPY_ROWS):
                part = frame.slice(start, COPY_ROWS).select(list(columns))
                copy.write(
                    part.write_csv(include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f%:z").encode()
                )
        cursor.execute(sql.SQL("ANALYZE {}").format(target))


def upsert(
    db: Session,
    table: Table,
    select: str,
    *,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    keep: bool = False,
) -> WriteCounts:
    """Insert or update rows of a table from temporary tables; equal rows stay untouched.

    Parameters
    ----------
    db : Session
    table : Table
    select : str
        SELECT over temporary tables that yields ``columns`` in order; our own text without any input.
    columns : tuple of str
    key : tuple of str
        Unique columns that identify a row.
    keep : bool
        True: an existing row stays as it is (the first arrival wins).

    Notes
    -----
    A new or updated row gets the batch of the transaction; an equal one stays with its own.

    Returns
    -------
    WriteCounts
    """
    others = [name for name in columns if name not in key]
    batch = ["batch_id"] if "batch_id" in table.c else []
    # named, though it is the default: read once and not once a row
    named, given_batch = ", ".join((*columns, *batch)), ", (SELECT current_batch())" if batch else ""
    name = table.name
    if keep or not others:
        action = "DO NOTHING"
    else:
        sets = ", ".join(f"{c} = EXCLUDED.{c}" for c in (*others, *batch))
        old = ", ".join(f"{name}.{c}" for c in others)
        new = ", ".join(f"EXCLUDED.{c}" for c in others)
        action = f"DO UPDATE SET {sets} WHERE ({old}) IS DISTINCT FROM ({new})"
    statement = (
        f"WITH given AS ({select}), done AS ("
        f" INSERT INTO {name} ({named}) SELECT given.*{given_batch} FROM given"
        f" ON CONFLICT ({', '.join(key)}) {action} RETURNING (xmax = 0) AS fresh)"
        " SELECT (SELECT count(*) FROM given), count(*) FILTER (WHERE fresh), count(*) FILTER (WHERE NOT"
        " fresh) FROM done"
    )
    given, inserted, updated = db.execute(text(statement)).one()
    return WriteCounts(inserted, updated, given - inserted - updated)
