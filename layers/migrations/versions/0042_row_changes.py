"""Index of the changes of rows by time: old ones are removed."""

from __future__ import annotations

from alembic import op

revision = "0042"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_row_changes_at", "row_changes", ["at"])


def downgrade() -> None:
    op.drop_index("ix_row_changes_at", "row_changes")
