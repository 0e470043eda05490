"""The first schema: tables, row-level security, append-only events, change notices."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FILES = ("0001_tables.sql", "0001_security.sql", "0001_events.sql", "0001_changes.sql")


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    for name in FILES:
        sql = (resources.files("layers") / "migrations" / "sql" / name).read_text()
        driver.execute(sql)  # psycopg itself: no placeholders in a file


def downgrade() -> None:
    raise NotImplementedError("the first schema is removed by dropping the database")
