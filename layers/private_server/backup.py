"""Backup of a database to one file and its restoration, by ``pg_dump -Fc`` and ``pg_restore``."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from layers.errors import ClusterError
from layers.postgres import database_name, libpq_url
from layers.private_server.backup_files import (
    check_own_file,
    check_place,
    check_recipients,
    decrypt,
    encrypt,
    is_encrypted,
    new_private_file,
)
from layers.private_server.binaries import Binaries
from layers.private_server.database_setup import prepare_database
from layers.private_server.processes import piped_program, run_program

DUMP_TIMEOUT_S = 6 * 3600.0
INCOMING = "wangge_incoming"
OUTGOING = "wangge_outgoing"


def dump(
    url: str,
    path: Path,
    binaries: Binaries,
    *,
    recipients: Sequence[str] = (),
    snapshot: str | None = None,
) -> None:
    """Write the database at ``url`` to a file of mode 0600, completely or not at all, as it was at one moment.

    Parameters
    ----------
    url : str
        SQLAlchemy URL.
    path : Path
        In a folder that only this account or root may write.
    binaries : Binaries
    recipients : sequence of str
        Public keys (``age1…``, ``ssh-ed25519 …``) that the file is encrypted to; none: it is not encrypted.
    snapshot : str, optional
        Name of a snapshot that another session has exported; by default that of the moment.

    Raises
    ------
    ClusterError
        ``pg_dump`` failed, the place is not safe, or the file cannot be written.
    """
    path = path.absolute()
    check_place(path)
    check_recipients(recipients)
    program = binaries.program("pg_dump")
    arguments = ["--format=custom", f"--dbname={libpq_url(url)}"]
    if snapshot is not None:
        arguments.append(f"--snapshot={snapshot}")
    with new_private_file(path) as partial:
        if not recipients:
            arguments.append(f"--file={partial}")
            run_program(program, *arguments, user=None, cwd=path.parent, timeout_s=DUMP_TIMEOUT_S)
            return
        with partial.open("wb") as file, piped_program(program, *arguments, cwd=path.parent) as process:
            assert process.stdout is not None
            encrypt(process.stdout, file, recipients)


def restore(url: str, path: Path, binaries: Binaries, *, identity_file: Path | None = None) -> None:
    """Restore a backup into a second database, then swap it with the present one.

    The present database stays in use until the backup is restored completely.

    Parameters
    ----------
    url : str
        SQLAlchemy URL of the present database.
    path : Path
    binaries : Binaries
    identity_file : Path, optional
        Private key of a backup that is encrypted.

    Raises
    ------
    ClusterError
        The file is missing, not this account's or cannot be restored; the present database is untouched.
    """
    path = path.absolute()
    check_own_file(path)
    encrypted = is_encrypted(path)
    if encrypted and identity_file is None:
        raise ClusterError(
            f"备份已加密，请用 --identity 指定私钥文件。{path} is encrypted: name the key with --identity"
        )
    program = binaries.program("pg_restore")
    arguments = ["--exit-on-error", "--no-owner", f"--dbname={libpq_url(url, INCOMING)}"]
    try:
        _make_incoming(url)
        if encrypted and identity_file is not None:
            _restore_encrypted(program, arguments, path, identity_file)
        else:
            arguments.append(str(path))
            run_program(program, *arguments, user=None, cwd=path.parent, timeout_s=DUMP_TIMEOUT_S)
        prepare_database(url, INCOMING)
        _swap_databases(url)
    except psycopg.Error as error:
        raise ClusterError(
            f"恢复失败，原数据未变。Not restored, the present data is untouched: {error}"
        ) from error
    finally:
        _drop(url, INCOMING)


def _restore_encrypted(program: str, arguments: list[str], path: Path, identity_file: Path) -> None:
    """Restore while decrypting: no file ever holds the plain text."""
    with path.open("rb") as file, piped_program(program, *arguments, cwd=path.parent) as process:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # pg_restore has ended, and says why
            decrypt(file, process.stdin, identity_file)
            process.stdin.close()


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
