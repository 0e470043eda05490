"""Kinds of alerts with their domain, and which files of ``layers/schema`` the database has in force."""

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
    op.execute("""
        CREATE TABLE alert_kinds (
            kind TEXT NOT NULL,
            domain TEXT,
            name_zh TEXT NOT NULL,
            name_en TEXT NOT NULL,
            CONSTRAINT pk_alert_kinds PRIMARY KEY (kind)
        )
    """)
    op.execute("""
        INSERT INTO alert_kinds (kind, domain, name_zh, name_en)
        VALUES ('illegal_resumption', 'ecology', '疑似非法复工', 'suspected illegal resumption')
    """)
    # Alerts of a kind without a domain were for those who see every domain: they stay so.
    op.execute("""
        INSERT INTO alert_kinds (kind, name_zh, name_en) SELECT DISTINCT kind, kind, kind FROM alerts
        ON CONFLICT DO NOTHING
    """)
    op.execute(
        "ALTER TABLE alerts ADD CONSTRAINT fk_alerts_kind FOREIGN KEY (kind) REFERENCES alert_kinds (kind)"
    )


def downgrade() -> None:
    raise NotImplementedError("functions and policies of the newer version would stay in force")
