"""Outbox, webhooks with their deliveries, and the log of changed rows."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0028"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0028_sharing.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("messages that were not delivered would be lost")
