"""Alerts remember: one live alert a site and kind, the scores of each run, outcomes with person and time."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0037"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0037_alert_memory.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("nobody would know what was found at a site, and by whom")
