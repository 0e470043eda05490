"""Hot spots by counts against their exposure, and emerging hot spots."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0036"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0036_hot_spots.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("hot spots would lose their significance")
