"""Fences and the events at them."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0006_fences.sql").read_text())


def downgrade() -> None:
    op.execute("DROP TABLE fence_events")
    op.execute("DROP TABLE fences")
