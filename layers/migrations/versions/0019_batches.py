"""Batches: where every row from outside came from, and the rows that it replaced."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0019_batches.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("where rows came from would be lost")
