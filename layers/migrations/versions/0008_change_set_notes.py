"""What a change set is called and why it is asked for."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE change_sets ADD COLUMN title VARCHAR NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE change_sets ADD COLUMN reason VARCHAR NOT NULL DEFAULT ''")


def downgrade() -> None:
    op.execute("ALTER TABLE change_sets DROP COLUMN reason")
    op.execute("ALTER TABLE change_sets DROP COLUMN title")
