"""Versions of models, budgets of checks with the rank of each alert, and what each signal gave a score."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0046"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0046_model_versions.sql").read_text())


def downgrade() -> None:
    raise NotImplementedError("nobody would know which version of a model judged")
