"""Snapshots of the rows that alerts were decided from."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0034"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0034_snapshots.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("nobody would know which snapshot an alert has")
