"""Stays say how long a gap belonged to them: more for vehicles that report seldom."""

from __future__ import annotations

from alembic import op

revision = "0051"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE stays ADD COLUMN max_gap_s float8 NOT NULL DEFAULT 900")


def downgrade() -> None:
    op.execute("ALTER TABLE stays DROP COLUMN max_gap_s")
