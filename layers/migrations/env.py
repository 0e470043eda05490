"""Alembic's entry: one connection, one transaction, one upgrade at a time; at its end the SQL in force."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool, text

from layers.postgres.schema_in_force import apply_schema
from layers.tables import Base

LOCK_KEY = 5_317_620
BEFORE_MIGRATIONS = """
DO $$ BEGIN
    DROP SCHEMA IF EXISTS known CASCADE;
    IF to_regclass('schema_in_force') IS NOT NULL THEN
        DELETE FROM schema_in_force;
    END IF;
END $$
"""
"""Views of rows as they were known stand on every column of their tables: they go, and the files make them anew."""


def run() -> None:
    """Upgrade under a lock, so that two starting workers do not make the schema twice."""
    url = context.config.attributes["url"]
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata)
        with context.begin_transaction():
            if context.get_context().get_current_revision() != context.script.get_current_head():
                connection.execute(text(BEFORE_MIGRATIONS))
            context.run_migrations()
            # Files name tables and columns of the newest revision: an upgrade that stops before it leaves
            # them alone.
            if context.get_context().get_current_revision() == context.script.get_current_head():
                apply_schema(connection.connection.driver_connection)
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
        connection.commit()
    engine.dispose()


run()
