"""Digests of the rows of each table of a database: two equal ones hold the same rows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import psycopg

from layers.collections import settle_cells
from layers.postgres import SYSTEM, libpq_url, session

APART = {
    "batches",
    "layer_changes",
    "row_changes",
    "access_log",
    "chain_heads",
    "api_keys",  # when a key was used last
    "login_sessions",
    "schema_in_force",
    "alembic_version",
    "spatial_ref_sys",
}
"""The record of batches and logs, which tell of an undo too."""

_TABLES = """
SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relname LIKE 'procrastinate%' ORDER BY 1
"""


def row_digests(url: str) -> dict[str, tuple[int, str]]:
    """Number and digest of the rows of every table and partition."""
    with session(SYSTEM, url) as db:
        settle_cells(db)
    with psycopg.connect(libpq_url(url)) as driver:
        return digests_seen_by(driver, APART)


def digests_seen_by(
    driver: psycopg.Connection[Any], apart: Collection[str] = ()
) -> dict[str, tuple[int, str]]:
    """Number and digest of the rows of every table and partition, as a connection's transaction sees them.

    The digest is two sums of hashes of 64 bits: it does not depend on the order, so nothing is sorted.
    """
    names = [name for (name,) in driver.execute(_TABLES).fetchall() if name not in apart]
    found = {}
    for name in names:
        row = driver.execute(
            psycopg.sql.SQL(
                "SELECT count(*), COALESCE(sum(hashtextextended(line, 1)) || ' ' || sum(hashtextextended(line, 2)), '')"
                " FROM (SELECT t::text AS line FROM {} t OFFSET 0) lines"
            ).format(psycopg.sql.Identifier(name))
        ).fetchone()
        assert row is not None
        found[name] = row
    return found


def differing_tables(before: dict[str, tuple[int, str]], after: dict[str, tuple[int, str]]) -> list[str]:
    """Names of tables whose rows differ, or that only one of both has."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
