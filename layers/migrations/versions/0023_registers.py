"""Registers of bodies, officers and matters, with the bodies and matters that are in use."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0023_registers.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("cases would name bodies of no register")
