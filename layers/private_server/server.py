"""Private PostGIS server of a data folder: made, started, shared, stopped and backed up.

The server listens on a Unix socket only, in a folder that only its own account can enter, and it never
runs as root. Rules for stopping it:

* a process that only needs the database joins (:func:`running_cluster`); the last one that leaves stops it;
* one process may own it (:func:`owned_cluster`, ``wangge serve``); a second owner is refused;
* ``wangge db start`` pins it: then it runs until ``wangge db stop``.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import shutil
import signal
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import quote

from layers.errors import ClusterError, ClusterInUse
from layers.private_server import backup as cluster_backup
from layers.private_server import locks as cluster_locks
from layers.private_server.binaries import Binaries, find_binaries
from layers.private_server.database_setup import prepare_database
from layers.private_server.processes import postmaster_pid, postmaster_status
from layers.private_server.settings import PORT, socket_folder
from layers.private_server.start_stop import make_server, start_server, stop_server
from layers.private_server.wal_archive import BaseBackup, make_base_backup

log = logging.getLogger("layers.private_server")
ARCHIVE_FILE = "wal_archive"
"""Keeps the folder of the archive: a command that starts the server without the setting must leave no gap."""


class Cluster:
    """PostGIS server of one data folder.

    Parameters
    ----------
    data_dir : path
        Its data folder.
    durable : bool
        False makes a temporary cluster for tests, which is fast but can be lost in a power failure.
    programs : path, optional
        Folder of PostgreSQL's programs; by default they are searched.
    archive : str
        Folder into which the server writes its log from its next start on, ``off`` to end that; empty: as it
        was said last for this data folder, whichever process starts the server.

    Notes
    -----
    As a context manager it joins on entering and leaves on exit.
    """

    def __init__(
        self,
        data_dir: str | os.PathLike[str],
        *,
        durable: bool = True,
        programs: Path | None = None,
        archive: str = "",
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self.durable = durable
        self.programs = programs
        self.pgdata = self.data_dir / "postgres"
        self.socket_dir, self.socket_reason = socket_folder(self.data_dir)
        self._archive = archive
        self._joined: int | None = None
        self._entered = 0
        self._owned: int | None = None

    @property
    def url(self) -> str:
        """SQLAlchemy URL of the database ``wangge`` over the Unix socket."""
        return f"postgresql+psycopg://wangge@/wangge?host={quote(str(self.socket_dir), safe='/')}&port={PORT}"

    @property
    def archive(self) -> Path | None:
        """Folder of the archived log; None: nothing is archived."""
        kept = self.data_dir / ARCHIVE_FILE
        said = self._archive or (kept.read_text().strip() if kept.is_file() else "")
        return None if said in ("", "off") else Path(said).absolute()

    @property
    def exists(self) -> bool:
        """Whether the cluster has been made."""
        return (self.pgdata / "PG_VERSION").is_file()

    @property
    def major(self) -> int | None:
        """Major version of PostgreSQL that made the folder."""
        return int((self.pgdata / "PG_VERSION").read_text()) if self.exists else None

    @property
    def pid(self) -> int | None:
        """Process id of the running server; None when it is down, even with a stale pid file."""
        return postmaster_pid(self.pgdata)

    @property
    def accepts_sessions(self) -> bool:
        """Whether the server runs and is not starting, recovering or stopping."""
        return self.pid is not None and postmaster_status(self.pgdata) == "ready"

    @property
    def owner(self) -> dict[str, Any] | None:
        """Pid, start time and command of the process that serves the folder, or None."""
        path = self.data_dir / "owner.lock"
        return None if cluster_locks.is_unlocked(path) else cluster_locks.read_holder(path)

    @property
    def pinned(self) -> bool:
        """Whether ``wangge db start`` keeps the server up without users."""
        return (self.data_dir / "pinned").exists()

    @property
    def has_users(self) -> bool:
        """Whether any process, including this one, has joined."""
        return not cluster_locks.is_unlocked(self.data_dir / "users.lock")

    def binaries(self) -> Binaries:
        """Return the programs that match this folder.

        Raises
        ------
        ClusterError
            They are not installed; for an existing folder the message says how to move it to a newer version.
        """
        if self.major is None:
            return find_binaries(named=self.programs)
        try:
            return find_binaries(self.major, self.programs)
        except ClusterError as error:
            raise ClusterError(
                f"{error}\n{self.pgdata} 由 PostgreSQL {self.major} 建立。It was made by PostgreSQL"
                f" {self.major} and only that version can read it. Install postgresql-{self.major} and its"
                f" PostGIS again, run `wangge db backup FILE`, move {self.pgdata} away, then `wangge db"
                " restore FILE` with the new version."
            ) from error

    # -- making, starting, stopping ------------------------------------------------------------------

    def init(self) -> None:
        """Make the cluster unless it exists; an incomplete one is never used."""
        with self.changing():
            self._init()

    def start(self) -> None:
        """Make the cluster if needed and start it until :meth:`stop`; safe to repeat."""
        with self.changing():
            self._start()

    def stop(self, *, force: bool = False) -> bool:
        """Stop the server; return False when it was down.

        Raises
        ------
        ClusterInUse
            Another process serves the folder, or (without ``force``) uses it.
        """
        self._refuse_other_owner()
        if not self.data_dir.is_dir():
            return False
        with self.changing():
            if not force:
                self._refuse_other_users("or add --force")
            return self._stop()

    def finish_stop(self) -> None:
        """End the sessions that a server which was told to stop still waits for, and wait until it is down."""
        with self.changing():
            if self.pid is not None and postmaster_status(self.pgdata) == "stopping":
                stop_server(self.pgdata, self.binaries())

    def pin(self, keep: bool = True) -> None:
        """Set whether the server stays up when its last user leaves."""
        if keep:
            (self.data_dir / "pinned").touch()
        else:
            (self.data_dir / "pinned").unlink(missing_ok=True)

    def status(self) -> dict[str, Any]:
        """Return the known state without starting anything."""
        return {
            "data_dir": str(self.data_dir),
            "exists": self.exists,
            "running": self.pid is not None,
            "pid": self.pid,
            "major": self.major,
            "socket_dir": str(self.socket_dir),
            "socket_reason": self.socket_reason,
            "owner": self.owner,
            "pinned": self.pinned,
            "url": self.url,
        }

    # -- sharing -------------------------------------------------------------------------------------

    def join(self) -> None:
        """Join the cluster: start it if it is down, and keep it up until :meth:`leave`."""
        with self.changing():
            if self._joined is None:
                self._joined = cluster_locks.try_lock(self.data_dir / "users.lock", shared=True)
            self._start()

    def leave(self) -> None:
        """Leave the cluster; the last process to leave stops the server, unless it is pinned."""
        if self._joined is None:
            return
        if not self.data_dir.is_dir():  # removed meanwhile, and not to be made again
            os.close(self._joined)
            self._joined = None
            return
        with self.changing():
            os.close(self._joined)
            self._joined = None
            if not self.has_users and not self.pinned and (self._owned is not None or self.owner is None):
                self._stop()

    def own(self) -> None:
        """Take ownership: this process serves the folder.

        Raises
        ------
        ClusterInUse
            Another process does; the message has its pid and how to mend it.
        """
        self._prepare_folder()
        descriptor = cluster_locks.try_lock(self.data_dir / "owner.lock")
        if descriptor is None:
            self._raise_in_use()
        cluster_locks.write_holder(descriptor)
        self._owned = descriptor

    def disown(self) -> None:
        """Release the ownership."""
        if self._owned is not None:
            os.ftruncate(self._owned, 0)
            os.close(self._owned)
            self._owned = None

    def __enter__(self) -> Self:
        self.join()
        self._entered += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered -= 1
        if self._entered == 0:
            self.leave()

    # -- saving --------------------------------------------------------------------------------------

    def backup(
        self, path: str | os.PathLike[str], *, recipients: Sequence[str] = (), snapshot: str | None = None
    ) -> None:
        """Write the database into one file (``pg_dump -Fc``); see :func:`layers.private_server.backup.dump`.

        An older file is replaced only when the new one is complete.
        """
        with self:
            cluster_backup.dump(
                self.url, Path(path), self.binaries(), recipients=recipients, snapshot=snapshot
            )

    def restore(self, path: str | os.PathLike[str], *, identity_file: Path | None = None) -> None:
        """Replace the database by a backup, completely or not at all.

        Raises
        ------
        ClusterInUse
            Another process serves the folder or uses it.
        ClusterError
            The file cannot be restored; the present database is untouched.
        """
        self.refuse_others("then restore")
        with self:
            cluster_backup.restore(self.url, Path(path), self.binaries(), identity_file=identity_file)

    def base_backup(self) -> BaseBackup:
        """Copy the files of the server into its archive.

        Raises
        ------
        ClusterError
            Nothing is archived.
        """
        if self.archive is None:
            raise ClusterError("未设置归档目录。Nothing is archived: set WANGGE_WAL_ARCHIVE")
        with self:
            return make_base_backup(self.url, self.pgdata, self.archive, self.binaries())

    def refuse_others(self, advice: str) -> None:
        """Refuse what only the one process may do that uses the folder.

        Raises
        ------
        ClusterInUse
        """
        self._refuse_other_owner()
        self._refuse_other_users(advice)

    # -- the steps -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Keep every other process from making, starting or stopping the server inside the ``with`` block."""
        self._prepare_folder()
        with cluster_locks.exclusive_lock(self.data_dir / "change.lock"):
            yield

    def _prepare_folder(self) -> None:
        try:
            self.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
            (self.data_dir / "change.lock").touch(mode=0o600)
        except OSError as error:
            raise ClusterError(
                f"数据目录不可写。The data folder cannot be used: {error}. Name another one in WANGGE_DATA_DIR"
            ) from error

    def _start(self) -> None:
        if self.pid is not None:
            return
        self._init()
        if self.socket_reason:
            log.warning(self.socket_reason)
        if self._archive:
            (self.data_dir / ARCHIVE_FILE).write_text(self._archive)
        start_server(
            self.pgdata, self.socket_dir, self.binaries(), durable=self.durable, archive=self.archive
        )
        prepare_database(self.url)

    def _init(self) -> None:
        if not self.exists:
            make_server(self.pgdata, self.binaries(), durable=self.durable)

    def _stop(self) -> bool:
        self.pin(False)
        if self.pid is None:
            return False
        stop_server(self.pgdata, self.binaries())
        if self.socket_reason:
            shutil.rmtree(self.socket_dir, ignore_errors=True)
        return True

    def _refuse_other_owner(self) -> None:
        if self._owned is None and self.owner is not None:
            self._raise_in_use()

    def _refuse_other_users(self, advice: str) -> None:
        path = self.data_dir / "users.lock"
        alone = (
            cluster_locks.is_unlocked(path)
            if self._joined is None
            else cluster_locks.is_only_holder(self._joined)
        )
        if not alone:
            raise ClusterInUse(
                f"{self.data_dir}: 仍有进程在使用数据库。Other processes use the database: wait for them, {advice}"
            )

    def _raise_in_use(self) -> NoReturn:
        holder = cluster_locks.read_holder(self.data_dir / "owner.lock")
        pid = holder.get("pid", "?")
        raise ClusterInUse(
            f"{self.data_dir} 正由进程 {pid} 使用。It is served by process {pid}"
            f" ({holder.get('command', 'unknown')}): "
            f"stop it (Ctrl+C there, or `kill {pid}`), or name another folder in WANGGE_DATA_DIR"
        )


_joined: dict[Path, Cluster] = {}
_joining = threading.Lock()


def running_cluster(
    data_dir: str | os.PathLike[str], *, programs: Path | None = None, archive: str = ""
) -> Cluster:
    """Return the running cluster of the data folder, joined by this process until it ends."""
    key = Path(data_dir).absolute()
    with _joining:
        cluster = _joined.get(key)
        if cluster is None:
            cluster = Cluster(key, programs=programs, archive=archive)
            cluster.join()
            _joined[key] = cluster
            atexit.register(_leave_at_exit, cluster, os.getpid())
        elif cluster.pid is None:
            cluster.join()
    return cluster


def _leave_at_exit(cluster: Cluster, pid: int) -> None:
    if os.getpid() == pid:  # a forked child runs the same exit functions
        cluster.leave()


@contextlib.contextmanager
def owned_cluster(
    data_dir: str | os.PathLike[str], *, programs: Path | None = None, archive: str = ""
) -> Iterator[Cluster]:
    """Own the cluster of the data folder inside the ``with`` block, then stop it, also after SIGTERM.

    Raises
    ------
    ClusterInUse
        Another process serves the folder.
    """
    cluster = Cluster(data_dir, programs=programs, archive=archive)
    cluster.own()
    try:
        with _exit_on_signals(), cluster:
            yield cluster
    finally:
        cluster.disown()


@contextlib.contextmanager
def _exit_on_signals() -> Iterator[None]:
    """Turn SIGTERM into an ordinary exit, so that the server is stopped before the process ends."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
