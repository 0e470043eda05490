"""Dispatches: officers sent to cases."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0035"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0035_dispatches.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("nobody would know who was sent where")
