"""Lineage of a row: its batch, delivery and run, and the rows of the delivered file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from geo_api.sources.configured import SourcesSetup
from geo_api.sources.documents import lineage_document
from geo_api.sources.file_rows import rows_in_file
from layers.batches import rows_of_batch
from layers.deliveries import Origin, origins_of_row, read_delivery
from layers.errors import InputError, NotFound
from layers.tables import Batch


def read_key(pairs: Sequence[str]) -> dict[str, str]:
    """Return the key of a row from ``column:value`` texts.

    Examples
    --------
    >>> read_key(["site_id:S-1", "day:2026-01-05"])
    {'site_id': 'S-1', 'day': '2026-01-05'}
    """
    found = {}
    for pair in pairs:
        name, colon, value = pair.partition(":")
        if not colon or not name:
            raise InputError(f"key: {pair[:80]!r} is not column:value 应写作 列:值")
        found[name] = value
    return found


def lineage_of_row(
    db: Session, setup: SourcesSetup, table: str, key: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the lineage of a row, down to the rows of the file that a source delivered."""
    documents = lineage_document(db, origins_of_row(db, table, key))
    for document in documents:
        if document["delivery"] is not None:
            try:
                source = setup.source(document["delivery"]["source"])
            except NotFound:  # the city file names it no more
                continue
            delivery = read_delivery(db, document["delivery"]["id"])
            document["file_rows"] = rows_in_file(setup, source, delivery, key)
    return documents


def lineage_of_batch(db: Session, batch: Batch) -> list[dict[str, Any]]:
    """Return the lineage of an import: each of its tables."""
    delivery = batch.options.get("delivery")
    origins = [Origin(rows.table, batch.id, rows.standing, delivery) for rows in rows_of_batch(db, batch)]
    return lineage_document(db, origins)
