"""Proposals of duty lists, with a row for each of their steps."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0025"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0025_duty_proposals.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("who approved a duty list would be forgotten")
