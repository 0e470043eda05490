"""What Prometheus reads: one registry a process, or the sum over all workers of one service."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where the workers of ``wangge serve --workers N`` keep their counts; read by the client library at its import."""


def exposition(registry: CollectorRegistry) -> bytes:
    """The text of ``/metrics``: of this process, or of all workers when they count together."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        return generate_latest(registry)
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)  # type: ignore[no-untyped-call]
    return generate_latest(together)
