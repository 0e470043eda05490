"""Runs of models say their window, the fingerprint of what they read, what they could not see, and their seconds."""

from __future__ import annotations

from alembic import op

revision = "0041"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "ALTER TABLE model_runs ADD COLUMN window_from timestamptz, ADD COLUMN window_to timestamptz,"
        " ADD COLUMN fingerprint jsonb NOT NULL DEFAULT '{}', ADD COLUMN blind_spots jsonb NOT NULL DEFAULT '[]',"
        " ADD COLUMN seconds jsonb NOT NULL DEFAULT '{}'"
    )


def downgrade() -> None:
    raise NotImplementedError("nobody would know what a run had read")
