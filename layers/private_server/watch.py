"""Watch over the private server while a service needs it: a server that is gone is started again."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from layers.errors import LayerError
from layers.private_server.disk_space import DiskSpace
from layers.private_server.processes import postmaster_status
from layers.private_server.server import Cluster

log = logging.getLogger("layers.private_server")
LOOK_S = 0.5
"""Time between two looks at the server's process."""
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
"""A server that ran for so long is healthy: the next start does not wait."""
STOPPING_S = 10.0
"""A server that somebody told to stop waits for its sessions, and those of a service never end."""
MOST_FAILED_STARTS = 8
"""With the pauses between them about two minutes."""


def pause_s(starts: int, longest_s: float = LONGEST_PAUSE_S) -> float:
    """Return the pause before the next start, after so many starts in a row.

    Examples
    --------
    >>> [pause_s(starts) for starts in (0, 1, 2, 5, 20)]
    [0.0, 1.0, 2.0, 16.0, 30.0]
    >>> [pause_s(starts, longest_s=3.0) for starts in (0, 1, 2, 5)]
    [0.0, 1.0, 2.0, 3.0]
    """
    return min(longest_s, 2.0 ** min(starts - 1, 10)) if starts else 0.0


class ServerWatch:
    """Starts the server of a cluster again while the ``with`` block lasts.

    The process that watches has joined the cluster. It never starts a server beside another one: a process
    that still works on the data, or shuts down, is waited for, and the start itself is under the change lock
    of the data folder.

    Parameters
    ----------
    cluster : Cluster
    give_up : callable
        Called once from the watching thread, when the last start allowed has failed.
    disk : DiskSpace, optional
        Its warnings are written while this watch lasts.
    most_failures : int
        Starts that may fail in a row.
    longest_pause_s : float
        Longest pause before a start.

    Attributes
    ----------
    gave_up : bool
    """

    def __init__(
        self,
        cluster: Cluster,
        give_up: Callable[[], None],
        *,
        disk: DiskSpace | None = None,
        most_failures: int = MOST_FAILED_STARTS,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        self.gave_up = False
        self._cluster = cluster
        self._give_up = give_up
        self._disk = disk
        self._most_failures = most_failures
        self._longest_pause_s = longest_pause_s
        self._failures = 0
        self._starts = 0
        self._started_at = time.monotonic()
        self._stopping_since: float | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="server-watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self.gave_up and not self._ending.wait(LOOK_S):
            try:
                if self._disk is not None:
                    self._disk.tell()
                self._look()
            except (LayerError, OSError) as error:
                self._failed(error)

    def _look(self) -> None:
        now = time.monotonic()
        if self._cluster.pid is None:
            self._stopping_since = None
            if now >= self._started_at + pause_s(self._starts, self._longest_pause_s):
                self._start()
            return
        if self._starts and now > self._started_at + STEADY_S:
            self._starts = self._failures = 0
        if postmaster_status(self._cluster.pgdata) != "stopping":
            self._stopping_since = None
        elif self._stopping_since is None:
            self._stopping_since = now
        elif now > self._stopping_since + STOPPING_S:
            log.warning("the private database was told to stop and waits for its sessions: they are ended")
            self._cluster.finish_stop()

    def _start(self) -> None:
        log.warning("the private database is gone: it is started again")
        self._starts += 1
        try:
            self._cluster.join()
        finally:
            self._started_at = time.monotonic()
        self._failures = 0
        log.warning("the private database runs again, pid %s", self._cluster.pid)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        log.error(
            "the private database did not start, %d of %d tries: %s",
            self._failures,
            self._most_failures,
            error,
        )
        if self._failures >= self._most_failures:
            self.gave_up = True
            self._give_up()
