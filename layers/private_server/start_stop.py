"""Steps that change a server: make, start, stop.

Callers must have the change lock of the data folder.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from layers.errors import ClusterError
from layers.private_server.binaries import Binaries
from layers.private_server.processes import run_program, server_log_tail
from layers.private_server.settings import (
    PORT,
    ServerUser,
    access_file_texts,
    make_private_folder,
    memory_bytes,
    server_settings,
    server_user,
    settings_text,
)
from layers.private_server.wal_archive import allow_base_backups, archive_settings, make_archive

log = logging.getLogger("layers.private_server")
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
ORPHANS_TIMEOUT_S = 15
UNUSED_PID = 2**22 + 1
"""A number above the highest process id of Linux."""


def make_server(pgdata: Path, binaries: Binaries, *, durable: bool) -> None:
    """Make the files of a cluster in ``pgdata``, completely or not at all; its superuser is ``wangge``.

    Raises
    ------
    ClusterError
    """
    user = server_user()
    making = pgdata.with_name(pgdata.name + ".making")
    if making.exists():
        shutil.rmtree(making)
    make_private_folder(making, user)
    options = [
        "--username=wangge",
        "--encoding=UTF8",
        "--lc-collate=C",
        "--lc-ctype=C.UTF-8",
        "--lc-messages=C",
    ]
    options += ["--auth=peer", "--data-checksums" if durable else "--no-sync"]
    run_program(binaries.program("initdb"), *options, f"--pgdata={making}", user=user, cwd=making)
    hba, ident = access_file_texts(user)
    (making / "pg_hba.conf").write_text(hba)
    (making / "pg_ident.conf").write_text(ident)
    with (making / "postgresql.conf").open("a") as configuration:
        configuration.write("\ninclude_if_exists = 'wangge.conf'\n")
    making.rename(pgdata)
    log.info("made a PostgreSQL %s cluster in %s", binaries.major, pgdata)


def start_server(
    pgdata: Path,
    socket_dir: Path,
    binaries: Binaries,
    *,
    durable: bool,
    archive: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> None:
    """Start the server and wait until it answers.

    Parameters
    ----------
    pgdata, socket_dir : Path
    binaries : Binaries
    durable : bool
    archive : Path, optional
        Folder into which the server writes its log.
    more : mapping, optional
        Further settings of PostgreSQL for this start.

    Raises
    ------
    ClusterError
        It did not start; the message has the end of its log.
    """
    user = server_user()
    logs = pgdata.parent / "log"
    make_private_folder(socket_dir, user)
    make_private_folder(logs, user)
    chosen = server_settings(socket_dir, durable=durable, memory=memory_bytes())
    if archive is not None:
        make_archive(archive, user)
        allow_base_backups(pgdata)
        chosen |= archive_settings(archive)
    chosen |= more or {}
    _write_if_other(pgdata / "wangge.conf", settings_text(chosen))
    _mark_server_dead(pgdata, socket_dir)
    (logs / "start.log").unlink(missing_ok=True)
    command = [
        binaries.program("pg_ctl"),
        "start",
        "-w",
        f"--timeout={START_TIMEOUT_S}",
        f"--pgdata={pgdata}",
        f"--log={logs / 'start.log'}",
    ]
    _start_with_retries(command, user, pgdata, logs)


def _write_if_other(path: Path, text: str) -> None:
    """Write a file unless it has this text: on a full disk it would be left empty."""
    if not path.is_file() or path.read_text() != text:
        path.write_text(text)


def _mark_server_dead(pgdata: Path, socket_dir: Path) -> None:
    """Write an unused process id into the lock files of a server that was killed.

    The server believes any living process with that number, so a reused number or a zombie would prevent its
    start. The other lines of the pid file stay: with them the server finds orphans that still write to the
    data. The caller has checked that the server is dead.
    """
    left = pgdata / "postmaster.pid"
    if left.exists():
        _, _, rest = left.read_text().partition("\n")
        with left.open("r+") as file:  # written over in its place: a full disk has no room for another
            file.write(f"{UNUSED_PID}\n{rest}")
    (socket_dir / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def _start_with_retries(command: list[str], user: ServerUser, pgdata: Path, logs: Path) -> None:
    """Start the server; retry while orphans of a killed server still have its shared memory."""
    deadline = time.monotonic() + ORPHANS_TIMEOUT_S
    while True:
        try:
            run_program(*command, user=user, cwd=pgdata)
            return
        except ClusterError as error:
            said = server_log_tail(logs)
            if "still in use" not in said or time.monotonic() > deadline:
                raise ClusterError(
                    f"数据库未能启动。The private PostGIS did not start.\n{error}\n{said}"
                ) from error
            time.sleep(0.2)


def stop_server(pgdata: Path, binaries: Binaries) -> None:
    """Stop the server; open transactions are rolled back and data is on disk."""
    command = [binaries.program("pg_ctl"), "stop", "-w", "-m", "fast", f"--timeout={STOP_TIMEOUT_S}"]
    run_program(*command, f"--pgdata={pgdata}", user=server_user(), cwd=pgdata)
