"""Counters shared by all processes of a machine, in a mapped file with a lock for writing."""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path

_WORD = 8


class SharedCounters:
    """Array of 64-bit counters, 0 at first, that every process reads from shared memory.

    Each process opens the file for itself, after a fork. Reading takes no lock, because a counter is one
    aligned machine word. Writing does (``locked``, ``increment``), so that no increment is lost between
    threads and processes.

    Parameters
    ----------
    size : int
        Number of counters.
    path : Path or None
        File of the counters, made unless it exists; None: private to this process.
    mode : int
        Permissions of a new file, less the umask.

    Raises
    ------
    OSError
        The file cannot be opened for writing.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "count"
    >>> one, other = SharedCounters(1, path), SharedCounters(1, path)
    >>> one.increment(0)
    >>> one.words[0] == other.words[0] == 1
    True
    """

    def __init__(self, size: int, path: Path | None = None, *, mode: int = 0o600) -> None:
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        if path is not None:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
            weakref.finalize(self, os.close, self._descriptor)
            with self.locked():
                if os.fstat(self._descriptor).st_size < size * _WORD:
                    os.ftruncate(self._descriptor, size * _WORD)
        memory = mmap.mmap(-1 if self._descriptor is None else self._descriptor, size * _WORD)
        self.words = memoryview(memory).cast("Q")

    def increment(self, place: int) -> None:
        """Add one to a counter; two concurrent calls add two."""
        with self.locked():
            self.words[place] += 1

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads and processes from writing inside the ``with`` block."""
        with self._lock:
            if self._descriptor is None:
                yield
                return
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
