"""The matter of the duty list that cases of each kind of alert are opened for."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE alert_kinds ADD COLUMN item_code TEXT")
    # Cases of this kind were for this item whatever the city: who has it, or has such alerts, keeps it.
    op.execute("""
        UPDATE alert_kinds SET item_code = 'ECO-RESUME-001'
        WHERE kind = 'illegal_resumption'
          AND (EXISTS (SELECT FROM duty_items WHERE item_code = 'ECO-RESUME-001')
               OR EXISTS (SELECT FROM alerts WHERE kind = 'illegal_resumption'))
    """)


def downgrade() -> None:
    raise NotImplementedError("functions and policies of the newer version would stay in force")
