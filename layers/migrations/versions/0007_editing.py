"""Sites and places that are edited over the API."""

from __future__ import annotations

from importlib import resources

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    driver = op.get_bind().connection.driver_connection
    assert driver is not None
    driver.execute((resources.files("layers") / "migrations" / "sql" / "0007_editing.sql").read_text())


def downgrade() -> None:
    op.execute("DROP TRIGGER places_changes ON places")
    for layer in ("sites", "places"):
        for policy in ("readable", "created_in_scope", "changed_in_scope", "deleted_in_scope"):
            op.execute(f"DROP POLICY {policy} ON {layer}")
        op.execute(f"ALTER TABLE {layer} DISABLE ROW LEVEL SECURITY")
        op.execute(f"REVOKE INSERT, UPDATE, DELETE ON {layer} FROM wangge_reader")
    op.execute("DROP FUNCTION wangge_may_write")
