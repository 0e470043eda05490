"""Scope by domain, keys that end and do less, a log that a supervisor reads, notice of changed accounts."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0009_access.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("who was kept from the rows of a domain would see them")
