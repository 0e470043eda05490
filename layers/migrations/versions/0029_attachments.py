"""Files attached to cases."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0029"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0029_attachments.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("names of attached files would be lost")
