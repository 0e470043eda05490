"""The three steps that change a server: made, started, stopped. Callers hold the lock of the data folder."""

from __future__ import annotations

import logging
import shutil
import time
from pathlib import Path

from layers.errors import ClusterError
from layers.private_server.binaries import Binaries
from layers.private_server.processes import run_program, server_log
from layers.private_server.settings import (
    PORT,
    ServerUser,
    access_files,
    make_private,
    memory_bytes,
    server_user,
    settings,
    settings_file,
)

log = logging.getLogger("layers.private_server")
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
ORPHANS_TIMEOUT_S = 15
IMPOSSIBLE_PID = 2**22 + 1
"""One more than the highest number that Linux gives to a process."""


def make_server(pgdata: Path, binaries: Binaries, *, durable: bool) -> None:
    """Make the files of a cluster in ``pgdata``, whole or not at all; its superuser is ``wangge``."""
    user = server_user()
    making = pgdata.with_name(pgdata.name + ".making")
    if making.exists():
        shutil.rmtree(making)
    make_private(making, user)
    options = [
        "--username=wangge",
        "--encoding=UTF8",
        "--lc-collate=C",
        "--lc-ctype=C.UTF-8",
        "--lc-messages=C",
    ]
    options += ["--auth=peer", "--data-checksums" if durable else "--no-sync"]
    run_program(binaries.program("initdb"), *options, f"--pgdata={making}", user=user, cwd=making)
    hba, ident = access_files(user)
    (making / "pg_hba.conf").write_text(hba)
    (making / "pg_ident.conf").write_text(ident)
    with (making / "postgresql.conf").open("a") as configuration:
        configuration.write("\ninclude_if_exists = 'wangge.conf'\n")
    making.rename(pgdata)
    log.info("made a PostgreSQL %s cluster in %s", binaries.major, pgdata)


def start_server(pgdata: Path, socket_dir: Path, binaries: Binaries, *, durable: bool) -> None:
    """Start the server and wait until it answers.

    Raises
    ------
    ClusterError
        It did not start; the message has the end of its log.
    """
    user = server_user()
    logs = pgdata.parent / "log"
    make_private(socket_dir, user)
    make_private(logs, user)
    chosen = settings(socket_dir, durable=durable, memory=memory_bytes())
    (pgdata / "wangge.conf").write_text(settings_file(chosen))
    _bury_dead_server(pgdata, socket_dir)
    (logs / "start.log").unlink(missing_ok=True)
    command = [
        binaries.program("pg_ctl"),
        "start",
        "-w",
        f"--timeout={START_TIMEOUT_S}",
        f"--pgdata={pgdata}",
    ]
    _start_patiently([*command, f"--log={logs / 'start.log'}"], user, pgdata, logs)


def _bury_dead_server(pgdata: Path, socket_dir: Path) -> None:
    """Make a killed server's lock files say that it is dead; the caller found that it is.

    The server believes any living process of that number, so a reused number or a zombie would keep it from
    starting for ever. The pid file's other lines stay: by them it finds orphans that still write to the data.
    """
    left = pgdata / "postmaster.pid"
    if left.exists():
        _, _, rest = left.read_text().partition("\n")
        left.write_text(f"{IMPOSSIBLE_PID}\n{rest}")
    (socket_dir / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def _start_patiently(command: list[str], user: ServerUser, pgdata: Path, logs: Path) -> None:
    """Orphans of a killed server hold its shared memory for a moment: try again while they do."""
    deadline = time.monotonic() + ORPHANS_TIMEOUT_S
    while True:
        try:
            run_program(*command, user=user, cwd=pgdata)
            return
        except ClusterError as error:
            said = server_log(logs)
            if "still in use" not in said or time.monotonic() > deadline:
                raise ClusterError(
                    f"数据库未能启动。The private PostGIS did not start.\n{error}\n{said}"
                ) from error
            time.sleep(0.2)


def stop_server(pgdata: Path, binaries: Binaries) -> None:
    """Stop the server: open transactions are rolled back, data is on disk."""
    command = [binaries.program("pg_ctl"), "stop", "-w", "-m", "fast", f"--timeout={STOP_TIMEOUT_S}"]
    run_program(*command, f"--pgdata={pgdata}", user=server_user(), cwd=pgdata)
