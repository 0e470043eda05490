"""Readings of meters are intervals: daily ones last from one midnight of the city to the next."""

from __future__ import annotations

from importlib import resources

from alembic import op
from psycopg import sql

from layers.local_time import local_zone

revision = "0043"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    text = (resources.files("layers") / "migrations" / "sql" / "0043_reading_intervals.sql").read_text()
    driver.execute(sql.SQL(text).format(zone=sql.Literal(local_zone().key)))


def downgrade() -> None:
    raise NotImplementedError("a bill has no day")
