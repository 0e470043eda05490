"""Second factors and recovery codes; logins know when, from where and with what they are used."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0021"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0021_second_factors.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("who has a second factor would log in without it")
