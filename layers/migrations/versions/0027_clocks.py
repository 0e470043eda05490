"""Clocks of cases: urgency, deadline of the stage, lateness, suspension; days of imported calendars."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0027"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0027_clocks.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("events would speak of clocks that no column has")
