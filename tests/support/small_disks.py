"""A small disk for a test: a tmpfs where it may be mounted, which takes root."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

MIB = 2**20


@contextlib.contextmanager
def small_disk(place: Path, size_mib: int) -> Iterator[bool]:
    """Mount a tmpfs of that size on a folder; False: this account or container may not."""
    place.mkdir(mode=0o711, parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0711", "tmpfs", str(place)]
    mounted = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:  # lazily: a server that a failed test left behind is no reason to keep it
            subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, leave_bytes: int) -> Path:
    """Fill a disk with one file until so much is left: the file."""
    ballast = place / "ballast"
    with ballast.open("ab") as file:
        while (left := free_bytes(place) - leave_bytes) > 0:
            try:
                file.write(b"\0" * min(left, MIB))
                file.flush()
            except OSError:
                break
    return ballast


def free_bytes(place: Path) -> int:
    """Free bytes of a disk."""
    space = os.statvfs(place)
    return space.f_bavail * space.f_frsize
