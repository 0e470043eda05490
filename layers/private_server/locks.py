"""Who uses a data folder: three files with ``flock``, which the kernel releases even after kill -9.

``change.lock``
    Held for the moment of making, starting or stopping.
``users.lock``
    Shared by every process that uses the cluster; who leaves last stops it.
``owner.lock``
    Held by the one process that serves the folder; its text says who.
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
    # 0600: whoever may open the file could hold the lock for ever.
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold an exclusive lock, waiting for it."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def try_lock(path: Path, *, shared: bool = False) -> int | None:
    """Take a lock without waiting: the descriptor that holds it, or None."""
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock."""
    if not path.exists():
        return True
    descriptor = try_lock(path)
    if descriptor is None:
        return False
    os.close(descriptor)
    return True


def is_only_holder(descriptor: int) -> bool:
    """Whether no other process shares a lock that is held shared."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        alone = False
    else:
        alone = True
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # a failed conversion has dropped the shared lock too
    return alone


def write_holder(descriptor: int) -> None:
    """Say in the locked file who holds it."""
    text = json.dumps({"pid": os.getpid(), "since": time.time(), "command": " ".join(sys.argv)[:300]})
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def read_holder(path: Path) -> dict[str, Any]:
    """What :func:`write_holder` wrote; empty when it cannot be read."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
