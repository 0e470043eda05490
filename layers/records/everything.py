"""Removal of everything that this service stores in a database."""

from __future__ import annotations

from psycopg import sql

from layers.postgres import drop_log


def reset(url: str) -> None:
    """Drop everything this service made in a database (not the extensions); the demo starts anew with it."""
    from layers.collections import drop_cells
    from layers.postgres import engine
    from layers.tables import Base

    with engine(url).begin() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        names = [*Base.metadata.tables, "alembic_version"]
        for name in names:
            driver.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(name)))
        driver.execute(
            "DROP FUNCTION IF EXISTS refuse_change, announce_change, wangge_may_write, keep_access_log,"
            " announce_accounts CASCADE"
        )
        drop_log(driver)
        drop_cells(driver)
