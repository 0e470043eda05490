"""Restoration of a private cluster to a moment: a base backup, and the archived log played up to it."""

from __future__ import annotations

import datetime as dt
import shutil
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from layers.errors import ClusterError
from layers.postgres import libpq_url
from layers.private_server.processes import postmaster_pid, postmaster_status, server_log_tail
from layers.private_server.server import Cluster
from layers.private_server.settings import make_private_folder, server_user
from layers.private_server.start_stop import start_server, stop_server
from layers.private_server.wal_archive import BaseBackup, base_backups, own_by, restore_command

RECOVERY_TIMEOUT_S = 6 * 3600
ARCHIVED_S = 120
"""How long the last segment may take to come into the archive."""
TOO_SHORT = "before configured recovery target was reached"
"""PostgreSQL's words for a log that ends too early."""
Tell = Callable[[str], None]


def restore_to(
    cluster: Cluster, moment: dt.datetime, archive: Path, *, into: Path | None, tell: Tell
) -> Path | None:
    """Restore a cluster to a moment, in its place or into a new data folder, completely or not at all.

    Parameters
    ----------
    cluster : Cluster
        The cluster that writes the archive; it need not be able to start.
    moment : datetime
        What was committed until then is there afterwards.
    archive : Path
    into : Path or None
        New data folder, which archives nothing; None: the place of the present data, which is kept beside it.
    tell : callable
        Called with a sentence for each step.

    Returns
    -------
    Path or None
        Folder of the former data.

    Raises
    ------
    ClusterError
        No base backup is old enough, or the archive ends before the moment. The present data is untouched.
    ClusterInUse
        In place, while others use the cluster.
    """
    if moment > dt.datetime.now(dt.UTC):
        raise ClusterError(f"时间在将来。{moment.isoformat()} is in the future")
    base = _newest_before(archive, moment)
    tell(f"基础备份 base backup {base.folder.name}")
    if into is None:
        cluster.refuse_others("then restore")
    elif into.exists() and any(into.iterdir()):
        raise ClusterError(f"目录不为空。{into} is not empty: name a new folder")
    _archive_the_end(cluster, stop=into is None, tell=tell)
    target = cluster if into is None else Cluster(into, durable=cluster.durable, programs=cluster.programs)
    staged = target.pgdata.with_name("postgres.restoring")
    with target.changing():
        try:
            _unpack(base, staged, tell)
            if into is None and cluster.exists:
                _add_log(cluster.pgdata / "pg_wal", staged / "pg_wal", archive)
            _recover(target, staged, moment, archive, tell)
            return _swap(target, staged, tell)
        finally:
            if postmaster_pid(staged) is not None:
                stop_server(staged, target.binaries())
            shutil.rmtree(staged, ignore_errors=True)


def _newest_before(archive: Path, moment: dt.datetime) -> BaseBackup:
    known = base_backups(archive)
    fitting = [backup for backup in known if backup.finished_at <= moment]
    if not fitting:
        oldest = f"{known[0].finished_at.isoformat()}" if known else "none"
        raise ClusterError(
            f"该时间之前没有基础备份。No base backup in {archive} is older than {moment.isoformat()} (the oldest:"
            f" {oldest})"
        )
    return fitting[-1]


def _archive_the_end(cluster: Cluster, *, stop: bool, tell: Tell) -> None:
    """Bring what the server has written so far into the archive, and stop it when it is to be replaced.

    A commit later than every moment that may be asked for lets the recovery find its end.
    """
    if cluster.pid is None:
        return
    with psycopg.connect(libpq_url(cluster.url, "postgres"), autocommit=True) as server:
        server.execute("SELECT pg_current_xact_id()")
        row = server.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    if stop:
        tell("停止数据库 stop the database")
        cluster.stop()
    elif row is not None:
        _wait_until_archived(cluster, str(row[0]))


def _wait_until_archived(cluster: Cluster, segment: str) -> None:
    """Wait for a segment; whether it ever comes, the server's own time-out of archiving decides."""
    deadline = time.monotonic() + ARCHIVED_S
    with psycopg.connect(libpq_url(cluster.url, "postgres"), autocommit=True) as server:
        while time.monotonic() < deadline:
            row = server.execute("SELECT last_archived_wal FROM pg_stat_archiver").fetchone()
            if row is not None and row[0] is not None and row[0][8:24] >= segment[8:24]:
                return
            time.sleep(0.2)
    raise ClusterError(
        f"归档没有进展。The archive does not move: segment {segment} did not come within {ARCHIVED_S} s"
    )


def _unpack(base: BaseBackup, staged: Path, tell: Tell) -> None:
    tell(f"解压 unpack → {staged}")
    if staged.exists():
        shutil.rmtree(staged)
    user = server_user()
    make_private_folder(staged, user)
    with tarfile.open(base.folder / "base.tar.gz") as tar:
        tar.extractall(staged, filter="data")
    own_by(user, staged)
    staged.chmod(0o700)


def _add_log(source: Path, target: Path, archive: Path) -> None:
    """Add the newest segments, which the former server had not archived yet."""
    for path in source.glob("[0-9A-F]" * 24) if source.is_dir() else ():
        if not (archive / path.name).exists() and not (target / path.name).exists():
            shutil.copy2(path, target / path.name)
    own_by(server_user(), target)


def _recover(target: Cluster, staged: Path, moment: dt.datetime, archive: Path, tell: Tell) -> None:
    """Play the log up to the moment; the server is down again afterwards."""
    tell(f"重放日志至 play the log up to {moment.isoformat()}")
    settings = {
        "restore_command": restore_command(archive),
        "recovery_target_time": moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00"),
        "recovery_target_action": "promote",
        "recovery_target_timeline": "latest",
        "hot_standby": "off",  # it answers when it has arrived, not before
    }
    (staged / "recovery.signal").touch()
    own_by(server_user(), staged / "recovery.signal")
    try:
        start_server(
            staged,
            target.socket_dir,
            target.binaries(),
            durable=target.durable,
            archive=target.archive,
            more=settings,
        )
        _wait_until_recovered(staged)
    except ClusterError as error:
        why = f"Not restored, the present data is untouched:\n{error}"
        if TOO_SHORT in str(error):
            why = f"The archive ends before {moment.isoformat()}; the present data is untouched"
        raise ClusterError(f"恢复失败，现有数据未变。{why}") from error
    stop_server(staged, target.binaries())


def _wait_until_recovered(staged: Path) -> None:
    """Wait while the server plays the log; it ends by itself when the log ends before the moment."""
    deadline = time.monotonic() + RECOVERY_TIMEOUT_S
    while postmaster_status(staged) != "ready":
        if postmaster_pid(staged) is None:
            raise ClusterError(server_log_tail(staged.parent / "log"))
        if time.monotonic() > deadline:
            raise ClusterError(f"重放日志超时。The log was not played within {RECOVERY_TIMEOUT_S} s")
        time.sleep(0.2)


def _swap(target: Cluster, staged: Path, tell: Tell) -> Path | None:
    former = None
    if target.exists:
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%SZ")
        former = target.pgdata.with_name(f"postgres.before-{stamp}")
        target.pgdata.rename(former)
        tell(f"原数据保留在 the former data is kept in {former}")
    staged.rename(target.pgdata)
    tell(f"数据就位 the restored data is in {target.pgdata}")
    return former
