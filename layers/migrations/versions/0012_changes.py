"""A log of changes by tile and scope: triggers write it, a commit tells it."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0012_changes.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("tiles would be kept that a change made wrong")
