"""Connections, transactions with a scope, COPY, and notices of committed changes."""

from __future__ import annotations

from layers.postgres.async_reader import Query, Reader
from layers.postgres.changes import (
    CELL_ZOOM,
    CHANNEL,
    PATH_VARIABLE,
    SAME_TABLE,
    Change,
    TileVersions,
    changes_after,
    versions_of,
)
from layers.postgres.connections import (
    LEAST,
    VARIABLE,
    Share,
    connection_room,
    plain_conninfo,
    process_limits,
    share,
)
from layers.postgres.copying import Written, copy_frame, upsert
from layers.postgres.schema_in_force import drop_schema, schema_digest
from layers.postgres.scope import PUBLIC, SYSTEM, Scope
from layers.postgres.sessions import (
    advisory_lock,
    apply_scope,
    database_url,
    engine,
    migrate,
    newest_schema,
    schema_is_current,
    session,
)
from layers.postgres.shared_counters import SharedCounters

__all__ = [
    "CELL_ZOOM",
    "CHANNEL",
    "LEAST",
    "PATH_VARIABLE",
    "PUBLIC",
    "SAME_TABLE",
    "SYSTEM",
    "VARIABLE",
    "Change",
    "Query",
    "Reader",
    "Scope",
    "Share",
    "SharedCounters",
    "TileVersions",
    "Written",
    "advisory_lock",
    "apply_scope",
    "changes_after",
    "connection_room",
    "copy_frame",
    "database_url",
    "drop_schema",
    "engine",
    "migrate",
    "newest_schema",
    "plain_conninfo",
    "process_limits",
    "schema_digest",
    "schema_is_current",
    "session",
    "share",
    "upsert",
    "versions_of",
]
