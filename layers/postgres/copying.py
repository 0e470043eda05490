"""Bulk writing: COPY a frame into a temporary table, then one statement moves it where it belongs."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
from psycopg import sql
from sqlalchemy import Table, text
from sqlalchemy.orm import Session

COPY_ROWS = 200_000
"""Rows handed to COPY at once: bounds the memory of a write."""


@dataclass(frozen=True)
class Written:
    """What a write did: rows new, changed, and already as they should be."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0

    def __add__(self, other: Written) -> Written:
        return Written(
            self.inserted + other.inserted, self.updated + other.updated, self.unchanged + other.unchanged
        )


def copy_frame(db: Session, frame: pl.DataFrame, table: str, columns: dict[str, str]) -> None:
    """Make temporary table ``table`` (dropped at commit) and COPY the frame into it.

    Parameters
    ----------
    columns : dict of str to str
        Column of the frame to its PostgreSQL type; both come from our own code, never from input.
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
) -> Written:
    """Move rows of a temporary table into ``table``; equal rows stay untouched.

    Parameters
    ----------
    select : str
        A SELECT over temporary tables that yields ``columns`` in order; our own text, no input in it.
    key : tuple of str
        The unique columns that say which row is meant.
    keep : bool
        True: a row that is there stays as it is (first arrival wins).
    """
    others = [name for name in columns if name not in key]
    name = table.name
    if keep or not others:
        action = "DO NOTHING"
    else:
        sets = ", ".join(f"{c} = EXCLUDED.{c}" for c in others)
        old = ", ".join(f"{name}.{c}" for c in others)
        new = ", ".join(f"EXCLUDED.{c}" for c in others)
        action = f"DO UPDATE SET {sets} WHERE ({old}) IS DISTINCT FROM ({new})"
    statement = (
        f"WITH given AS ({select}), done AS ("
        f" INSERT INTO {name} ({', '.join(columns)}) SELECT * FROM given"
        f" ON CONFLICT ({', '.join(key)}) {action} RETURNING (xmax = 0) AS fresh)"
        " SELECT (SELECT count(*) FROM given), count(*) FILTER (WHERE fresh), count(*) FILTER (WHERE NOT fresh) FROM done"
    )
    given, inserted, updated = db.execute(text(statement)).one()
    return Written(inserted, updated, given - inserted - updated)
