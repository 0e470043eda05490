"""Backup of a database to one file and its restoration, by ``pg_dump -Fc`` and ``pg_restore``."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
from psycopg import sql

from layers.errors import ClusterError
from layers.postgres import database_name, libpq_url
from layers.private_server.binaries import Binaries
from layers.private_server.database_setup import prepare_database
from layers.private_server.processes import run_program

DUMP_TIMEOUT_S = 6 * 3600.0
INCOMING = "wangge_incoming"
OUTGOING = "wangge_outgoing"


def dump(url: str, path: Path, binaries: Binaries) -> None:
    """Write the database at ``url`` to a file, completely or not at all.

    Parameters
    ----------
    url : str
        SQLAlchemy URL.
    path : Path
    binaries : Binaries

    Raises
    ------
    ClusterError
        ``pg_dump`` failed or the file cannot be written.
    """
    path = path.absolute()
    if not path.parent.is_dir():
        raise ClusterError(f"文件夹不存在。There is no folder {path.parent}")
    partial = path.with_name(path.name + ".partial")
    arguments = ["--format=custom", f"--file={partial}", f"--dbname={libpq_url(url)}"]
    try:
        run_program(
            binaries.program("pg_dump"), *arguments, user=None, cwd=path.parent, timeout_s=DUMP_TIMEOUT_S
        )
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def restore(url: str, path: Path, binaries: Binaries) -> None:
    """Restore a backup into a second database, then swap it with the present one.

    The present database stays in use until the backup is restored completely.

    Parameters
    ----------
    url : str
        SQLAlchemy URL of the present database.
    path : Path
    binaries : Binaries

    Raises
    ------
    ClusterError
        The file is missing or cannot be restored; the present database is untouched.
    """
    path = path.absolute()
    if not path.is_file():
        raise ClusterError(f"文件不存在。There is no file {path}")
    arguments = ["--exit-on-error", "--no-owner", f"--dbname={libpq_url(url, INCOMING)}", str(path)]
    try:
        _make_incoming(url)
        run_program(
            binaries.program("pg_restore"), *arguments, user=None, cwd=path.parent, timeout_s=DUMP_TIMEOUT_S
        )
        prepare_database(url, INCOMING)
        _swap_databases(url)
    except psycopg.Error as error:
        raise ClusterError(
            f"恢复失败，原数据未变。Not restored, the present data is untouched: {error}"
        ) from error
    finally:
        _drop(url, INCOMING)


def _make_incoming(url: str) -> None:
    from layers.roles import READER_ROLE

    _drop(url, INCOMING)
    with psycopg.connect(libpq_url(url, "postgres"), autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(INCOMING)))
        # A dump refers to the roles of its grants and policies but does not contain them.
        if server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [READER_ROLE]).fetchone() is None:
            server.execute(
                sql.SQL("CREATE ROLE {} NOLOGIN NOSUPERUSER NOBYPASSRLS").format(sql.Identifier(READER_ROLE))
            )


def _drop(url: str, database: str) -> None:
    with psycopg.connect(libpq_url(url, "postgres"), autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))


def _swap_databases(url: str) -> None:
    """Rename both databases in one transaction, so that a database of the name always exists."""
    present = str(database_name(url))
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    _drop(url, OUTGOING)
    with psycopg.connect(libpq_url(url, "postgres")) as server:
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [present])
        server.execute(rename.format(sql.Identifier(present), sql.Identifier(OUTGOING)))
        server.execute(rename.format(sql.Identifier(INCOMING), sql.Identifier(present)))
    _drop(url, OUTGOING)
