"""Which files of ``layers/schema`` the database has in force."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE schema_in_force (
            digest TEXT NOT NULL,
            applied_at TIMESTAMP WITH TIME ZONE NOT NULL,
            CONSTRAINT pk_schema_in_force PRIMARY KEY (digest)
        )
    """)


def downgrade() -> None:
    raise NotImplementedError("functions and policies of the newer version would stay in force")
