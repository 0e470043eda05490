"""Removal of all tables and functions of this service from a database."""

from __future__ import annotations


def reset(url: str) -> None:
    """Drop all that this service created in a database, except the extensions."""
    from layers.postgres import drop_schema, engine
    from layers.tables import Base

    with engine(url).begin() as connection:
        drop_schema(connection.connection.driver_connection, [*Base.metadata.tables, "alembic_version"])
