"""Sites without place: an address and no coordinates yet; a place that was found later keeps its origin and score."""

from __future__ import annotations

from alembic import op

revision = "0061"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("sites", "sites_history"):
        op.execute(
            f"ALTER TABLE {table} ALTER COLUMN geom DROP NOT NULL, ALTER COLUMN h3_9 DROP NOT NULL,"
            " ALTER COLUMN h3_10 DROP NOT NULL, ADD COLUMN address text, ADD COLUMN place_source text,"
            " ADD COLUMN place_score float8, ADD COLUMN place_name text"
        )
    op.execute("ALTER TABLE sites ALTER COLUMN geom_3857 DROP NOT NULL")
    op.execute("CREATE INDEX ix_sites_without_place ON sites (site_id) WHERE geom IS NULL")


def downgrade() -> None:
    op.execute("DROP INDEX ix_sites_without_place")
    for table in ("sites", "sites_history"):
        op.execute(f"DELETE FROM {table} WHERE geom IS NULL")
        op.execute(
            f"ALTER TABLE {table} DROP COLUMN address, DROP COLUMN place_source, DROP COLUMN place_score,"
            " DROP COLUMN place_name, ALTER COLUMN geom SET NOT NULL, ALTER COLUMN h3_9 SET NOT NULL,"
            " ALTER COLUMN h3_10 SET NOT NULL"
        )
    op.execute("ALTER TABLE sites ALTER COLUMN geom_3857 SET NOT NULL")
