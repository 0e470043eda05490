"""SQL in force: functions, triggers, policies and grants of ``layers/schema``, applied after the migrations.

The files describe the present state and can be applied repeatedly. :func:`layers.postgres.migrate` applies
all of them, in the order of :data:`FILES`, in the transaction of the migrations, when the database has the
newest revision and was made by other files than these
(``docs/decisions/0009-sql-in-force-stands-in-files.md``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import resources
from typing import Any

from psycopg import sql

FILES = (
    "areas",
    "ownership",
    "enterprises",
    "cases",
    "accounts",
    "access",
    "registers",
    "gazetteer",
    "chain",
    "indicators",
    "changes",
    "alerts",
    "models",
    "sharing",
    "attachments",
    "dispatch",
    "tile_cells",
    "batches",
    "known",
    "retired",
)
"""Every file, in the order in which they are applied: a file may call functions of the ones before."""


def schema_sql(name: str) -> str:
    """Return the text of one file, for example ``schema_sql("access")``."""
    return (resources.files("layers") / "schema" / f"{name}.sql").read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def schema_digest() -> str:
    """Return the SHA-256 over all files in their order.

    ``schema_in_force.digest`` of a database has this value when it has applied these files.
    """
    digest = hashlib.sha256()
    for name in FILES:
        digest.update(f"-- {name}\n{schema_sql(name)}".encode())
    return digest.hexdigest()


def schema_functions() -> list[str]:
    """Return the names of the functions that the files define, in order.

    Trigger functions that a loop creates are not among them.

    Examples
    --------
    >>> "settle_cells" in schema_functions()
    True
    """
    return [
        found
        for name in FILES
        for found in re.findall(r"^CREATE OR REPLACE FUNCTION (\w+)\(", schema_sql(name), re.MULTILINE)
    ]


def apply_schema(driver: Any) -> bool:
    """Apply the files, unless the database has applied them already.

    Parameters
    ----------
    driver : psycopg.Connection
        A connection inside a transaction, at the newest revision, as the owner of the tables.

    Returns
    -------
    bool
        Whether anything was applied.
    """
    digest = schema_digest()
    if driver.execute("SELECT digest FROM schema_in_force").fetchone() == (digest,):
        return False
    for name in FILES:
        driver.execute(schema_sql(name))  # without parameters: no placeholders in a file
    driver.execute("DELETE FROM schema_in_force")
    driver.execute("INSERT INTO schema_in_force (digest, applied_at) VALUES (%s, now())", [digest])
    return True


def drop_schema(driver: Any, tables: Sequence[str]) -> None:
    """Drop all tables, sequences and functions of these files or of earlier versions.

    Parameters
    ----------
    driver : psycopg.Connection
        A connection inside a transaction, as the owner of the tables.
    tables : sequence of str
        Every table of this service; one that is not there is passed over.
    """
    of_triggers = driver.execute(
        "SELECT DISTINCT p.proname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid"
        " WHERE NOT t.tgisinternal AND p.pronamespace = 'public'::regnamespace"
        " AND t.tgrelid = ANY (SELECT to_regclass(quote_ident(name)) FROM unnest(%s::text[]) name)",
        [list(tables)],
    ).fetchall()
    for name in tables:
        driver.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(name)))
    driver.execute("DROP SEQUENCE IF EXISTS body_ids, officer_ids")
    for name in {*schema_functions(), *(name for (name,) in of_triggers)}:
        driver.execute(sql.SQL("DROP FUNCTION IF EXISTS {} CASCADE").format(sql.Identifier(name)))
    driver.execute(schema_sql("retired"))
