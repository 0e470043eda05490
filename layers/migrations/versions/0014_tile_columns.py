"""What tiles need of other tables and of geometry, kept in the rows."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0014_tile_columns.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("the columns are dropped with the database")
