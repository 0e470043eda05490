"""Change sets say whether corrected grids keep their codes; those that their author turned down are withdrawn."""

from __future__ import annotations

from alembic import op

revision = "0064"
down_revision = "0063"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE change_sets ADD COLUMN keep_codes boolean NOT NULL DEFAULT false")
    op.execute(
        "UPDATE change_sets SET status = 'withdrawn' WHERE status = 'rejected' AND result ->> 'rejected_by' = author"
    )


def downgrade() -> None:
    op.execute("UPDATE change_sets SET status = 'rejected' WHERE status = 'withdrawn'")
    op.execute("ALTER TABLE change_sets DROP COLUMN keep_codes")
