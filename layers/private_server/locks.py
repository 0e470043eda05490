"""Locks of a data folder: three files with ``flock``, which the kernel releases even after kill -9.

``change.lock``
    Exclusive while the server is made, started or stopped.
``users.lock``
    Shared by every process that uses the cluster; the last one to release it stops the server.
``owner.lock``
    Exclusive for the one process that serves the folder; its text names the process.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def _open(path: Path) -> int:
    # 0600: every account that can open the file could keep the lock for ever.
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def exclusive_lock(path: Path) -> Iterator[None]:
    """Wait for an exclusive lock on a file and keep it inside the ``with`` block."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Take a lock without waiting; return its file descriptor, or None."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_unlocked(path: Path) -> bool:
    """Return whether no process has the lock."""
    if not path.exists():
        return True
    descriptor = try_lock(path)
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def is_only_holder(descriptor: int) -> bool:
    """Return whether no other process has a shared lock on the file of this shared lock."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        alone = False
    else:
        alone = True
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # a failed conversion has dropped the shared lock too
    return alone


def write_holder(descriptor: int) -> None:
    """Write pid, start time and command of this process into the locked file."""
    text = json.dumps({"pid": os.getpid(), "since": time.time(), "command": " ".join(sys.argv)[:300]})
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def read_holder(path: Path) -> dict[str, Any]:
    """Return the content written by :func:`write_holder`; empty when it cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
