"""The matter of the duty list that cases of each kind of alert are opened for."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE alert_kinds ADD COLUMN item_code TEXT")
    # The item of the newest case of each kind is kept.
    op.execute("""
        UPDATE alert_kinds k SET item_code = (
            SELECT c.item_code FROM cases c JOIN alerts a ON a.id = c.alert_id
            WHERE a.kind = k.kind ORDER BY c.opened_at DESC, c.id DESC LIMIT 1)
    """)


def downgrade() -> None:
    raise NotImplementedError("functions and policies of the newer version would stay in force")
