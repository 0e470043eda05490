"""Batches of rows from outside: their source, the rows that they replaced, and their undo."""

from __future__ import annotations

from layers.batches.dependants import Dependant
from layers.batches.differences import BatchDifferences, ChangedShape, differences_of_batch
from layers.batches.lineage import StandingRows, rows_of_batch
from layers.batches.registry import (
    BatchOrigin,
    batch_of_day,
    begin_batch,
    find_same_file,
    finish_batch,
    newest_batches,
    next_batch_id,
    read_batch,
    record_failure,
    record_post,
    write_as_batch,
)
from layers.batches.undo import undo_batch

__all__ = [
    "BatchDifferences",
    "BatchOrigin",
    "ChangedShape",
    "Dependant",
    "StandingRows",
    "batch_of_day",
    "begin_batch",
    "differences_of_batch",
    "find_same_file",
    "finish_batch",
    "newest_batches",
    "next_batch_id",
    "read_batch",
    "record_failure",
    "record_post",
    "rows_of_batch",
    "undo_batch",
    "write_as_batch",
]
