"""Connections, transactions with a scope, COPY, and notices of committed changes."""

from __future__ import annotations

from layers.postgres.async_reader import AsyncReader, CompiledQuery
from layers.postgres.changes import (
    CELL_ZOOM,
    CHANNEL,
    SAME_TABLE,
    CommittedChange,
    TileVersions,
    changes_after,
    newest_change_id,
    share_versions,
    tile_versions,
)
from layers.postgres.connections import (
    MIN_CONNECTIONS,
    ConnectionLimits,
    ConnectionShare,
    available_connections,
    divide_connections,
)
from layers.postgres.copying import WriteCounts, copy_frame, upsert
from layers.postgres.inspection import (
    box_overlap_is_leakproof,
    reader_role,
    row_security,
    server_clock,
    server_versions,
)
from layers.postgres.listener import Listener, ListeningConnection
from layers.postgres.readiness import Readiness
from layers.postgres.schema_in_force import drop_schema, schema_digest
from layers.postgres.scope import PUBLIC, SYSTEM, Scope
from layers.postgres.seen_rows import read_seen
from layers.postgres.sessions import (
    SchemaState,
    advisory_lock,
    apply_scope,
    engine,
    forbid_writes,
    leave_connections,
    migrate,
    newest_schema,
    refresh_statistics,
    schema_is_current,
    schema_state,
    session,
    set_pool_size,
)
from layers.postgres.shared_counters import SharedCounters
from layers.postgres.timeouts import first_row_within, limit_statements
from layers.postgres.urls import database_name, libpq_url, shown_url, sqlalchemy_url, url_as_known

__all__ = [
    "CELL_ZOOM",
    "CHANNEL",
    "MIN_CONNECTIONS",
    "PUBLIC",
    "SAME_TABLE",
    "SYSTEM",
    "AsyncReader",
    "CommittedChange",
    "CompiledQuery",
    "ConnectionLimits",
    "ConnectionShare",
    "Listener",
    "ListeningConnection",
    "Readiness",
    "SchemaState",
    "Scope",
    "SharedCounters",
    "TileVersions",
    "WriteCounts",
    "advisory_lock",
    "apply_scope",
    "available_connections",
    "box_overlap_is_leakproof",
    "changes_after",
    "copy_frame",
    "database_name",
    "divide_connections",
    "drop_schema",
    "engine",
    "first_row_within",
    "forbid_writes",
    "leave_connections",
    "libpq_url",
    "limit_statements",
    "migrate",
    "newest_change_id",
    "newest_schema",
    "read_seen",
    "reader_role",
    "refresh_statistics",
    "row_security",
    "schema_digest",
    "schema_is_current",
    "schema_state",
    "server_clock",
    "server_versions",
    "session",
    "set_pool_size",
    "share_versions",
    "shown_url",
    "sqlalchemy_url",
    "tile_versions",
    "upsert",
    "url_as_known",
]
