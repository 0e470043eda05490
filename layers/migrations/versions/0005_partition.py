"""Change sets with a date, what a zone holds, and which bodies and divisions followed which."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE change_sets ADD COLUMN effective_at TIMESTAMP WITH TIME ZONE")
    op.execute("ALTER TABLE areas ADD COLUMN households FLOAT, ADD COLUMN road_length_m FLOAT")


def downgrade() -> None:
    op.execute("ALTER TABLE areas DROP COLUMN households, DROP COLUMN road_length_m")
    op.execute("ALTER TABLE change_sets DROP COLUMN effective_at")
