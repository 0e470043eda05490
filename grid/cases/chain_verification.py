"""Verification of many chains by several processes that read one state of the database."""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psycopg
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.orm import Session

from grid.cases.hash_chain import ChainFault
from grid.cases.lifecycle import verify_chain
from layers.postgres import engine

SHARED_FROM = 30_000
"""Cases from which starting further processes (about two seconds) is worth it."""


def verify_chains(db: Session, url: str, processes: int | None = None) -> list[ChainFault]:
    """Verify every chain as ``db`` sees it: the processes take parts of the cases, on its snapshot.

    Parameters
    ----------
    db : Session
        With the rights of the system, and nothing written: other processes do not see what is not committed.
    url : str
        Its database.
    processes : int or None
        None: one for each processor.
    """
    if processes is None and (db.scalar(text("SELECT count(*) FROM cases")) or 0) < SHARED_FROM:
        return verify_chain(db)
    parts = processes or len(os.sched_getaffinity(0))
    bounds = list(db.scalars(_BOUNDS, {"parts": parts}))
    snapshot = db.scalar(text("SELECT pg_export_snapshot()"))
    edges = [None, *bounds[1:], None]
    with ProcessPoolExecutor(parts, get_context("spawn")) as pool:
        tasks = [pool.submit(_verify_part, url, str(snapshot), part) for part in itertools.pairwise(edges)]
        return [fault for task in tasks for fault in task.result()]


_BOUNDS = text("""
SELECT min(id) FROM (SELECT id, ntile(:parts) OVER (ORDER BY id) AS part FROM cases) t GROUP BY part ORDER BY part
""")


def _verify_part(url: str, snapshot: str, ids: tuple[int | None, int | None]) -> list[ChainFault]:
    reading = engine(url).execution_options(isolation_level="REPEATABLE READ")
    with reading.connect() as connection, Session(connection) as db:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        driver.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        return verify_chain(db, ids=ids)
