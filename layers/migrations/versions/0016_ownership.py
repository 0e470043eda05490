"""Rows on the edge of an area get the area that owns the point by the half-open rule, as cases and fixes always had."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

AT_AN_EDGE = """
    EXISTS (SELECT FROM areas a WHERE a.valid_to IS NULL AND a.kind IN ('community', 'town', 'county', 'city')
            AND a.geom && ST_Expand(r.geom, 1e-9) AND ST_DWithin(ST_Boundary(a.geom), r.geom, 1e-9))
"""


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0016_ownership.sql").read_text())
    for table in ("sites", "stays", "fence_events"):
        driver.execute(
            f"UPDATE {table} r SET area_id = owning_area(r.geom)"
            f" WHERE {AT_AN_EDGE} AND r.area_id IS DISTINCT FROM owning_area(r.geom)"
        )
    for table in ("visits", "alerts"):  # theirs is the area of their site
        driver.execute(
            f"UPDATE {table} v SET area_id = r.area_id FROM sites r"
            f" WHERE r.id = v.site_id AND {AT_AN_EDGE} AND v.area_id IS DISTINCT FROM r.area_id"
        )


def downgrade() -> None:
    raise NotImplementedError("which area a point on an edge had before is not kept")
