"""Notes of imports are kept with their batch."""

from __future__ import annotations

from alembic import op

revision = "0052"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE batches ADD COLUMN notes text[] NOT NULL DEFAULT '{}'")


def downgrade() -> None:
    raise NotImplementedError("notes would be lost")
