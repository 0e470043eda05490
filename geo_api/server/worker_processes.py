"""Processes that serve together: what the process that starts them hands over, and where they count together.

Settings and places of shared files go to a worker as arguments (pickled). One thing goes through the
environment, because the metrics library reads it there at its import: the folder of its counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from geo_api.http.settings import Settings
from geo_api.http.start_up import without_collection

if TYPE_CHECKING:
    from fastapi import FastAPI

METRICS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where the processes of a service keep their counts; read by the client library at its import."""


@dataclass(frozen=True)
class SharedPlaces:
    """Files and counters that the processes of one service share.

    Attributes
    ----------
    parent : int
        Process that started them, and with which they end.
    tile_versions : Path
        File of the version counters of tiles.
    """

    parent: int
    tile_versions: Path


@dataclass(frozen=True)
class AppFactory:
    """Makes the application in the process that is to serve it."""

    settings: Settings
    shared: SharedPlaces | None

    def __call__(self) -> FastAPI:
        """Return the application."""
        with without_collection():
            from geo_api.server.app import create_app

            return create_app(self.settings, self.shared)


@contextlib.contextmanager
def shared_places(workers: int) -> Iterator[SharedPlaces | None]:
    """Share files and counters between processes while the block lasts; a single process shares nothing."""
    if workers == 1:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="wangge-metrics-") as folder:
        before = os.environ.get(METRICS_VARIABLE)
        os.environ[METRICS_VARIABLE] = folder
        try:
            yield SharedPlaces(os.getpid(), Path(folder) / "tile_versions")
        finally:
            if before is None:
                os.environ.pop(METRICS_VARIABLE, None)
            else:
                os.environ[METRICS_VARIABLE] = before


def metrics_folder() -> str | None:
    """Return the folder of the metrics of this service's processes; None if there is only one."""
    return os.environ.get(METRICS_VARIABLE) or None


async def end_with_parent(parent: int) -> None:
    """End this process when the one that started it is gone: nobody else would."""
    while os.getppid() == parent:
        await asyncio.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
