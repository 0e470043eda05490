"""Alerts keep the evidence that would settle them apart from the evidence that would lower them."""

from __future__ import annotations

from alembic import op

revision = "0047"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE alerts ADD COLUMN would_settle jsonb NOT NULL DEFAULT '[]'")
    # A run before wrote what would settle a family among what would lower the score, with a note; its model says which.
    op.execute("""
        WITH told AS (
            SELECT a.id, w.n, w.item, f.key AS family, f.value -> 'would_settle' AS settle
            FROM alerts a JOIN model_runs r ON r.id = a.run_id
            JOIN LATERAL jsonb_each(r.parameters -> 'models') m ON m.value ->> 'alert_kind' = a.kind
            JOIN LATERAL jsonb_each(m.value -> 'families') f ON true
            JOIN LATERAL jsonb_array_elements(a.would_lower) WITH ORDINALITY AS w (item, n)
                ON w.item ->> 'zh' = rtrim(f.value #>> '{would_settle,zh}', '。') || '（可升可降）。'
            WHERE jsonb_typeof(r.parameters -> 'models') = 'object'
        ), moved AS (
            SELECT id, array_agg(n) AS places,
                   jsonb_agg(jsonb_build_object('family', family) || settle ORDER BY n) AS items
            FROM told GROUP BY id
        )
        UPDATE alerts a SET would_settle = m.items, would_lower = COALESCE((
            SELECT jsonb_agg(w.item ORDER BY w.n)
            FROM jsonb_array_elements(a.would_lower) WITH ORDINALITY AS w (item, n)
            WHERE w.n <> ALL (m.places)), '[]')
        FROM moved m WHERE m.id = a.id
    """)


def downgrade() -> None:
    raise NotImplementedError("what would settle an alert would read as what would lower it")
