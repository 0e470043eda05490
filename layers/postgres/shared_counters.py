"""Counters that all processes of a machine share: numbers in a mapped file, raised under a lock on the file."""

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
    """So many 64-bit numbers, all 0 at first, that every process reads in its memory without asking anyone.

    Each process opens the file for itself, after a fork. Reading takes no lock: a number is one aligned machine word.
    Writing does (``locked``, ``raise_one``), so that no step is lost between threads and processes.

    Parameters
    ----------
    size : int
        How many numbers.
    path : Path or None
        Their file, made when it is not there; None: private to this process.
    mode : int
        Permissions of a file that is made, less the umask.

    Raises
    ------
    OSError
        The file cannot be opened for writing.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "count"
    >>> one, other = SharedCounters(1, path), SharedCounters(1, path)
    >>> one.raise_one(0)
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

    def raise_one(self, place: int) -> None:
        """Add one to the number at that place; two processes that do it at once add two."""
        with self.locked():
            self.words[place] += 1

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other threads and processes from writing for the time being."""
        with self._lock:
            if self._descriptor is None:
                yield
                return
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)
