"""Parties of cases: the bodies that take part, with times."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0024"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0024_parties.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("who takes part in a case would be lost")
