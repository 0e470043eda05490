"""Journal of a process: rows of the access log that the database does not hold yet, in a file.

A row is in the file before its answer is sent, so that a process that is killed loses nothing that was answered. What a
process left behind is written to the database by the next one that starts.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger("geo_api.access")
AccessRow = dict[str, Any]
ENDING = ".jsonl"
MOST_BYTES = 4 * 2**20
"""Size above which the rows that wait are put into a new file."""


class CallJournal:
    """File of one process, held by a lock as long as the process lives.

    Without a folder, or where it cannot be written, rows are kept in the memory of the process only; that is told.

    Parameters
    ----------
    folder : Path or None
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._path: Path | None = None
        self._descriptor: int | None = None
        self._size = 0

    def open(self) -> None:
        """Begin an empty file."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._folder / f"{os.getpid()}-{secrets.token_hex(4)}{ENDING}"
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_WRONLY, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            log.warning("access_log_without_journal", folder=str(self._folder), error=str(error))
            return
        self._path, self._descriptor, self._size = path, descriptor, 0

    def add(self, row: AccessRow) -> None:
        """Add a row at the end of the file."""
        if self._descriptor is None:
            return
        line = json.dumps(row, default=_as_text, separators=(",", ":")).encode() + b"\n"
        try:
            self._size += os.write(self._descriptor, line)
        except OSError as error:
            log.warning("access_log_without_journal", folder=str(self._folder), error=str(error))

    def written(self, waiting: Iterable[AccessRow]) -> None:
        """Forget the rows that the database holds now; those that wait stay in the file."""
        waiting = list(waiting)
        if self._descriptor is None or (waiting and self._size < MOST_BYTES):
            return
        if not waiting:
            os.ftruncate(self._descriptor, 0)
            self._size = 0
            return
        before, path = self._descriptor, self._path
        self.open()
        for row in waiting:
            self.add(row)
        _remove(before, path)

    def close(self) -> None:
        """Remove the file: what it holds is written, or was told as lost."""
        if self._descriptor is not None:
            _remove(self._descriptor, self._path)
        self._path = self._descriptor = None


def _remove(descriptor: int, path: Path | None) -> None:
    if path is not None:
        path.unlink(missing_ok=True)
    os.close(descriptor)


def journals_left_behind(folder: Path | None) -> Iterator[tuple[Path, list[AccessRow]]]:
    """Yield the journals of processes that ended without closing them, with their rows; each is locked meanwhile."""
    for path in sorted(folder.glob(f"*{ENDING}")) if folder is not None and folder.is_dir() else ():
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # its process lives
            os.close(descriptor)
            continue
        try:
            yield path, [row for line in path.read_bytes().splitlines() if (row := _row(line)) is not None]
        finally:
            os.close(descriptor)


def _row(line: bytes) -> AccessRow | None:
    """Return the row of a line; None: it was being written when the process ended, before its answer."""
    try:
        row: AccessRow = json.loads(line)
        row["at"] = dt.datetime.fromisoformat(row["at"])
    except (ValueError, TypeError, KeyError):
        return None
    return row


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)
