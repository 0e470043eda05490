"""Heads over the chains of all cases, and what the access log holds besides."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0022_chain_heads.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("what proves the events of cases would be lost")
