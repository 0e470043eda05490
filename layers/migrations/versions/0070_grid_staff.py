"""Registers of grid workers and of the households of unit grids; indexes for the preview of a draft."""

from __future__ import annotations

from importlib import resources
from typing import Any

from alembic import op

revision = "0070"
down_revision = "0066"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver: Any = op.get_bind().connection.driver_connection
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0070_grid_staff.sql").read_text())


def downgrade() -> None:
    op.execute("DROP FUNCTION IF EXISTS households_of(areas, date)")
    for table in ("grid_workers", "grid_households"):
        op.execute(f"DROP TABLE {table}, {table}_history CASCADE")
