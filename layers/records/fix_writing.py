"""Fixes by binary COPY straight into their day partitions; a second arrival never replaces the first.

A batch is first copied as if every row were new. Only when one is not (the key says so) the batch goes
through a temporary table and ``ON CONFLICT DO NOTHING``: a stream of new fixes costs what a bare COPY costs,
and one that is sent again changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import polars as pl
import psycopg
from numpy.typing import NDArray
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from layers.postgres import SYSTEM, limit_statements, session

FIELDS = ("vehicle_id", "t", "lon", "lat", "speed_kmh", "heading_deg", "h3_9", "area_id")
NULLABLE = ("speed_kmh", "heading_deg", "area_id")
WHOLE = ("vehicle_id", "t", "h3_9", "area_id")
ENCODE_ROWS = 32_768
POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01T00:00Z in microseconds of Unix time: where PostgreSQL counts from."""
DAY_US = 86_400_000_000

Result = TypeVar("Result")
_SHARED = text("SELECT pg_advisory_xact_lock_shared(hashtextextended('ingest', 0))")
_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('ingest', 0))")

_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_COLUMNS = sql.SQL(", ").join(map(sql.Identifier, (*FIELDS, "batch_id")))
_FIELD_BYTES = 12
_BATCH_BYTES = 4
_ROW_BYTES = 2 + _FIELD_BYTES * len(FIELDS) + 4 + _BATCH_BYTES
_ROW = np.dtype(
    [("n", ">i2")]
    + [
        part
        for name in FIELDS
        for part in ((f"{name}_bytes", ">i4"), (name, ">i8" if name in WHOLE else ">f8"))
    ]
    + [("batch_id_bytes", ">i4"), ("batch_id", ">i4")]
)


@contextlib.contextmanager
def fix_batch(url: str, *, timeout_s: float, alone: bool = False) -> Iterator[Session]:
    """Yield a transaction for one batch of fixes.

    Parameters
    ----------
    timeout_s : float
        Of each statement.
    alone : bool
        Wait until no other batch is written, and let none begin: it cannot meet a deadlock with one.
    """
    with session(SYSTEM, url) as db:
        limit_statements(db, timeout_s)
        db.execute(_ALONE if alone else _SHARED)
        yield db


def wait_for_fix_batches(db: Session) -> None:
    """Wait until no batch of fixes is written, and let none begin before the transaction ends."""
    db.execute(_ALONE)


def write_again_after_deadlock(write: Callable[[bool], Result]) -> Result:
    """Call ``write(False)``, and ``write(True)`` (alone) when the database chose this batch to break a deadlock."""
    try:
        return write(False)
    except (psycopg.OperationalError, OperationalError) as error:
        cause = error.orig if isinstance(error, OperationalError) else error
        if not isinstance(cause, psycopg.errors.DeadlockDetected):
            raise OperationalError("COPY fixes", None, cause or error) from error
    return write(True)


def add_fixes(db: Session, frame: pl.DataFrame, batch_id: int | None = None) -> int:
    """Write fixes whose partitions are there; returns how many were new.

    Parameters
    ----------
    frame : polars.DataFrame
        ``vehicle_id`` (the database's integer), ``t`` (UTC, microseconds), ``lon``, ``lat`` (EPSG:4326),
        ``speed_kmh``, ``heading_deg``, ``h3_9`` (bigint) and ``area_id``; the last and the first two of these
        may be null. Of two rows with the same vehicle and time the first stays.
    batch_id : int, optional
        The batch that the new ones belong to.
    """
    ordered = in_key_order(frame)
    driver = db.connection().connection.driver_connection
    assert driver is not None
    try:
        with driver.transaction(), driver.cursor() as cursor:
            _copy(cursor, sql.SQL("fixes"), ordered, batch_id)
        return ordered.height
    except psycopg.errors.UniqueViolation:
        with driver.cursor() as cursor:
            return _add_missing(cursor, ordered, batch_id)


def _add_missing(cursor: psycopg.Cursor[Any], ordered: pl.DataFrame, batch_id: int | None) -> int:
    cursor.execute("DROP TABLE IF EXISTS pg_temp.given_fixes")
    cursor.execute("CREATE TEMPORARY TABLE given_fixes (LIKE fixes) ON COMMIT DROP")
    _copy(cursor, sql.SQL("given_fixes"), ordered, batch_id)
    cursor.execute(
        sql.SQL(
            "INSERT INTO fixes ({columns}) SELECT {columns} FROM given_fixes ON CONFLICT DO NOTHING"
        ).format(columns=_COLUMNS)
    )
    return cursor.rowcount


def _copy(cursor: psycopg.Cursor[Any], table: sql.SQL, frame: pl.DataFrame, batch_id: int | None) -> None:
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT binary)").format(table, _COLUMNS)
    with cursor.copy(statement) as copy:
        for block in encode(frame, batch_id):
            copy.write(block)


def in_key_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows by day, vehicle and time, each key once (its first arrival).

    Two batches that hold the same keys then lock them in the same order and cannot wait for each other in a
    circle.
    """
    vehicle = frame["vehicle_id"].to_numpy()
    t = frame["t"].to_physical().to_numpy()
    order = np.lexsort((t, vehicle, t // DAY_US))
    vehicle, t = vehicle[order], t[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (vehicle[1:] != vehicle[:-1]) | (t[1:] != t[:-1])
    return frame[order[fresh]]


def encode(frame: pl.DataFrame, batch_id: int | None = None) -> Iterator[bytes]:
    """Yield the frame and its batch in the format of ``COPY … (FORMAT binary)``, in blocks of a few MiB."""
    yield _HEADER
    for start in range(0, frame.height, ENCODE_ROWS):
        yield _encode_block(frame.slice(start, ENCODE_ROWS), batch_id)
    yield _TRAILER


def _encode_block(frame: pl.DataFrame, batch_id: int | None) -> bytes:
    rows = np.empty(frame.height, dtype=_ROW)
    rows["n"] = len(FIELDS) + 1
    rows["batch_id_bytes"], rows["batch_id"] = (-1, 0) if batch_id is None else (_BATCH_BYTES, batch_id)
    keep: NDArray[np.bool_] | None = None
    if batch_id is None:
        keep = np.ones((frame.height, _ROW_BYTES), dtype=bool)
        keep[:, -_BATCH_BYTES:] = False
    for i, name in enumerate(FIELDS):
        series = frame[name].to_physical()
        rows[f"{name}_bytes"] = 8
        if name in NULLABLE and series.null_count():
            null = series.is_null().to_numpy()
            rows[f"{name}_bytes"][null] = -1
            if keep is None:
                keep = np.ones((frame.height, _ROW_BYTES), dtype=bool)
            value_at = 2 + _FIELD_BYTES * i + 4
            keep[null, value_at : value_at + 8] = False
            series = series.fill_null(0)
        values = series.to_numpy()
        rows[name] = values - POSTGRES_EPOCH_US if name == "t" else values
    if keep is None:
        return rows.tobytes()
    return rows.view(np.uint8).reshape(frame.height, _ROW_BYTES)[keep].tobytes()
