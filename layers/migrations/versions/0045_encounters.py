"""Silences at closed sites, and encounters of vehicles."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0045"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0045_encounters.sql").read_text())


def downgrade() -> None:
    op.drop_table("encounters")
    op.drop_table("silences")
