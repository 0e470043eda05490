"""Free space on the disk of the data folder, with the two limits below which something is done."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

log = logging.getLogger("layers.private_server")
MIB = 2**20
REMEMBERED_S = 1.0
REPEATED_S = 600.0
"""A warning that goes unheard is said again after this time."""


class DiskSpace:
    """Free space of a folder's disk.

    Parameters
    ----------
    folder : Path
        It need not exist yet: then it is the disk where it would be made.
    warning_mib : int
        With less, the log warns; 0: never.
    reserve_mib : int
        With less, nothing more shall be written; 0: never.
    """

    def __init__(self, folder: Path, *, warning_mib: int, reserve_mib: int) -> None:
        self.folder = folder
        self.warning_mib = warning_mib
        self.reserve_mib = reserve_mib
        self._seen: tuple[float, int] = (float("-inf"), 0)
        self._told_at = float("-inf")
        self._told = ""

    def free_bytes(self) -> int:
        """Return the bytes that an ordinary account may still write; asked at most once a second."""
        at, found = self._seen
        if (now := time.monotonic()) > at + REMEMBERED_S:
            place = next(folder for folder in (self.folder, *self.folder.parents) if folder.is_dir())
            space = os.statvfs(place)
            found = space.f_bavail * space.f_frsize
            self._seen = (now, found)
        return found

    @property
    def is_low(self) -> bool:
        """Whether less than the warning's limit is free."""
        return self.free_bytes() < self.warning_mib * MIB

    @property
    def is_spent(self) -> bool:
        """Whether only the reserve is left."""
        return self.free_bytes() < self.reserve_mib * MIB

    def tell(self) -> None:
        """Write a warning into the log while space is low.

        At once when it becomes so, then every ten minutes.
        """
        state = "spent" if self.is_spent else "low" if self.is_low else ""
        now = time.monotonic()
        if state == self._told and (not state or now < self._told_at + REPEATED_S):
            return
        self._told, self._told_at = state, now
        free_mib = self.free_bytes() // MIB
        if not state:
            log.warning("the disk of %s has room again: %d MiB", self.folder, free_mib)
        else:
            log.warning(
                "the disk of %s is %s: %d MiB free (warning below %d, writes are refused below %d)",
                self.folder,
                "nearly full" if state == "low" else "full up to its reserve",
                free_mib,
                self.warning_mib,
                self.reserve_mib,
            )
