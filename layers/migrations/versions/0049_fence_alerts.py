"""Alerts about fences, and vehicles that a fence lets through."""

from __future__ import annotations

from alembic import op

revision = "0049"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE fences ADD COLUMN exempt_vehicle_ids text[]")
    op.execute("ALTER TABLE fences_history ADD COLUMN exempt_vehicle_ids text[]")
    op.execute("ALTER TABLE alerts ALTER COLUMN site_id DROP NOT NULL, ADD COLUMN fence_id bigint")
    op.execute(
        "ALTER TABLE alerts ADD CONSTRAINT fk_alerts_fence_id FOREIGN KEY (fence_id) REFERENCES fences (id),"
        " ADD CONSTRAINT ck_alerts_subject CHECK (num_nonnulls(site_id, fence_id) = 1)"
    )
    op.execute("CREATE UNIQUE INDEX uq_alerts_live_fence ON alerts (fence_id, kind) WHERE joined_to IS NULL")
    op.execute(
        "INSERT INTO alert_kinds (kind, domain, name_zh, name_en) VALUES"
        " ('fishing_ban', 'agriculture', '疑似禁渔水域捕捞', 'Suspected fishing in ban waters'),"
        " ('hazardous_storage', 'ecology', '疑似非法储存', 'Suspected unlicensed hazardous storage'),"
        " ('split_jurisdictions', 'market', '疑似三地不符', 'Suspected split of registration, production and sale')"
        " ON CONFLICT (kind) DO UPDATE SET domain = COALESCE(alert_kinds.domain, EXCLUDED.domain)"
    )


def downgrade() -> None:
    raise NotImplementedError("alerts about fences would have no subject")
