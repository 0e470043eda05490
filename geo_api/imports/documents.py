"""A batch as the API and the command line show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from layers.batches import StandingRows
from layers.tables import Batch

FIELDS = (
    "id",
    "kind",
    "source",
    "actor",
    "api_key",
    "file_name",
    "sha256",
    "options",
    "received_at",
    "counts",
    "state",
    "reason",
    "notes",
    "undone_at",
    "undone_by",
)


def batch_document(batch: Batch, rows: Iterable[StandingRows] | None = None) -> dict[str, Any]:
    """One batch, with what stands of it table by table when that was asked for."""
    document = {name: getattr(batch, name) for name in FIELDS}
    return document if rows is None else document | {"rows": [asdict(row) for row in rows]}
