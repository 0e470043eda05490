"""Counts of points in the cells of tiles, kept by triggers."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0013_tile_cells.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("cells are dropped with the database")
