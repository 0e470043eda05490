"""Decided cases as the public may know them."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0030"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute(
        (resources.files("layers") / "migrations" / "sql" / "0030_published_cases.sql").read_text()
    )


def downgrade() -> None:
    raise NotImplementedError("reasons of what was taken down would be lost")
