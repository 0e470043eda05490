"""Rows of a batch: the tables that each kind writes, and the conditions that find its rows."""

from __future__ import annotations

from layers.tables import HISTORY_TABLES, Base, Batch

TABLES_OF = {
    "areas": ("areas", "area_successions"),
    "enterprises": ("enterprises",),
    "sites": ("sites",),
    "site_places": ("sites",),
    "vehicles": ("vehicles",),
    "tracks": ("fixes", "vehicles"),
    "meters": ("meter_readings",),
    "places": ("places",),
    "fences": ("fences",),
    "notices": ("notices",),
    "licences": ("licences",),
    "calendar": ("calendar_days",),
    "duties": ("duty_items", "bodies", "matters"),
    "bodies": ("bodies",),
    "officers": ("officers",),
    "matters": ("matters",),
    "grid_workers": ("grid_workers",),
    "grid_households": ("grid_households",),
    "roads": ("roads",),
    "waterways": ("waterways",),
    "buildings": ("buildings",),
}
"""Tables that a kind of batch writes."""


def tables_of(batch: Batch) -> tuple[str, ...]:
    """Return the tables in which rows of a batch can stand."""
    return TABLES_OF[batch.kind]


def replacing_tables(batch: Batch) -> list[str]:
    """Return the tables in which a batch may have replaced rows."""
    return [name for name in tables_of(batch) if name in HISTORY_TABLES]


def stored_columns(table: str) -> list[str]:
    """Return the columns of a table that are written, not generated."""
    return [column.name for column in Base.metadata.tables[table].columns if column.computed is None]


def same_key(table: str, one: str, other: str) -> str:
    """Return the condition that two aliases name the same row of a table."""
    key = [column.name for column in Base.metadata.tables[table].primary_key]
    return " AND ".join(f"{one}.{name} = {other}.{name}" for name in key)


def inserted(table: str, alias: str) -> str:
    """Return the condition on a row that the batch ``:batch`` added and did not find there."""
    if table not in HISTORY_TABLES:
        return f"{alias}.batch_id = :batch"
    return (
        f"{alias}.batch_id = :batch AND NOT EXISTS (SELECT FROM {table}_history own"
        f" WHERE own.replaced_by = :batch AND {same_key(table, 'own', alias)})"
    )


def fixes_of_batch(alias: str) -> str:
    """Return the condition on fixes of ``:batch``: by its times first, so that few partitions are read."""
    return f"{alias}.t >= :fixes_from AND {alias}.t <= :fixes_to AND {alias}.batch_id = :batch"
