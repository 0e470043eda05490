"""Facts of cases for the indicators."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0031_case_facts.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("the figures would have no facts")
