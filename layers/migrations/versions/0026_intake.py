"""Names of places, and clues with their reporters."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0026"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0026_intake.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("clues would be lost")
