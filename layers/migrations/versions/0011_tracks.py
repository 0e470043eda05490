"""Tracks of vehicles as lines."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0011_tracks.sql").read_text())


def downgrade() -> None:
    op.execute("DROP TABLE track_days")
    op.execute("DROP TABLE tracks")
