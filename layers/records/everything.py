"""Removal of everything that this service stores in a database."""

from __future__ import annotations


def reset(url: str) -> None:
    """Drop everything this service made in a database (not the extensions); the demo starts anew with it."""
    from layers.postgres import drop_schema, engine
    from layers.tables import Base

    with engine(url).begin() as connection:
        drop_schema(connection.connection.driver_connection, [*Base.metadata.tables, "alembic_version"])
