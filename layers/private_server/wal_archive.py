"""Archive of the private server's write-ahead log, with base backups.

What a restoration to a moment starts from.

::

    ARCHIVE/0000000100000000000000A7     segments of the log, written by PostgreSQL itself
    ARCHIVE/base/20261128T093000Z/       one base backup: base.tar.gz, backup_manifest, wangge.json
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg

from layers.errors import ClusterError
from layers.postgres import libpq_url
from layers.private_server.binaries import Binaries
from layers.private_server.processes import run_program
from layers.private_server.settings import ServerUser, make_private_folder, server_user

ARCHIVE_TIMEOUT_S = 60
"""After this time a segment that is not full is archived too: so much can be lost with the disk."""
BACKUP_TIMEOUT_S = 6 * 3600.0
FACTS = "wangge.json"
_SEGMENT = re.compile(r"[0-9A-F]{24}")
_REPLICATION = "local replication wangge peer map=wangge"


@dataclass(frozen=True)
class BaseBackup:
    """One base backup.

    Attributes
    ----------
    folder : Path
    finished_at : datetime
        The earliest moment to which it can be restored.
    first_segment : str
        Segment of the log that a restoration needs first.
    """

    folder: Path
    finished_at: dt.datetime
    first_segment: str


@dataclass(frozen=True)
class ArchiveState:
    """State of the archive in the words of the server.

    Attributes
    ----------
    is_on : bool
        Whether the running server archives into the folder.
    failing_since : datetime or None
        The last failure, when no segment was archived after it.
    waiting : int
        Segments that are not archived yet.
    waiting_since : datetime or None
        Since when the oldest of them waits.
    """

    is_on: bool
    failing_since: dt.datetime | None
    waiting: int
    waiting_since: dt.datetime | None


def archive_settings(archive: Path) -> dict[str, str]:
    """Return the server's settings that write the log into an archive.

    A segment is complete and on the disk before it gets its name; one that is there with the same content is
    done.

    Examples
    --------
    >>> print(archive_settings(Path("/var/a b%"))["archive_command"])
    cmp -s "%p" '/var/a b%%'/"%f" || { test ! -e '/var/a b%%'/"%f" && cp "%p" '/var/a b%%'/".%f.part" && sync '/var/a b%%'/".%f.part" && mv '/var/a b%%'/".%f.part" '/var/a b%%'/"%f"; }
    """
    folder = shlex.quote(str(archive)).replace("%", "%%")
    done, part = f'{folder}/"%f"', f'{folder}/".%f.part"'
    command = (
        f'cmp -s "%p" {done} || {{ test ! -e {done} && cp "%p" {part} && sync {part} && mv {part} {done}; }}'
    )
    return {
        "archive_mode": "on",
        "archive_command": command,
        "archive_timeout": f"{ARCHIVE_TIMEOUT_S}s",
    }


def restore_command(archive: Path) -> str:
    """Return the command by which the server fetches a segment of an archive."""
    folder = shlex.quote(str(archive)).replace("%", "%%")
    return f'cp {folder}/"%f" "%p"'


def make_archive(archive: Path, user: ServerUser) -> None:
    """Make the folders of an archive, which only the server's account may enter.

    Raises
    ------
    ClusterError
        The folder is a link, or belongs to another account.
    """
    try:
        for folder in (archive, archive / "base"):
            make_private_folder(folder, user)
    except OSError as error:
        raise ClusterError(f"归档目录不可用。The archive cannot be used: {error}") from error


def allow_base_backups(pgdata: Path) -> None:
    """Let the server's account and root copy the server's files.

    Read by the server at its start or reload.
    """
    access = pgdata / "pg_hba.conf"
    text = access.read_text()
    if _REPLICATION not in text:
        access.write_text(f"{text.rstrip()}\n{_REPLICATION}\n")


def base_backups(archive: Path) -> list[BaseBackup]:
    """Return the complete base backups of an archive, oldest first."""
    found = []
    for facts in (archive / "base").glob(f"*/{FACTS}"):
        known = json.loads(facts.read_text())
        finished_at = dt.datetime.fromisoformat(known["finished_at"])
        found.append(BaseBackup(facts.parent, finished_at, known["first_segment"]))
    return sorted(found, key=lambda backup: backup.finished_at)


def make_base_backup(url: str, pgdata: Path, archive: Path, binaries: Binaries) -> BaseBackup:
    """Copy the files of a running server into its archive, completely or not at all.

    Parameters
    ----------
    url : str
        SQLAlchemy URL.
    pgdata, archive : Path
    binaries : Binaries

    Raises
    ------
    ClusterError
        It does not archive, or ``pg_basebackup`` failed.
    """
    user = server_user()
    allow_base_backups(pgdata)
    with psycopg.connect(libpq_url(url), autocommit=True) as server:
        server.execute("SELECT pg_reload_conf()")
        if not archive_state(url, archive).is_on:
            raise ClusterError(
                f"数据库未归档到 {archive}。The server does not archive into {archive}: set WANGGE_WAL_ARCHIVE and"
                " start it anew"
            )
        name = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%fZ")
        part, done = archive / "base" / f".{name}.part", archive / "base" / name
        host = psycopg.conninfo.conninfo_to_dict(libpq_url(url))
        arguments = [
            *(f"--pgdata={part}", "--format=tar", "--gzip", "--compress=1", "--wal-method=fetch"),
            *("--checkpoint=fast", "--no-password", "--username=wangge"),
            *(f"--host={host['host']}", f"--port={host['port']}"),
        ]
        program = binaries.program("pg_basebackup")
        try:
            run_program(program, *arguments, user=user, cwd=archive, timeout_s=BACKUP_TIMEOUT_S)
            (finished_at,) = server.execute("SELECT clock_timestamp()").fetchone() or (None,)
            assert isinstance(finished_at, dt.datetime)
            facts = {"finished_at": finished_at.isoformat(), "first_segment": _first_segment(part)}
            (part / FACTS).write_text(json.dumps(facts))
            part.rename(done)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return BaseBackup(done, finished_at, str(facts["first_segment"]))


def _first_segment(folder: Path) -> str:
    (needed, *_) = json.loads((folder / "backup_manifest").read_text())["WAL-Ranges"]
    high, low = (int(part, 16) for part in needed["Start-LSN"].split("/"))
    return f"{needed['Timeline']:08X}{high:08X}{low >> 24:08X}"


def remove_old_backups(archive: Path, keep: int) -> tuple[int, int]:
    """Remove base backups but the newest, and the segments that none of those needs: the numbers of both."""
    known = base_backups(archive)
    old, kept = known[:-keep], known[-keep:]
    for backup in old:
        shutil.rmtree(backup.folder)
    segments = 0
    for path in archive.iterdir() if kept else ():
        # The first eight digits are the timeline: of an older one too, only what lies before is not needed.
        if _SEGMENT.fullmatch(path.name) and path.name[8:] < kept[0].first_segment[8:]:
            path.unlink()
            segments += 1
    return len(old), segments


_STATE = """
SELECT current_setting('archive_mode'), current_setting('archive_command'), last_failed_time, last_archived_time,
       waiting.n, waiting.since
FROM pg_stat_archiver, (SELECT count(*) AS n, min(modification) AS since FROM pg_ls_archive_statusdir()
                        WHERE name LIKE '%.ready') waiting
"""


def archive_state(url: str, archive: Path) -> ArchiveState:
    """Return what the running server says of its archive."""
    with psycopg.connect(libpq_url(url), autocommit=True) as server:
        row = server.execute(_STATE).fetchone()
    assert row is not None
    mode, command, failed_at, archived_at, waiting, since = row
    wanted: Mapping[str, str] = archive_settings(archive)
    failing = failed_at if failed_at and (archived_at is None or failed_at > archived_at) else None
    return ArchiveState(mode == "on" and command == wanted["archive_command"], failing, int(waiting), since)


def own_by(user: ServerUser, folder: Path) -> None:
    """Give a folder with all that is in it to the server's account; only root has to."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.uid, user.gid, follow_symlinks=False)
