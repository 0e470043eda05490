"""Ground under the work layers: roads, waterways and buildings."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0018_ground.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("functions and policies of the newer version would stay in force")
