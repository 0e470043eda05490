"""Tables without rows of their own for each caller: open to every reader, or closed to all of them.

Every other table has a policy in ``layers/schema/access.sql``; ``tests/layers/test_table_access.py`` checks
all three.
"""

from __future__ import annotations

from collections.abc import Mapping

from layers.tables.batches import HISTORY_TABLES

PUBLIC_TABLES: Mapping[str, str] = {
    "alert_kinds": "names and domains of kinds of alerts: says nothing of any place",
    "area_successions": "which area followed which: areas are public",
    "areas": "borders and codes of administrative areas and grids",
    "bodies": "the register of bodies (主体) is published by law",
    "buildings": "outlines of buildings name no person",
    "calendar_days": "working days are published by the State Council",
    "duty_items": "the duty list (权责清单) is published by law",
    "enterprises": "the register of enterprises is public",
    "fences": "where vehicles must not be: drivers have to know",
    "grid_households": "numbers of households of unit grids name no person",
    "matters": "matters and their time limits are published by law",
    "model_runs": "when which model ran; the API shows its counts to who sees the whole city only",
    "pinyin_readings": "readings of characters and words, from a dictionary",
    "place_grams": "counts of parts of public names",
    "place_names": "names of areas, roads, waterways and public enterprises",
    "place_sources": "when the names of places were made",
    "places": "car parks, service areas and the like; written inside the own areas only, by policies",
    "roads": "roads are public",
    "sites": "locations of public enterprises; those without place are read, and all are written, by policies",
    "sites_cells": "counts of public sites",
    "waterways": "waterways are public",
}
"""Tables whose rows everybody reads, with the reason."""

CLOSED_TABLES: Mapping[str, str] = {
    "alembic_version": "read by the service itself",
    "api_keys": "hashes of keys",
    "chain_entries": "hashes of the events of all cases, whoever may see them",
    "chain_heads": "proof over all cases; the service verifies it",
    "layer_changes": "the log of changes; the service tells each caller its own part",
    "login_sessions": "hashes of tokens",
    "outbox": "what happened in every area; the service sends each webhook its own part",
    "recovery_codes": "hashes of codes",
    "row_changes": "ids of rows of every area; the service tells each caller its own part",
    "schema_in_force": "read by the service itself",
    "second_factors": "encrypted secrets",
    "snapshots": "hashes of rows of every area; a replay alone reads them",
    "track_days": "what the tracks were made from; needed by the job alone",
    "users": "hashes of passwords",
    "webhook_deliveries": "the service shows each account its own",
    "webhooks": "encrypted secrets; the service shows each account its own",
    **dict.fromkeys(
        (table.name for table in HISTORY_TABLES.values()),
        "rows that a batch replaced; an undo alone reads them",
    ),
}
"""Tables that no caller reads or writes, with the reason.

Those of the queue (``procrastinate_…``) are closed, too.
"""
