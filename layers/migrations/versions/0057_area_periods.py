"""Periods of areas: no two versions of a code hold at one moment, and one rule says which hold."""

from __future__ import annotations

from alembic import op

revision = "0057"
down_revision = "0052"
branch_labels = None
depends_on = None

# A code that was given again inside its old time: the later version begins where the former one ended, as the
# answers of today say; one that lies wholly inside the former one ends it.
_MEND = (
    "UPDATE areas n SET valid_from = o.valid_to FROM areas o WHERE o.code = n.code AND o.kind = n.kind AND o.id <> n.id"
    " AND o.valid_from < n.valid_from AND o.valid_to > n.valid_from"
    " AND (n.valid_to IS NULL OR n.valid_to > o.valid_to)",
    "UPDATE areas o SET valid_to = n.valid_from FROM areas n WHERE o.code = n.code AND o.kind = n.kind AND o.id <> n.id"
    " AND o.valid_from < n.valid_from AND (o.valid_to IS NULL OR o.valid_to > n.valid_from)",
)


def upgrade() -> None:
    for statement in _MEND:
        op.execute(statement)
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
    op.execute(
        "ALTER TABLE areas ADD CONSTRAINT ex_areas_period"
        " EXCLUDE USING gist (code WITH =, kind WITH =, tstzrange(valid_from, valid_to) WITH &&)"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE areas DROP CONSTRAINT ex_areas_period")
