"""Deliveries of sources: runs, what was delivered, what is held, and the lineage of figures back to it."""

from __future__ import annotations

from layers.deliveries.lineage import Origin, origins_of_alert, origins_of_row, row_keys
from layers.deliveries.registry import (
    FoundContent,
    accepted_rows,
    add_delivery,
    batch_of_delivery,
    begin_run,
    count_held,
    decide,
    deliveries_of,
    end_run,
    first_seen,
    is_being_read,
    is_known,
    lock_of,
    newest_accepted,
    newest_run,
    read_delivery,
    same_content,
    set_delivery,
    state_of,
    store_state,
    unsettled,
)
from layers.deliveries.table_pages import fetch_rows

__all__ = [
    "FoundContent",
    "Origin",
    "accepted_rows",
    "add_delivery",
    "batch_of_delivery",
    "begin_run",
    "count_held",
    "decide",
    "deliveries_of",
    "end_run",
    "fetch_rows",
    "first_seen",
    "is_being_read",
    "is_known",
    "lock_of",
    "newest_accepted",
    "newest_run",
    "origins_of_alert",
    "origins_of_row",
    "read_delivery",
    "row_keys",
    "same_content",
    "set_delivery",
    "state_of",
    "store_state",
    "unsettled",
]
